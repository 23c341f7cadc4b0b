"""What tests do with background runs, one call each, every one in a transaction of its own."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import session_scope
from db.enums import TaskType
from db.models import SessionTask
from db.repositories.background import TaskRepository
from tests.builders.database import DIRECTOR, FLOW

EXPORT, PROCESSING = TaskType.EXPORT, TaskType.PROCESSING


@asynccontextmanager
async def tasks_of(engine: AsyncEngine) -> AsyncIterator[TaskRepository]:
    async with session_scope(engine) as session:
        yield TaskRepository(session)


async def queue(engine: AsyncEngine, session_id: uuid.UUID, task_type: TaskType = EXPORT) -> SessionTask:
    async with tasks_of(engine) as tasks:
        return await tasks.queue(session_id, task_type, actor=DIRECTOR)


async def claim(
    engine: AsyncEngine, session_id: uuid.UUID, task_id: str, task_type: TaskType = EXPORT
) -> int:
    async with tasks_of(engine) as tasks:
        return await tasks.claim(session_id, task_type, task_id, actor=FLOW)


async def fail(
    engine: AsyncEngine, session_id: uuid.UUID, task_id: str, attempt: int = 1, **how: bool
) -> bool:
    async with tasks_of(engine) as tasks:
        return await tasks.fail(session_id, task_id, attempt, context={"code": "x"}, actor=FLOW, **how)


async def complete(engine: AsyncEngine, session_id: uuid.UUID, task_id: str, attempt: int = 1) -> bool:
    async with tasks_of(engine) as tasks:
        return await tasks.complete(session_id, task_id, attempt, actor=FLOW)


async def cancel(engine: AsyncEngine, session_id: uuid.UUID, task_id: str | None, attempt: int = 1) -> bool:
    async with tasks_of(engine) as tasks:
        return await tasks.cancel(session_id, task_id, attempt, actor=FLOW)


async def history(engine: AsyncEngine, session_id: uuid.UUID) -> list[SessionTask]:
    async with tasks_of(engine) as tasks:
        return await tasks.history(session_id)


async def retry_count(engine: AsyncEngine, session_id: uuid.UUID) -> int:
    return (await history(engine, session_id))[-1].retry_count


async def fail_runs(engine: AsyncEngine, session_id: uuid.UUID, count: int, start: int = 0) -> None:
    for number in range(start, start + count):
        await claim(engine, session_id, f"run-{number}")
        await fail(engine, session_id, f"run-{number}")
