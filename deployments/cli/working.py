"""One piece of background work for a session: triggered, followed with progress, its failure raised."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from db.actor import Actor
from db.engine import session_scope
from db.enums import EventCategory, ReviewDecision, SessionStage, TaskType
from db.repositories.audit import AuditRepository
from db.repositories.background import TaskRepository
from db.repositories.progress import ProgressRepository
from db.repositories.reviews import ReviewRepository
from db.repositories.validations import ValidationRepository
from deployments.cli.failures import errors_of, failure_of
from deployments.cli.output import note
from deployments.cli.progress import Standing, shown_progress
from deployments.cli.runs import Ending, follow, half_a_second, root_of, run_going_on, trigger
from deployments.cli.stopping import leave
from deployments.cli.watching import listening
from deployments.cli.workplace import Workplace
from tasks.core.errors import RUN_DIED, Temporary

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun, State

BEFORE_REVIEW = (SessionStage.SITE_INFO_COLLECTION, SessionStage.UPLOAD, SessionStage.PROCESSING)
DELIVERABLE = (SessionStage.REVIEW, SessionStage.JIRA_EXPORT)


async def advance(place: Workplace, session_id: UUID, actor: Actor, *, deliver: bool) -> None:
    """Bring a session as far as it goes without a person: to review, or into Jira where that is approved."""
    if going_on := await run_at_work(place, session_id):
        await _see_out(place, session_id, going_on, actor)
    if await _stage(place, session_id) in BEFORE_REVIEW:
        tags = ["unattended"] if deliver else []
        await work(place, session_id, "prepare-session", actor, tags=tags)
    if deliver and await _stage(place, session_id) in DELIVERABLE:
        await work(place, session_id, "deliver-session", actor)


async def _see_out(place: Workplace, session_id: UUID, run: "FlowRun", actor: Actor) -> None:
    """Follow a run that somebody else started; where it turns out to be dead, its work is taken over."""
    try:
        await follow_run(place, session_id, run, actor)
    except Temporary as error:
        if error.code != RUN_DIED:
            raise
        note(f"{error.message} Going on where it was.")


async def run_at_work(place: Workplace, session_id: UUID) -> "FlowRun | None":
    """The run that works on a session: by its tag, or by the row that it holds, as one from the UI has no tag."""
    if run := await run_going_on(place.client, session_id):
        return run
    async with session_scope(place.engine) as session:
        row = await TaskRepository(session).current(session_id)
    if row is None or row.task_id is None:
        return None
    run = await place.client.read_flow_run(await root_of(place.client, UUID(row.task_id)))
    return None if run.state and run.state.is_final() else run


async def work(
    place: Workplace,
    session_id: UUID,
    deployment: str,
    actor: Actor,
    tags: Sequence[str] = (),
    **parameters: Any,
) -> Ending:
    """Run a deployment for a session to its end."""
    given = {"requested_by": actor.claimed, **parameters}
    run = await trigger(place.client, deployment, session_id, given, tags=tags)
    await note_request(place, deployment, run, actor, session_id)
    return await follow_run(place, session_id, run, actor)


async def work_alone(
    place: Workplace, session_id: UUID, deployment: str, actor: Actor, task_type: TaskType
) -> Ending:
    """The same for a run that holds the session from the moment it is triggered."""
    if await run_going_on(place.client, session_id):
        return await work(place, session_id, deployment, actor)
    from tasks.run_state import end_dead_holder

    await end_dead_holder(place.engine, session_id, actor)
    async with session_scope(place.engine) as session:
        row = await TaskRepository(session).queue(session_id, task_type, actor=actor)
    try:
        # The key is the reconciler's: should it find the row queued for long, it triggers this very run again.
        key = f"{session_id}:{task_type}:{row.id}"
        run = await trigger(place.client, deployment, session_id, {"requested_by": actor.claimed}, key)
        await note_request(place, deployment, run, actor, session_id)
        return await follow_run(place, session_id, run, actor)
    except Exception:
        async with session_scope(place.engine) as session:  # a run that failed before it claimed the row
            await TaskRepository(session).cancel(session_id, None, 0, actor=actor)
        raise


async def note_request(
    place: Workplace, deployment: str, run: "FlowRun", actor: Actor, session_id: UUID | None = None
) -> None:
    """Who asked for a run is known for sure here; the run itself knows only what it was told."""
    async with session_scope(place.engine) as session:
        await AuditRepository(session).write(
            replace(actor, request_id=str(run.id)),
            "run.requested",
            EventCategory.SYSTEM,
            session_id=session_id,
            entity_type="flow_run",
            entity_id=run.id,
            description=f"{deployment} requested",
        )


async def watch_run(place: Workplace, session_id: UUID, run: "FlowRun", actor: Actor) -> Ending:
    """Follow a run by Prefect's event stream, as closely as it tells."""
    async with listening(session_id, run.id, note) as pause:
        return await follow_run(place, session_id, run, actor, pause)


async def follow_run(
    place: Workplace,
    session_id: UUID,
    run: "FlowRun",
    actor: Actor,
    pause: Callable[[], Awaitable[None]] = half_a_second,
) -> Ending:
    """Show the progress of a run until it ends; raises what kept it from doing its work."""
    known = {error.id for error in await errors_of(place, session_id)}
    note(f"Run: {place.address_of(run.id)}")

    async def tick(state: "State | None") -> None:
        async with session_scope(place.engine) as session:
            counts = await ProgressRepository(session).counts(session_id)
        name = (state.name if state else None) or ""
        progress.update(Standing(counts.stage, counts.tickets, counts.in_jira, name))

    try:
        with shown_progress() as progress:
            ending = await follow(place.client, run.id, tick, pause)
    except asyncio.CancelledError:
        raise await leave(place, session_id, actor) from None
    if failure := await failure_of(place, session_id, ending, known):
        raise failure
    return ending


async def is_approved(place: Workplace, session_id: UUID) -> bool:
    """Whether the last review round ended with an approval of the tickets as they are now."""
    async with session_scope(place.engine) as session:
        last = await ReviewRepository(session).latest(session_id)
        validation = await ValidationRepository(session).get(session_id)
    approved = last is not None and last.decision is ReviewDecision.APPROVE
    return approved and last is not None and last.revision == validation.revision


async def _stage(place: Workplace, session_id: UUID) -> SessionStage:
    async with session_scope(place.engine) as session:
        return (await ProgressRepository(session).counts(session_id)).stage
