"""A dead run is ended once, whoever comes first, and never one that another attempt has taken over."""

import asyncio
import uuid
from dataclasses import replace

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from db.actor import Actor
from db.engine import session_scope
from db.enums import SessionStatus, TaskStatus, TaskType
from db.models import SessionTask
from db.repositories.audit import AuditRepository
from db.repositories.background import TaskRepository
from db.repositories.errors import ErrorRepository
from db.repositories.sessions import SessionRepository
from tasks.repair import Death, end_dead_row
from tests.builders.database import FLOW, make_session

RECONCILER, HOOK = Actor("reconciler"), Actor("hook of export-tickets")
DIED = Death(cancelled=False, why="Prefect says Crashed.")
STOPPED = Death(cancelled=True, why="Prefect says Cancelled.")


async def claimed(engine: AsyncEngine) -> SessionTask:
    session_id = await make_session(engine)
    async with session_scope(engine) as session:
        await TaskRepository(session).claim(session_id, TaskType.EXPORT, str(uuid.uuid4()), actor=FLOW)
        await SessionRepository(session).set_status(session_id, SessionStatus.EXPORTING, actor=FLOW)
        row = await TaskRepository(session).current(session_id)
    assert row is not None
    return row


async def status_of(engine: AsyncEngine, row: SessionTask) -> tuple[TaskStatus, SessionStatus, int]:
    async with session_scope(engine) as session:
        (now,) = await TaskRepository(session).history(row.session_id)
        return now.status, (await SessionRepository(session).get(row.session_id)).status, now.retry_count


async def test_a_hook_and_the_reconciler_at_once_end_it_once(engine: AsyncEngine) -> None:
    row = await claimed(engine)
    ended = await asyncio.gather(*(end_dead_row(engine, row, DIED, who) for who in (HOOK, RECONCILER)))
    assert sorted(ended) == [False, True]
    assert await status_of(engine, row) == (TaskStatus.FAILED, SessionStatus.ACTIVE, 1)
    async with session_scope(engine) as session:
        (error,) = await ErrorRepository(session).list_errors(row.session_id)
        trail = await AuditRepository(session).trail(row.session_id)
    assert DIED.why in error.user_message
    assert [entry.event_type for entry in trail].count("run.reconciled") == 1


async def test_what_a_person_stopped_is_no_failure(engine: AsyncEngine) -> None:
    row = await claimed(engine)
    assert await end_dead_row(engine, row, STOPPED, HOOK)
    assert await status_of(engine, row) == (TaskStatus.CANCELLED, SessionStatus.ACTIVE, 0)


@pytest.mark.parametrize("death", [DIED, STOPPED])
async def test_a_run_that_goes_on_as_another_attempt_is_left_alone(engine: AsyncEngine, death: Death) -> None:
    row = await claimed(engine)
    async with session_scope(engine) as session:
        again = replace(FLOW, request_id=row.task_id)
        await TaskRepository(session).claim(row.session_id, TaskType.EXPORT, str(row.task_id), actor=again)
    assert not await end_dead_row(engine, row, death, RECONCILER)
    assert await status_of(engine, row) == (TaskStatus.RUNNING, SessionStatus.EXPORTING, 0)
