"""One round of asking a person: shown, decided once through whichever door, and followed by what was decided."""

from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

from prefect import task
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.input.actions import aread_flow_run_input
from prefect.input.run_input import keyset_from_base_key
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from blocks.database import database_engine
from db.actor import Actor
from db.engine import session_scope
from db.enums import EntityGroup, ReviewDecision, SessionStage
from db.errors import Changed
from db.models import ReviewRound
from db.repositories.progress import ProgressRepository
from db.repositories.readiness import ReadinessRepository
from db.repositories.reviews import ReviewRepository
from db.repositories.rollback import RollbackRepository
from db.repositories.sessions import SessionRepository
from tasks.core.forms import Rewrite
from tasks.core.markdown import escape
from tasks.core.outcomes import StageOutcome, StageRun
from tasks.readiness import obstacles
from tasks.retrying import ONCE, RETRYING
from tasks.session_events import SessionEvent, tell
from tasks.stage_record import actor_of

# The form itself is the approval, and what follows it validates.
ANSWERED_HERE = frozenset({"approval", "validation"})
_NEXT: dict[ReviewDecision | None, str] = {
    ReviewDecision.APPROVE: "Approved: delivery is on its way.",
    ReviewDecision.CHANGE: "The tickets stay open for editing; start review-tickets again when they are ready.",
    ReviewDecision.ROLL_BACK: "The tickets are removed; start prepare-session to write them anew.",
    ReviewDecision.CANCEL: "Nothing was decided; the tickets stay as they are.",
}


class Round(BaseModel):
    """A review round as the flow needs it."""

    model_config = ConfigDict(frozen=True)

    number: int
    revision: int
    summary: str = ""
    decision: ReviewDecision | None = None
    decided_by: str | None = None
    request: Rewrite = Rewrite()
    is_new: bool = Field(default=False, description="Opened just now: its pages are still to be published.")

    @property
    def is_over(self) -> bool:
        """Whether a person decided, and what was decided ends the review."""
        return self.decision not in (None, ReviewDecision.REGENERATE)


class Answer(Protocol):
    """The form as it was filled in."""

    decision: Any
    requested_by: str
    note: str
    group: Any
    replace_edits: bool


@task(task_run_name="open the review", **RETRYING)
async def open_round(run: StageRun, waits: timedelta) -> Round:
    """This run's round, with a summary of the tickets that it asks about."""
    async with session_scope(await database_engine()) as session:
        reviews = ReviewRepository(session)
        last = await reviews.latest(run.session_id)
        row = await reviews.open_round(run.session_id, run.flow_run_id, actor=actor_of(run), waits=waits)
        shown = await _summary(session, run, row)
    return _round(row, shown, is_new=last is None or row.round > last.round)


@task(task_run_name="read the answer", **RETRYING)
async def answered(run: StageRun, asked: Round) -> dict[str, Any] | None:
    """What this run's form of a round was answered with; None where nobody answered it."""
    keys = keyset_from_base_key(f"suspended-review-{asked.number}")
    answer: dict[str, Any] | None = await aread_flow_run_input(keys["response"], UUID(run.flow_run_id))
    return answer


@task(task_run_name="ask again", **RETRYING)
async def ask_again(run: StageRun, waits: timedelta, written: StageOutcome | State[Any]) -> Round:
    """The next round, with what became of the tickets and as they are now; the same one when tried again."""
    async with session_scope(await database_engine()) as session:
        reviews = ReviewRepository(session)
        row = await reviews.waiting(run.session_id)
        if row is None or row.task_id != run.flow_run_id:
            row = await reviews.renew(run.session_id, run.flow_run_id, actor=actor_of(run), waits=waits)
        shown = await _summary(session, run, row)
        tickets = await ProgressRepository(session).counts(run.session_id)
    tell(run, SessionEvent.REVIEW_WAITING, tickets=tickets.tickets)
    return _round(row, f"**{escape(written.message or '')}**\n\n{shown}")


@task(task_run_name="record the decision", **ONCE)
async def record_decision(run: StageRun, asked: Round, answer: Answer, waits: timedelta) -> Round:
    """Keep the decision; an approval of tickets that changed meanwhile opens a new round instead."""
    actor = Actor(answer.requested_by, request_id=run.flow_run_id)
    decision = ReviewDecision(answer.decision)
    group = None if answer.group == "all" else EntityGroup(answer.group)
    rewrite = Rewrite(instruction=answer.note, group=group, replace_edits=answer.replace_edits)
    request = rewrite.model_dump(mode="json") if decision is ReviewDecision.REGENERATE else {}
    engine = await database_engine()
    try:
        async with session_scope(engine) as session:
            row = await ReviewRepository(session).decide(
                run.session_id,
                decision,
                actor=actor,
                note=answer.note,
                request=request,
                round_number=asked.number,
            )
    except Changed as changed:
        async with session_scope(engine) as session:
            reviews = ReviewRepository(session)
            row = await reviews.renew(run.session_id, run.flow_run_id, actor=actor, waits=waits)
            shown = await _summary(session, run, row)
        return _round(row, f"**{changed.message}**\n\n{shown}", is_new=True)
    return _round(row)


@task(task_run_name="follow the decision", **RETRYING)
async def finish_review(run: StageRun, decided: Round) -> StageOutcome:
    """Do what was decided: trigger the delivery, or roll back; safe to repeat."""
    stage = SessionStage.REVIEW
    if decided.decision is ReviewDecision.APPROVE:
        await _trigger_delivery(run, decided)
    elif decided.decision is ReviewDecision.ROLL_BACK:
        stage = SessionStage.PROCESSING
        await _roll_back(run)
    return StageOutcome(
        session_id=run.session_id, stage=stage, message=_NEXT.get(decided.decision, "Decided.")
    )


async def _trigger_delivery(run: StageRun, decided: Round) -> None:
    async with get_client() as client:
        deployment = await client.read_deployment_by_name("deliver-session/deliver-session")
        await client.create_flow_run_from_deployment(
            deployment.id,
            parameters={"session_id": str(run.session_id), "requested_by": decided.decided_by},
            idempotency_key=f"{run.session_id}:deliver-after-review:{decided.number}",
            tags=[session_tag(run.session_id)],
        )


async def _roll_back(run: StageRun) -> None:
    async with session_scope(await database_engine()) as session:
        record = await SessionRepository(session).get(run.session_id)
        if record.current_stage is SessionStage.REVIEW:
            await RollbackRepository(session).roll_back(
                run.session_id, SessionStage.PROCESSING, actor=actor_of(run)
            )


def session_tag(session_id: UUID) -> str:
    """The tag by which the runs of a session are found in Prefect."""
    return f"session:{session_id}"


def _round(row: ReviewRound, summary: str = "", *, is_new: bool = False) -> Round:
    return Round(
        number=row.round,
        revision=row.revision,
        summary=summary,
        decision=row.decision,
        decided_by=row.decided_by,
        request=Rewrite.model_validate(row.request),
        is_new=is_new,
    )


async def _summary(session: AsyncSession, run: StageRun, row: ReviewRound) -> str:
    """What the form says above its fields: how much there is, what is in the way, where to read and edit."""
    standing = await ReadinessRepository(session).standing(run.session_id)
    lost = await RollbackRepository(session).impact(run.session_id)
    groups = " · ".join(f"{group.group} {group.tickets}" for group in standing.groups)
    in_the_way = [
        f"- {escape(obstacle.message)} `{obstacle.action}`"
        for obstacle in obstacles(standing)
        if obstacle.code not in ANSWERED_HERE
    ]
    parts = [
        f"## {escape(run.site_name)}: {standing.tickets} tickets (review round {row.round})",
        f"{groups}. Edited by people: {lost['edits']}; not ready: {len(standing.not_ready)}.",
        *(["Before the export:\n\n" + "\n".join(in_the_way)] if in_the_way else []),
        "Read them under Artifacts: a table of all, a page per group and the picture of what waits for what. "
        f"Edit them with `drupal-tickets tickets pull {run.session_id} FOLDER`.",
        f"`roll_back` would remove {lost['tickets']} tickets, {lost['edits']} of them edited by people, and "
        f"{lost['attachments']} attachments.",
    ]
    return "\n\n".join(parts)
