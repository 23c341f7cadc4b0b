"""The life of a stage's run: begun, claimed, ended in a clear state, and always written down.

Our Postgres holds the truth; what Prefect shows follows from it. A run that dies without passing through here is
repaired by the reconciler.
"""

import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

from prefect import get_run_logger
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.exceptions import CancelledRun, FailedRun, PrefectSignal
from prefect.runtime import flow_run
from prefect.states import Cancelled as CancelledState
from prefect.states import Failed as FailedState

from blocks.database import database_engine
from db import errors as db_errors
from db.engine import session_scope
from db.enums import EventCategory, SessionStage, SessionStatus, TaskType
from db.models import Session
from db.repositories.background import TaskRepository
from db.repositories.sessions import SessionRepository
from tasks.core.errors import Cancelled, ProductError, UserFixable
from tasks.core.outcomes import StageRun
from tasks.failures import as_product_error
from tasks.run_state import end_dead_holder
from tasks.stage_record import actor_of, end_badly, write_down

P = ParamSpec("P")
R = TypeVar("R")

ORDER = list(SessionStage)


def clear_ending(flow_function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R | State[Any]]]:
    """End a flow in a state whose message a person can act on; the exception travels to a parent as it is."""

    @wraps(flow_function)
    async def run(*args: P.args, **kwargs: P.kwargs) -> R | State[Any]:
        _log_without_tracebacks()
        try:
            return await flow_function(*args, **kwargs)
        except (Cancelled, CancelledRun) as error:
            return CancelledState(message=str(error) or "Cancelled")
        except ProductError as error:
            return FailedState(message=_sentence(error), data=error)
        except FailedRun as error:
            return FailedState(message=str(error), data=error)
        except Exception as error:
            get_run_logger().exception("Nobody foresaw this")
            return FailedState(message=_unforeseen(error), data=error)

    return run


@asynccontextmanager
async def stage_run(
    session_id: UUID,
    requested_by: str,
    stage: SessionStage,
    category: EventCategory,
    task_type: TaskType | None = None,
    *,
    until: SessionStage | None = None,
    reopens: bool = False,
) -> AsyncIterator[StageRun]:
    """Begin a stage, claim the session where the work holds it, and write down how it ended.

    `until` is the last stage at which this work makes sense; `reopens` is for work that may begin on a session that
    is over. Raises UserFixable when the session is unknown, has not come to `stage` yet or is beyond `until`, or
    another run holds it.
    """
    started = time.monotonic()
    run = await _arrive(session_id, requested_by)
    try:
        run = await _begin_after_the_dead(run, Turn(stage, until, reopens), category, task_type)
        yield run
    except PrefectSignal:
        raise  # a suspended run is neither done nor failed
    except BaseException as error:
        await end_badly(run, category, task_type, as_product_error(error), started)
        raise as_product_error(error) from error
    await write_down(run, category, "completed", started)


async def name_run(site_name: str) -> None:
    """Show the site's name in Prefect's list of runs: ids are not for people."""
    if flow_run.id:
        async with get_client() as client:
            await client.update_flow_run(UUID(flow_run.id), name=f"{site_name}: {flow_run.flow_name}")


async def require_not_cancelled(run: StageRun) -> None:
    """Raise Cancelled when a person asked for it; called before every side effect."""
    async with session_scope(await database_engine()) as session:
        if await SessionRepository(session).cancel_requested(run.session_id):
            raise Cancelled(f"Cancelled. Go on with: drupal-tickets session resume {run.session_id}")


async def _arrive(session_id: UUID, requested_by: str) -> StageRun:
    """The run before it has begun: from here on, whatever goes wrong is written down with the session."""
    async with session_scope(await database_engine()) as session:
        record = await _find(SessionRepository(session), session_id)
        return StageRun(
            session_id=session_id,
            site_name=record.site_name,
            stage=SessionStage(record.current_stage),
            requested_by=requested_by,
            flow_run_id=str(flow_run.id or ""),
        )


async def _begin_after_the_dead(
    run: StageRun, turn: "Turn", category: EventCategory, task_type: TaskType | None
) -> StageRun:
    """Begin, also when the run that holds the session is dead and its row does not know it yet."""
    try:
        return await _begin(run, turn, category, task_type)
    except db_errors.AlreadyRunning:
        if not await end_dead_holder(await database_engine(), run.session_id, actor_of(run)):
            raise
    return await _begin(run, turn, category, task_type)


async def _begin(
    run: StageRun, turn: "Turn", category: EventCategory, task_type: TaskType | None
) -> StageRun:
    """Claim the session where the work holds it; raises UserFixable when it is not the time for this stage."""
    async with session_scope(await database_engine()) as session:
        record = await SessionRepository(session).lock(run.session_id)
        turn.require(record)
        if task_type is not None:
            attempt = await TaskRepository(session).claim(
                run.session_id, task_type, run.flow_run_id, actor=actor_of(run)
            )
            run = run.model_copy(update={"attempt": attempt})
            working = SessionStatus.EXPORTING if task_type is TaskType.EXPORT else SessionStatus.ACTIVE
            await SessionRepository(session).set_status(run.session_id, working, actor=actor_of(run))
    await write_down(run, category, "started", time.monotonic())
    await name_run(run.site_name)
    return run


@dataclass(frozen=True, slots=True)
class Turn:
    """When work on a session makes sense."""

    stage: SessionStage
    until: SessionStage | None
    reopens: bool

    def require(self, record: Session) -> None:
        """Raises UserFixable that says what is next instead."""
        if record.status is SessionStatus.COMPLETED and not self.reopens:
            raise UserFixable(
                f"The session for {record.site_name} is over; nothing of it can be run again.",
                actions=("Start a new one: drupal-tickets run SPEC --again",),
                code="session-completed",
            )
        at = ORDER.index(record.current_stage)
        if at < ORDER.index(self.stage):
            raise UserFixable(
                f"The session is at stage {record.current_stage}; {self.stage} comes later.",
                actions=(f"Finish {record.current_stage} first: drupal-tickets session resume {record.id}",),
                code="wrong-stage",
            )
        if self.until and at > ORDER.index(self.until):
            raise UserFixable(
                f"The session is at stage {record.current_stage}; {self.stage} is done.",
                actions=(
                    f"Go on: drupal-tickets session resume {record.id}",
                    f"Or go back first: drupal-tickets session rollback {record.id} --to upload",
                ),
                code="wrong-stage",
            )


async def _find(sessions: SessionRepository, session_id: UUID) -> Session:
    try:
        return await sessions.get(session_id)
    except db_errors.NotFound as error:
        raise UserFixable(
            f"There is no session {session_id}.",
            actions=("See yours with: drupal-tickets session list",),
            code="session-unknown",
        ) from error


def _unforeseen(error: BaseException) -> str:
    return (
        f"Something went wrong that nobody foresaw ({type(error).__name__}); the run's log has the details."
    )


def _sentence(error: ProductError) -> str:
    return " ".join((error.message, *error.actions))


class _NoTraceback(logging.Filter):
    """What a person can fix needs no traceback in the run's log."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and isinstance(record.exc_info[1], ProductError):
            record.exc_info = None
        return True


def _log_without_tracebacks() -> None:
    for name in ("prefect.flow_runs", "prefect.task_runs"):
        logger = logging.getLogger(name)
        if not any(isinstance(existing, _NoTraceback) for existing in logger.filters):
            logger.addFilter(_NoTraceback())
