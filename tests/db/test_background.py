"""The life of a background run, with two connections where it matters."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import session_scope
from db.enums import TaskStatus, TaskType
from db.errors import AlreadyRunning, NotFound, RetriesUsedUp
from db.models import SessionTask
from db.repositories.background import TaskRepository
from db.repositories.sessions import SessionRepository
from tests.builders.database import DIRECTOR, FLOW, make_session

EXPORT, PROCESSING = TaskType.EXPORT, TaskType.PROCESSING


@pytest.fixture
async def session_id(engine: AsyncEngine) -> uuid.UUID:
    return await make_session(engine)


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


# Queued, claimed, ended


async def test_a_queued_run_holds_the_session_without_a_flow_run(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    row = await queue(engine, session_id)
    assert (row.status, row.task_id, row.attempt, row.started_at) == (TaskStatus.RUNNING, None, 0, None)
    with pytest.raises(AlreadyRunning, match="already queued"):
        await queue(engine, session_id, PROCESSING)


async def test_the_flow_run_claims_the_queued_row(engine: AsyncEngine, session_id: uuid.UUID) -> None:
    await queue(engine, session_id)
    assert await claim(engine, session_id, "run-1") == 1
    [row] = await history(engine, session_id)
    assert row.task_id == "run-1"
    assert row.started_at is not None
    assert row.started_at >= row.queued_at


async def test_a_run_started_elsewhere_gets_a_row_of_its_own(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    assert await claim(engine, session_id, "run-1") == 1
    assert len(await history(engine, session_id)) == 1


async def test_a_session_that_is_held_is_not_claimed_again(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    await claim(engine, session_id, "run-1")
    with pytest.raises(AlreadyRunning, match=r"export already works on this session \(flow run run-1\)"):
        await claim(engine, session_id, "run-2")
    with pytest.raises(AlreadyRunning):
        await claim(engine, session_id, "run-2", PROCESSING)


async def test_a_run_does_not_claim_what_was_queued_for_another_type(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    await queue(engine, session_id, PROCESSING)
    with pytest.raises(AlreadyRunning, match="processing is already queued"):
        await claim(engine, session_id, "run-1", EXPORT)


@pytest.mark.parametrize("ended", ["failed", "completed", "cancelled", "killed"])
async def test_a_retry_of_the_same_run_reopens_its_row_with_the_next_attempt(
    engine: AsyncEngine, session_id: uuid.UUID, ended: str
) -> None:
    await claim(engine, session_id, "run-1")
    if ended == "failed":
        await fail(engine, session_id, "run-1")
    elif ended == "completed":
        await complete(engine, session_id, "run-1")
    elif ended == "cancelled":
        await cancel(engine, session_id, "run-1")
    assert await claim(engine, session_id, "run-1") == 2
    [row] = await history(engine, session_id)
    assert row.status is TaskStatus.RUNNING
    assert (row.completed_at, row.failed_at, row.failure_context) == (None, None, None)


async def test_a_retry_waits_for_nobody_but_is_refused_while_another_run_works(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    await claim(engine, session_id, "run-1")
    await fail(engine, session_id, "run-1")
    await queue(engine, session_id)
    with pytest.raises(AlreadyRunning):
        await claim(engine, session_id, "run-1")


async def test_an_unknown_session_is_not_found(engine: AsyncEngine) -> None:
    with pytest.raises(NotFound):
        await claim(engine, uuid.uuid4(), "run-1")


async def test_the_database_itself_allows_one_running_row(engine: AsyncEngine, session_id: uuid.UUID) -> None:
    insert = text("INSERT INTO session_tasks (session_id, task_type) VALUES (:id, 'export')")
    async with session_scope(engine) as session:
        await session.execute(insert, {"id": session_id})
    async with session_scope(engine) as session:
        with pytest.raises(IntegrityError, match="uq_session_tasks_one_running"):
            await session.execute(insert, {"id": session_id})


# The fence


async def test_a_late_attempt_changes_nothing(engine: AsyncEngine, session_id: uuid.UUID) -> None:
    await claim(engine, session_id, "run-1")
    await claim(engine, session_id, "run-1")
    assert not await complete(engine, session_id, "run-1", attempt=1)
    assert not await fail(engine, session_id, "run-1", attempt=1)
    assert not await cancel(engine, session_id, "run-1", attempt=1)
    async with tasks_of(engine) as tasks:
        assert not await tasks.holds(session_id, "run-1", 1)
        assert await tasks.holds(session_id, "run-1", 2)
    assert await complete(engine, session_id, "run-1", attempt=2)
    assert not await complete(engine, session_id, "run-1", attempt=2)


async def test_what_the_reconciler_ended_cannot_be_completed_late(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    await claim(engine, session_id, "run-1")
    assert await fail(engine, session_id, "run-1")
    assert not await complete(engine, session_id, "run-1")
    assert (await history(engine, session_id))[0].status is TaskStatus.FAILED


async def test_nobody_takes_over_while_the_fence_is_held(engine: AsyncEngine, session_id: uuid.UUID) -> None:
    await claim(engine, session_id, "run-1")
    async with tasks_of(engine) as tasks:
        assert await tasks.holds(session_id, "run-1", 1)
        taking_over = asyncio.create_task(claim(engine, session_id, "run-1"))
        await asyncio.sleep(0.1)
        assert not taking_over.done()
    assert await taking_over == 2


# Races


@pytest.mark.parametrize("queued", [True, False])
async def test_of_two_runs_that_claim_at_once_one_gets_the_session(
    engine: AsyncEngine, session_id: uuid.UUID, queued: bool
) -> None:
    if queued:
        await queue(engine, session_id)
    runs = [claim(engine, session_id, f"run-{number}") for number in range(6)]
    outcomes = await asyncio.gather(*runs, return_exceptions=True)
    assert [outcome for outcome in outcomes if outcome == 1] == [1]
    assert all(isinstance(outcome, AlreadyRunning) for outcome in outcomes if outcome != 1)


async def test_of_two_that_queue_at_once_one_is_refused(engine: AsyncEngine, session_id: uuid.UUID) -> None:
    outcomes = await asyncio.gather(
        queue(engine, session_id), queue(engine, session_id), return_exceptions=True
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["AlreadyRunning", "SessionTask"]


async def test_completing_and_taking_over_at_once_end_in_one_of_both(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    await claim(engine, session_id, "run-1")
    completed, attempt = await asyncio.gather(
        complete(engine, session_id, "run-1"), claim(engine, session_id, "run-1")
    )
    [row] = await history(engine, session_id)
    assert attempt == row.attempt == 2
    assert row.status is TaskStatus.RUNNING, "reopened after it completed, or fenced out before it could"
    assert completed in (True, False)


# Retries


async def test_failed_runs_in_a_row_count_to_three_and_then_an_administrator_is_needed(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    for number in range(3):
        await fail_runs(engine, session_id, 1, number)
        assert await retry_count(engine, session_id) == number + 1
    with pytest.raises(RetriesUsedUp, match="administrator"):
        await queue(engine, session_id)
    with pytest.raises(RetriesUsedUp):
        await claim(engine, session_id, "run-9")
    async with tasks_of(engine) as tasks:
        assert await tasks.retries_used_up(session_id, EXPORT)
        assert not await tasks.retries_used_up(session_id, PROCESSING)


async def test_an_administrator_resets_the_count(engine: AsyncEngine, session_id: uuid.UUID) -> None:
    await fail_runs(engine, session_id, 3)
    async with tasks_of(engine) as tasks:
        await tasks.reset_retries(session_id, actor=DIRECTOR)
    await fail_runs(engine, session_id, 1, start=3)
    assert await retry_count(engine, session_id) == 1


async def test_runs_of_another_type_count_for_themselves(engine: AsyncEngine, session_id: uuid.UUID) -> None:
    await fail_runs(engine, session_id, 2)
    await claim(engine, session_id, "other", PROCESSING)
    await fail(engine, session_id, "other")
    assert await retry_count(engine, session_id) == 1
    await fail_runs(engine, session_id, 1, start=2)
    assert await retry_count(engine, session_id) == 3


async def test_attempts_of_one_run_count_once(engine: AsyncEngine, session_id: uuid.UUID) -> None:
    for attempt in (1, 2, 3, 4):
        assert await claim(engine, session_id, "run-1") == attempt
        await fail(engine, session_id, "run-1", attempt)
        assert await retry_count(engine, session_id) == 1


async def test_the_third_failed_run_may_still_be_retried_itself(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    await fail_runs(engine, session_id, 3)
    assert await claim(engine, session_id, "run-2") == 2
    assert await complete(engine, session_id, "run-2", 2)
    await queue(engine, session_id)


@pytest.mark.parametrize("stopped", ["cancelled", "validation required"])
async def test_a_stop_that_is_nobodys_failure_neither_counts_nor_resets(
    engine: AsyncEngine, session_id: uuid.UUID, stopped: str
) -> None:
    await fail_runs(engine, session_id, 2)
    await claim(engine, session_id, "stopped")
    if stopped == "cancelled":
        await cancel(engine, session_id, "stopped")
    else:
        await fail(engine, session_id, "stopped", counts=False)
    assert await retry_count(engine, session_id) == 2
    await fail_runs(engine, session_id, 1, start=5)
    assert await retry_count(engine, session_id) == 3


@pytest.mark.parametrize("how", ["completed", "progress"])
async def test_success_and_progress_start_the_count_anew(
    engine: AsyncEngine, session_id: uuid.UUID, how: str
) -> None:
    await fail_runs(engine, session_id, 2)
    await claim(engine, session_id, "better")
    if how == "completed":
        await complete(engine, session_id, "better")
    else:
        await fail(engine, session_id, "better", progress=True)
    assert await retry_count(engine, session_id) == 0
    await fail_runs(engine, session_id, 1, start=5)
    assert await retry_count(engine, session_id) == 1


# Cancelling, and what the reconciler looks at


async def test_a_cancelled_run_takes_the_request_with_it_and_a_new_start_ends_it(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    async def requested() -> bool:
        async with session_scope(engine) as session:
            return await SessionRepository(session).cancel_requested(session_id)

    async def request() -> None:
        async with session_scope(engine) as session:
            await SessionRepository(session).request_cancel(session_id, actor=DIRECTOR)

    await claim(engine, session_id, "run-1")
    await request()
    assert await requested()
    await cancel(engine, session_id, "run-1")
    assert not await requested()
    await request()
    await queue(engine, session_id)
    assert not await requested()


async def test_what_was_queued_and_never_started_can_be_cancelled(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    await queue(engine, session_id)
    assert await cancel(engine, session_id, None, 0)
    [row] = await history(engine, session_id)
    assert row.status is TaskStatus.CANCELLED


async def test_running_shows_queued_and_claimed_rows_of_all_sessions(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    other, ended = await make_session(engine), await make_session(engine)
    await queue(engine, session_id)
    await claim(engine, other, "run-1")
    await claim(engine, ended, "run-2")
    await complete(engine, ended, "run-2")
    async with tasks_of(engine) as tasks:
        rows = await tasks.running()
    assert [(row.session_id, row.task_id, row.started_at is None) for row in rows] == [
        (session_id, None, True),
        (other, "run-1", False),
    ]
