"""How often in a row runs of one type may fail without progress."""

import uuid

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from db.errors import RetriesUsedUp
from tests.builders.database import DIRECTOR
from tests.db.runs import (
    EXPORT,
    PROCESSING,
    cancel,
    claim,
    complete,
    fail,
    fail_runs,
    queue,
    retry_count,
    tasks_of,
)


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
