"""Ending what a dead run left behind: hooks and the reconciler both come here, and whoever is first does it."""

import os
from dataclasses import dataclass
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.events import emit_event
from sqlalchemy.ext.asyncio import AsyncEngine

from db.actor import Actor
from db.engine import create_engine, session_scope
from db.enums import ErrorCategory, ErrorSeverity, EventCategory, SessionStatus
from db.models import Session, SessionTask
from db.repositories.audit import AuditRepository
from db.repositories.background import TaskRepository
from db.repositories.errors import ErrorRepository
from db.repositories.sessions import SessionRepository
from tasks.core.errors import RUN_DIED
from tasks.session_events import SessionEvent, resource_of


@dataclass(frozen=True, slots=True)
class Death:
    """How a run ended without saying so itself."""

    cancelled: bool
    why: str


async def end_runs_of(flow_run_id: UUID, death: Death, *, by: str) -> int:
    """End what a dead run and its stages held; returns how many rows.

    For hooks: a process of its own, so the database is reached by DATABASE_URL and the engine keeps no connection.
    Without one, all of it is left to the reconciler.
    """
    if not (url := os.environ.get("DATABASE_URL")):
        return 0
    runs = {str(flow_run_id), *await _stages_of(flow_run_id)}
    engine = create_engine(url, pooled=False)
    try:
        async with session_scope(engine) as session:
            rows = [row for row in await TaskRepository(session).running() if row.task_id in runs]
        actor = Actor(claimed=by, request_id=str(flow_run_id))
        return sum([await end_dead_row(engine, row, death, actor) for row in rows])
    finally:
        await engine.dispose()


async def _stages_of(flow_run_id: UUID) -> list[str]:
    wanted = FlowRunFilter.model_validate({"parent_flow_run_id": {"any_": [flow_run_id]}})
    async with get_client() as client:
        return [str(run.id) for run in await client.read_flow_runs(flow_run_filter=wanted)]


async def end_dead_row(engine: AsyncEngine, row: SessionTask, death: Death, actor: Actor) -> bool:
    """End the row as its flow would have: row, session, error and audit entry in one transaction.

    False when the row was ended meanwhile, or another attempt has taken over.
    """
    mine = (row.session_id, row.task_id, row.attempt)
    async with session_scope(engine) as session:
        tasks, sessions = TaskRepository(session), SessionRepository(session)
        if death.cancelled:
            ended = await tasks.cancel(*mine, actor=actor)
        else:
            ended = await tasks.fail(*mine, context={"message": death.why}, actor=actor)
        if not ended:
            return False
        used_up = not death.cancelled and await tasks.retries_used_up(row.session_id, row.task_type)
        status = SessionStatus.FAILED if used_up else SessionStatus.ACTIVE
        await sessions.set_status(row.session_id, status, actor=actor)
        record = await sessions.get(row.session_id)
        if not death.cancelled:
            await _record_error(ErrorRepository(session), record, death, actor)
        await write_repair(AuditRepository(session), row, "run.reconciled", death.why, actor)
    if used_up:
        emit_event(SessionEvent.FAILED, resource_of(record.id, record.site_name), payload={"why": death.why})
    return True


async def write_repair(
    audit: AuditRepository, row: SessionTask, event_type: str, description: str, actor: Actor
) -> None:
    """One audit entry of what was done to a row."""
    await audit.write(
        actor,
        event_type,
        EventCategory.SYSTEM,
        session_id=row.session_id,
        entity_type="session_task",
        entity_id=str(row.id),
        description=description,
    )


async def _record_error(errors: ErrorRepository, record: Session, death: Death, actor: Actor) -> None:
    await errors.record(
        record.id,
        actor=actor,
        category=ErrorCategory.TEMPORARY,
        severity=ErrorSeverity.BLOCKING,
        stage=record.current_stage,
        code=RUN_DIED,
        message=f"A run died before it could end properly. {death.why}",
        recovery_actions=[f"Go on where it stopped: drupal-tickets session resume {record.id}"],
    )
