"""What our database says is running, held against Prefect: ended where it is dead, started where it never was."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from prefect import task
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import TERMINAL_STATES, FlowRun, State, StateType
from prefect.runtime import flow_run
from prefect.states import Scheduled
from pydantic import BaseModel

from blocks.database import database_engine
from db.actor import Actor
from db.engine import session_scope
from db.enums import EventCategory, TaskType
from db.models import ReviewRound, SessionTask
from db.repositories.audit import AuditRepository
from db.repositories.background import TaskRepository
from db.repositories.lost_reviews import LostReviewRepository
from tasks.repair import Death, end_dead_row, write_repair
from tasks.retrying import RETRYING
from tasks.run_state import death_of
from tasks.silent_runs import POOLS

DEPLOYMENTS = {
    TaskType.PROCESSING: "generate-tickets/generate-tickets",
    TaskType.ADF_VALIDATION: "validate-tickets/validate-tickets",
    TaskType.EXPORT: "export-tickets/export-tickets",
}
OWN = "reconcile-tasks/reconcile-tasks"
# A trigger claims within seconds; after this time nobody is coming.
NEVER_STARTED = timedelta(minutes=2)
KEEP_OWN_RUNS = timedelta(days=1)
MOST_AT_ONCE = 200


class ReconcileReport(BaseModel):
    """How much was repaired."""

    ended: int = 0
    started: int = 0
    restarted: int = 0
    reviews_closed: int = 0


@task(task_run_name="end dead runs", **RETRYING)
async def end_dead_runs() -> int:
    """End every row that says running while its flow run has ended, is lost, or cannot be cancelled."""
    engine, ended = await database_engine(), 0
    async with get_client() as client:
        for row in await _running():
            if row.task_id and (death := await death_of(client, row.task_id)):
                ended += await end_dead_row(engine, row, death, _actor())
    return ended


@task(task_run_name="start queued runs", **RETRYING)
async def start_queued_runs() -> int:
    """Trigger what was queued and never started; returns how many.

    A run that is there already is late and waits for a worker; one that ended without claiming its row ends the row.
    """
    started = 0
    async with get_client() as client:
        for row in await _running():
            if row.task_id is not None or datetime.now(UTC) - row.queued_at < NEVER_STARTED:
                continue
            known = await _read(client, {"idempotency_key": {"any_": [_key(row)]}})
            if not known:
                await _trigger(client, row)
                await _audit_start(row)
                started += 1
            elif (state := known[0].state) and state.is_final():
                await end_dead_row(await database_engine(), row, _never_began(state), _actor())
    return started


@task(task_run_name="restart stuck runs", **RETRYING)
async def restart_stuck_runs() -> int:
    """Hand runs to the workers again whose worker died between taking and starting them; returns how many."""
    wanted = {
        "state": {"type": {"any_": [StateType.PENDING]}},
        "parent_task_run_id": {"is_null_": True},
    }
    stuck, before = [], datetime.now(UTC) - NEVER_STARTED
    async with get_client() as client:
        for run in await _read(client, wanted):
            if run.work_pool_name in POOLS and run.state and run.state.timestamp < before:
                again: State[Any] = Scheduled(message="Its worker died before starting it; scheduled again.")
                await client.set_flow_run_state(run.id, again, force=True)
                await _audit_restart(run)
                stuck.append(run.id)
    return len(stuck)


@task(task_run_name="close lost reviews", **RETRYING)
async def close_lost_reviews() -> int:
    """Close every review that nobody can answer any more: its time is over, or its run has ended."""
    closed = 0
    async with session_scope(await database_engine()) as session:
        rounds = await LostReviewRepository(session).undecided()
    async with get_client() as client:
        for waiting in rounds:
            if why := await _why_nobody_can_answer(client, waiting):
                async with session_scope(await database_engine()) as session:
                    closed += await LostReviewRepository(session).close(waiting.id, why, actor=_actor())
    return closed


@task(task_run_name="prune own runs", **RETRYING)
async def prune_own_runs() -> int:
    """Delete the reconciler's runs of more than a day ago; a run a minute would bury all others."""
    before = datetime.now(UTC) - KEEP_OWN_RUNS
    async with get_client() as client:
        own = await client.read_deployment_by_name(OWN)
        wanted = {
            "deployment_id": {"any_": [own.id]},
            "state": {"type": {"any_": list(TERMINAL_STATES)}},
            "expected_start_time": {"before_": before},
        }
        old = await _read(client, wanted)
        for run in old:
            await client.delete_flow_run(run.id)
    return len(old)


async def _trigger(client: PrefectClient, row: SessionTask) -> None:
    deployment = await client.read_deployment_by_name(DEPLOYMENTS[row.task_type])
    await client.create_flow_run_from_deployment(
        deployment.id,
        parameters={"session_id": str(row.session_id), "requested_by": "reconciler"},
        idempotency_key=_key(row),
        tags=[f"session:{row.session_id}"],
    )


def _key(row: SessionTask) -> str:
    # The command line's own: the run that it triggered is found by it.
    return f"{row.session_id}:{row.task_type}:{row.id}"


def _never_began(state: State[Any]) -> Death:
    why = f"Its run ended before it began: {state.message or state.name}"
    return Death(state.type is StateType.CANCELLED, why)


async def _why_nobody_can_answer(client: PrefectClient, waiting: ReviewRound) -> str | None:
    if waiting.expires_at < datetime.now(UTC):
        return "Nobody answered in time."
    death = await death_of(client, waiting.task_id) if waiting.task_id else None
    return death.why if death else None


async def _read(client: PrefectClient, wanted: Mapping[str, Any]) -> list[FlowRun]:
    return await client.read_flow_runs(
        flow_run_filter=FlowRunFilter.model_validate(wanted), limit=MOST_AT_ONCE
    )


async def _running() -> list[SessionTask]:
    async with session_scope(await database_engine()) as session:
        return list(await TaskRepository(session).running())


async def _audit_start(row: SessionTask) -> None:
    async with session_scope(await database_engine()) as session:
        what = "Queued and never started: triggered again."
        await write_repair(AuditRepository(session), row, "run.triggered", what, _actor())


async def _audit_restart(run: FlowRun) -> None:
    named = run.parameters.get("session_id")
    async with session_scope(await database_engine()) as session:
        await AuditRepository(session).write(
            _actor(),
            "run.restarted",
            EventCategory.SYSTEM,
            session_id=UUID(str(named)) if named else None,
            entity_type="flow_run",
            entity_id=str(run.id),
            description="Taken by a worker and never started: scheduled again.",
        )


def _actor() -> Actor:
    return Actor(claimed="reconciler", request_id=str(flow_run.id or ""))
