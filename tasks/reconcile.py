"""What our database says is running, held against Prefect: ended where it is dead, started where it never was."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from prefect import task
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.exceptions import ObjectNotFound
from prefect.runtime import flow_run
from pydantic import BaseModel

from blocks.database import database_engine
from db.actor import Actor
from db.engine import session_scope
from db.enums import ErrorCategory, ErrorSeverity, EventCategory, SessionStatus, TaskType
from db.models import Session, SessionTask
from db.repositories.audit import AuditRepository
from db.repositories.background import TaskRepository
from db.repositories.errors import ErrorRepository
from db.repositories.sessions import SessionRepository
from tasks.retrying import RETRYING

DEPLOYMENTS = {
    TaskType.PROCESSING: "generate-tickets/generate-tickets",
    TaskType.ADF_VALIDATION: "validate-tickets/validate-tickets",
    TaskType.EXPORT: "export-tickets/export-tickets",
}
# A trigger claims within seconds; after this time nobody is coming.
NEVER_STARTED = timedelta(minutes=2)
KEEP_OWN_RUNS = timedelta(days=1)


class ReconcileReport(BaseModel):
    """How many rows were repaired."""

    ended: int = 0
    started: int = 0


@task(task_run_name="end dead runs", **RETRYING)
async def end_dead_runs() -> int:
    """End every row that says running while its flow run has ended or is gone; returns how many."""
    ended = 0
    async with get_client() as client:
        for row in await _running():
            if row.task_id and (ending := await _ending(client, row.task_id)):
                ended += await _end(row, row.task_id, *ending)
    return ended


@task(task_run_name="start queued runs", **RETRYING)
async def start_queued_runs() -> int:
    """Trigger what was queued and never started; returns how many.

    The key makes a second trigger of the same row harmless; a run that ended without claiming it ends the row.
    """
    started = 0
    async with get_client() as client:
        for row in await _running():
            if row.task_id is not None or datetime.now(UTC) - row.queued_at < NEVER_STARTED:
                continue
            state = await _trigger(client, row)
            if state and state.is_final():
                why = f"Its run ended before it began: {state.message or state.name}"
                await _end(row, None, state.type is StateType.CANCELLED, why)
            else:
                await _audit(row, "run.triggered", "Queued and never started: triggered again.")
                started += 1
    return started


async def _trigger(client: PrefectClient, row: SessionTask) -> State[Any] | None:
    """The state of the run that the row is queued for, triggered now if it never was."""
    deployment = await client.read_deployment_by_name(DEPLOYMENTS[row.task_type])
    run = await client.create_flow_run_from_deployment(
        deployment.id,
        parameters={"session_id": str(row.session_id), "requested_by": "reconciler"},
        idempotency_key=f"{row.session_id}:{row.task_type}:{row.id}",
        tags=[f"session:{row.session_id}"],
    )
    return run.state


@task(task_run_name="prune own runs", **RETRYING)
async def prune_own_runs() -> int:
    """Delete the reconciler's runs of more than a day ago; a run a minute would bury all others."""
    before = datetime.now(UTC) - KEEP_OWN_RUNS
    async with get_client() as client:
        old = await client.read_flow_runs(
            flow_run_filter=FlowRunFilter.model_validate(
                {"name": {"any_": ["reconcile-tasks"]}, "end_time": {"before_": before}}
            ),
            limit=200,
        )
        for run in old:
            await client.delete_flow_run(run.id)
    return len(old)


async def _running() -> list[SessionTask]:
    async with session_scope(await database_engine()) as session:
        return list(await TaskRepository(session).running())


async def _ending(client: PrefectClient, task_id: str) -> tuple[bool, str] | None:
    """Whether the run was cancelled and why it ended; None while it may still be working."""
    try:
        run = await client.read_flow_run(UUID(task_id))
    except ObjectNotFound:
        return False, "Prefect does not know the run any more."
    state = await _state_of_root(client, run)
    if state is None or not state.is_final():
        return None
    return state.type is StateType.CANCELLED, f"Prefect says {state.name}: {state.message or 'no message'}"


async def _state_of_root(client: PrefectClient, run: FlowRun) -> State[Any] | None:
    """The state of a run, or of the parent that took it along when that died first."""
    if run.state and run.state.is_final():
        return run.state
    if run.parent_task_run_id:
        parent = await client.read_task_run(run.parent_task_run_id)
        if parent.flow_run_id:
            return await _state_of_root(client, await client.read_flow_run(parent.flow_run_id))
    return run.state


async def _end(row: SessionTask, task_id: str | None, cancelled: bool, why: str) -> bool:
    """End the row of a dead run as its flow would have: row, session and error in one transaction."""
    async with session_scope(await database_engine()) as session:
        tasks = TaskRepository(session)
        mine = (row.session_id, task_id, row.attempt)
        if cancelled:
            done = await tasks.cancel(*mine, actor=_actor())
        else:
            done = await tasks.fail(*mine, context={"message": why}, actor=_actor())
        if done:
            used_up = not cancelled and await tasks.retries_used_up(row.session_id, row.task_type)
            status = SessionStatus.FAILED if used_up else SessionStatus.ACTIVE
            sessions = SessionRepository(session)
            await sessions.set_status(row.session_id, status, actor=_actor())
            if not cancelled:
                record = await sessions.get(row.session_id)
                await _record(ErrorRepository(session), record, why)
    if done:
        await _audit(row, "run.reconciled", why)
    return done


async def _record(errors: ErrorRepository, record: Session, why: str) -> None:
    await errors.record(
        record.id,
        actor=_actor(),
        category=ErrorCategory.TEMPORARY,
        severity=ErrorSeverity.BLOCKING,
        stage=record.current_stage,
        code="run-died",
        message=f"A run died before it could end properly. {why}",
        recovery_actions=[f"Go on where it stopped: drupal-tickets session resume {record.id}"],
    )


async def _audit(row: SessionTask, event_type: str, description: str) -> None:
    async with session_scope(await database_engine()) as session:
        await AuditRepository(session).write(
            _actor(),
            event_type,
            EventCategory.SYSTEM,
            session_id=row.session_id,
            entity_type="session_task",
            entity_id=str(row.id),
            description=description,
        )


def _actor() -> Actor:
    return Actor(claimed="reconciler", request_id=str(flow_run.id or ""))
