"""What is written down of a stage's run: how it ended, with the row, the session, the error and the audit entry."""

import asyncio
import time
from typing import Literal

from prefect.exceptions import TerminationSignal
from prefect.runtime import flow_run

from blocks.database import database_engine
from db.actor import Actor
from db.engine import session_scope
from db.enums import ErrorCategory, ErrorSeverity, EventCategory, SessionStatus, TaskType
from db.repositories.audit import AuditRepository
from db.repositories.background import TaskRepository
from db.repositories.errors import ErrorRepository
from db.repositories.sessions import SessionRepository
from tasks.core.errors import AdminRequired, BudgetReached, Cancelled, ProductError, ValidationRequired
from tasks.core.outcomes import StageRun
from tasks.failures import error_code
from tasks.session_events import SessionEvent, tell

# Stopped from outside: by a person, or with the worker. Nobody's failure, and nothing that counts as one.
STOPPED = (Cancelled, asyncio.CancelledError, TerminationSignal)


def actor_of(run: StageRun) -> Actor:
    """Who acts in this run: the person who asked for it, through this flow run."""
    return Actor(claimed=run.requested_by, request_id=run.flow_run_id)


async def end_badly(
    run: StageRun, category: EventCategory, task_type: TaskType | None, error: BaseException, started: float
) -> None:
    """One transaction: the run's row, what went wrong and the session's status; then the audit entry."""
    cancelled = isinstance(error, STOPPED)
    failed = False
    async with session_scope(await database_engine()) as session:
        if task_type is not None and run.attempt is not None:
            failed = await _end_row(TaskRepository(session), run, task_type, error, cancelled=cancelled)
        elif cancelled:
            await SessionRepository(session).clear_cancel(run.session_id, actor=actor_of(run))
        elif failed := isinstance(error, AdminRequired):
            await SessionRepository(session).set_status(
                run.session_id, SessionStatus.FAILED, actor=actor_of(run)
            )
        if not cancelled:
            await _record(ErrorRepository(session), run, error)
    await write_down(run, category, "cancelled" if cancelled else "failed", started, error)
    if failed:
        tell(run, SessionEvent.FAILED, stage=run.stage, code=error_code(error), why=shown(error))


async def _end_row(
    tasks: TaskRepository, run: StageRun, task_type: TaskType, error: BaseException, *, cancelled: bool
) -> bool:
    """End the run's row and say how the session stands, unless a newer attempt has taken over.

    Returns whether the session has failed.
    """
    mine = (run.session_id, run.flow_run_id, run.attempt or 0)
    if cancelled:
        ended = await tasks.cancel(*mine, actor=actor_of(run))
    else:
        context = {"code": error_code(error), "message": str(error)}
        counts = not isinstance(error, ValidationRequired | BudgetReached)
        ended = await tasks.fail(*mine, context=context, counts=counts, actor=actor_of(run))
    if not ended:
        return False
    used_up = not cancelled and await tasks.retries_used_up(run.session_id, task_type)
    failed = used_up or isinstance(error, AdminRequired)
    status = SessionStatus.FAILED if failed else SessionStatus.ACTIVE
    await SessionRepository(tasks.session).set_status(run.session_id, status, actor=actor_of(run))
    return failed


async def _record(errors: ErrorRepository, run: StageRun, error: BaseException) -> None:
    await errors.record(
        run.session_id,
        actor=actor_of(run),
        category=error.category if isinstance(error, ProductError) else ErrorCategory.ADMIN_REQUIRED,
        severity=ErrorSeverity.BLOCKING,
        stage=run.stage,
        message=shown(error),
        recovery_actions=list(error.actions) if isinstance(error, ProductError) else [],
        technical_details={"type": type(error).__name__, "flow_run": run.flow_run_id},
        code=error_code(error),
    )


async def write_down(
    run: StageRun,
    category: EventCategory,
    what: Literal["started", "completed", "failed", "cancelled"],
    started: float,
    error: BaseException | None = None,
) -> None:
    """One audit entry and one event: this flow began or ended, for whom, how long it took."""
    name = flow_run.flow_name or "flow"
    took = time.monotonic() - started
    told = {"code": error_code(error), "message": shown(error)} if error else {}
    async with session_scope(await database_engine()) as session:
        await AuditRepository(session).write(
            actor_of(run),
            f"{name}.{what}",
            category,
            session_id=run.session_id,
            entity_type="session",
            entity_id=str(run.session_id),
            description=f"{name} {what}",
            event_data={"code": error_code(error)} if error else None,
            execution_time_ms=round(took * 1000),
        )
    tell(run, SessionEvent(f"drupal-tickets.session.stage-{what}"), flow=name, seconds=round(took, 3), **told)


def shown(error: BaseException) -> str:
    """What people are told of an error: of one that nobody foresaw, only where to look."""
    if isinstance(error, ProductError | asyncio.CancelledError):
        return str(error)
    return "Something went wrong that nobody foresaw; the run's log has the details."
