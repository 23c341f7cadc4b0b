"""The life of a background run, with several connections where it matters."""

import asyncio
import uuid

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import session_scope
from db.enums import TaskStatus
from db.errors import AlreadyRunning, NotFound
from db.repositories.sessions import SessionRepository
from tests.builders.database import DIRECTOR, make_session
from tests.db.runs import (
    EXPORT,
    PROCESSING,
    cancel,
    claim,
    complete,
    fail,
    history,
    queue,
    tasks_of,
)

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


async def test_what_needs_the_session_for_itself_is_told_who_else_works_on_it(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    await claim(engine, session_id, "run-1", PROCESSING)
    async with tasks_of(engine) as tasks:
        await tasks.require_alone(session_id, "run-1")
        with pytest.raises(
            AlreadyRunning, match=r"processing already works on this session \(flow run run-1\)"
        ):
            await tasks.require_alone(session_id, "run-2")


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
