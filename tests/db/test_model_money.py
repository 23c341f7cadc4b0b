"""Reservations, replies and the writer of a session, in the database."""

import asyncio
import uuid
from decimal import Decimal

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import session_scope
from db.enums import TaskType
from db.errors import CancelRequested, OverBudget, StaleAttempt
from db.fence import Fence
from db.repositories.background import TaskRepository
from db.repositories.progress import ProgressRepository
from db.repositories.replies import NewReply, ReplyRepository
from db.repositories.reservations import NewCall, ReservationRepository
from db.repositories.sessions import SessionRepository
from db.repositories.writing import WritingRepository
from tests.builders.database import DIRECTOR, FLOW, make_session

RUN = Fence("run-1", 1)


async def claimed(engine: AsyncEngine) -> uuid.UUID:
    session_id = await make_session(engine)
    async with session_scope(engine) as session:
        await TaskRepository(session).claim(session_id, TaskType.PROCESSING, RUN.task_id, actor=FLOW)
    return session_id


async def reserve(
    engine: AsyncEngine, session_id: uuid.UUID, ceiling: str, limit: str = "1", fence: Fence = RUN
) -> uuid.UUID:
    async with session_scope(engine) as session:
        [answer] = await ReservationRepository(session).reserve(
            session_id, fence, [NewCall("write", Decimal(ceiling))], model="m", limit_usd=Decimal(limit)
        )
    if isinstance(answer, OverBudget):
        raise answer
    return answer


async def settle(engine: AsyncEngine, reservation: uuid.UUID, spent: str | None) -> bool:
    async with session_scope(engine) as session:
        amount = None if spent is None else Decimal(spent)
        return bool(await ReservationRepository(session).settle({reservation: amount}))


async def spent(engine: AsyncEngine, session_id: uuid.UUID) -> Decimal:
    async with session_scope(engine) as session:
        return await ProgressRepository(session).spent_usd(session_id)


async def test_what_is_set_aside_counts_until_it_is_settled(engine: AsyncEngine) -> None:
    session_id = await claimed(engine)
    one = await reserve(engine, session_id, "0.4")
    assert await spent(engine, session_id) == Decimal("0.4")
    assert await settle(engine, one, "0.1")
    assert await spent(engine, session_id) == Decimal("0.1")
    assert not await settle(engine, one, "0.3")
    assert await settle(engine, await reserve(engine, session_id, "0.2"), None)
    assert await spent(engine, session_id) == Decimal("0.3")


async def test_many_are_settled_in_one_go(engine: AsyncEngine) -> None:
    session_id = await claimed(engine)
    one, two, three = [await reserve(engine, session_id, "0.2") for _ in range(3)]
    async with session_scope(engine) as session:
        reservations = ReservationRepository(session)
        assert await reservations.settle({one: Decimal("0.01"), two: None}) == {one, two}
        assert await reservations.settle({two: Decimal(0), three: Decimal(0)}) == {three}
    assert await spent(engine, session_id) == Decimal("0.21")


async def test_many_at_once_never_take_more_than_there_is(engine: AsyncEngine) -> None:
    session_id = await claimed(engine)
    jobs = [reserve(engine, session_id, "0.3") for _ in range(12)]
    done = await asyncio.gather(*jobs, return_exceptions=True)
    assert sum(isinstance(result, uuid.UUID) for result in done) == 3
    assert sum(isinstance(result, OverBudget) for result in done) == 9
    assert await spent(engine, session_id) == Decimal("0.9")


async def test_a_run_that_was_overtaken_may_not_spend(engine: AsyncEngine) -> None:
    session_id = await claimed(engine)
    async with session_scope(engine) as session:
        await TaskRepository(session).claim(session_id, TaskType.PROCESSING, RUN.task_id, actor=FLOW)
    with pytest.raises(StaleAttempt):
        await reserve(engine, session_id, "0.1")


async def test_nor_one_that_a_person_wants_stopped(engine: AsyncEngine) -> None:
    session_id = await claimed(engine)
    async with session_scope(engine) as session:
        await SessionRepository(session).request_cancel(session_id, actor=DIRECTOR)
    with pytest.raises(CancelRequested):
        await reserve(engine, session_id, "0.1")


async def test_what_the_dead_left_open_is_spent_and_what_is_ours_stays(engine: AsyncEngine) -> None:
    session_id = await claimed(engine)
    await reserve(engine, session_id, "0.3")
    async with session_scope(engine) as session:
        attempt = await TaskRepository(session).claim(session_id, TaskType.PROCESSING, "run-1", actor=FLOW)
    fence = Fence("run-1", attempt)
    ours = await reserve(engine, session_id, "0.2", fence=fence)
    async with session_scope(engine) as session:
        assert await ReservationRepository(session).settle_those_of_the_dead(session_id, fence) == 1
    assert await spent(engine, session_id) == Decimal("0.5")
    assert await settle(engine, ours, "0")


def reply(request: str, **changed: object) -> NewReply:
    given = {
        "request_hash": request,
        "provider": "anthropic",
        "model": "m",
        "prompt_version": "1",
        "purpose": "write",
        "prompt_hash": f"prompt of {request}",
        "prompt_bytes": 1000,
        "reply": {"text": request},
        "input_tokens": 250,
        "output_tokens": 100,
        "cache_read_tokens": 50,
    }
    return NewReply(**(given | changed))  # type: ignore[arg-type]


async def test_a_reply_is_found_by_its_request_and_the_first_stays(engine: AsyncEngine) -> None:
    async with session_scope(engine) as session:
        replies = ReplyRepository(session)
        await replies.store([reply("a")])
        await replies.store([reply("a", reply={"text": "another"})])
        assert await replies.find(["a", "b"]) == {"a": {"text": "a"}}
        assert await replies.known(["prompt of a", "prompt of b"]) == {"prompt of a"}


async def test_experience_sums_up_the_replies_of_one_model(engine: AsyncEngine) -> None:
    async with session_scope(engine) as session:
        replies = ReplyRepository(session)
        await replies.store(reply(str(number)) for number in range(4))
        await replies.store([reply("repaired", purpose="repair"), reply("other", model="n")])
        seen = await replies.experience("anthropic", "m")
    assert (seen.replies, seen.first_replies, seen.prompt_bytes) == (5, 4, 5000)
    assert (seen.input_tokens, seen.output_tokens, seen.cache_read_tokens) == (1250, 500, 250)


async def test_the_writer_of_a_session_is_fixed_once(engine: AsyncEngine) -> None:
    session_id = await make_session(engine)
    async with session_scope(engine) as session:
        writing = WritingRepository(session)
        assert await writing.fix_writer(session_id, "anthropic", "m", actor=FLOW) == ("anthropic", "m")
        assert await writing.fix_writer(session_id, "offline", None, actor=FLOW) == ("anthropic", "m")
        await writing.note(session_id, "estimate", {"expected_usd": 0.1}, actor=FLOW)
        record = await SessionRepository(session).get(session_id)
    assert (record.llm_provider_choice, record.llm_model) == ("anthropic", "m")
    assert record.writing == {"fixed": True, "estimate": {"expected_usd": 0.1}}
