"""Review rounds: the first decision wins, an approval is for what was seen."""

import asyncio
import uuid
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from db.actor import Actor
from db.engine import session_scope
from db.enums import ReviewDecision
from db.errors import Changed, Refused
from db.models import ReviewRound
from db.repositories.reviews import ReviewRepository
from tests.builders.database import FLOW, make_session, store_tickets

APPROVE, CHANGE = ReviewDecision.APPROVE, ReviewDecision.CHANGE


@pytest.fixture
async def session_id(engine: AsyncEngine) -> uuid.UUID:
    session_id = await make_session(engine)
    await store_tickets(engine, session_id, "a")
    return session_id


async def ask(
    engine: AsyncEngine, session_id: uuid.UUID, run: str = "run-1", waits: timedelta = timedelta(days=7)
) -> ReviewRound:
    async with session_scope(engine) as session:
        return await ReviewRepository(session).open_round(session_id, run, waits=waits, actor=FLOW)


async def decide(
    engine: AsyncEngine,
    session_id: uuid.UUID,
    decision: ReviewDecision = APPROVE,
    who: str = "Dana",
    number: int | None = None,
    revision: int | None = None,
) -> ReviewRound:
    async with session_scope(engine) as session:
        return await ReviewRepository(session).decide(
            session_id, decision, round_number=number, revision=revision, actor=Actor(who)
        )


async def waiting(engine: AsyncEngine, session_id: uuid.UUID) -> ReviewRound | None:
    async with session_scope(engine) as session:
        return await ReviewRepository(session).waiting(session_id)


async def test_a_round_waits_until_it_is_decided(engine: AsyncEngine, session_id: uuid.UUID) -> None:
    asked = await ask(engine, session_id)
    assert (asked.round, asked.decision, asked.revision) == (1, None, 1)
    assert asked.expires_at - asked.opened_at > timedelta(days=6)
    found = await waiting(engine, session_id)
    assert found is not None
    assert found.id == asked.id
    decided = await decide(engine, session_id)
    assert (decided.id, decided.decision, decided.decided_by) == (asked.id, APPROVE, "Dana")
    assert decided.decided_at is not None
    assert await waiting(engine, session_id) is None


async def test_the_same_run_asks_in_its_own_round_again_decided_or_not(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    first = await ask(engine, session_id)
    assert (await ask(engine, session_id)).id == first.id
    await decide(engine, session_id, CHANGE)
    again = await ask(engine, session_id)
    assert (again.id, again.decision) == (first.id, CHANGE)


async def test_another_run_asks_in_a_round_of_its_own_and_ends_the_waiting_one(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    await ask(engine, session_id)
    assert (await ask(engine, session_id, "run-2")).round == 2
    with pytest.raises(Refused, match="over"):
        await decide(engine, session_id, number=1)


async def test_the_first_decision_wins_and_the_loser_is_told(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    await ask(engine, session_id)
    outcomes = await asyncio.gather(
        decide(engine, session_id, APPROVE, "Dana", 1),
        decide(engine, session_id, CHANGE, "Eve", 1),
        return_exceptions=True,
    )
    [winner] = [outcome for outcome in outcomes if isinstance(outcome, ReviewRound)]
    [loser] = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    assert f"{winner.decided_by} was faster and decided: {winner.decision}" in loser.message


async def test_giving_the_same_decision_again_changes_nothing(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    await ask(engine, session_id)
    first = await decide(engine, session_id, number=1)
    second = await decide(engine, session_id, number=1)
    assert (second.id, second.decided_at) == (first.id, first.decided_at)


async def test_without_a_waiting_round_a_decision_makes_its_own(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    assert (await decide(engine, session_id)).round == 1
    assert (await decide(engine, session_id)).round == 2


async def test_an_approval_of_tickets_that_changed_since_is_refused_and_asked_again(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    asked = await ask(engine, session_id)
    await store_tickets(engine, session_id, "b")
    with pytest.raises(Changed):
        await decide(engine, session_id, number=asked.round)
    with pytest.raises(Changed):
        await decide(engine, session_id, revision=asked.revision)
    async with session_scope(engine) as session:
        renewed = await ReviewRepository(session).renew(session_id, "run-1", actor=FLOW)
    assert (renewed.round, renewed.revision) == (2, 2)
    assert (await decide(engine, session_id, number=2)).decision is APPROVE


async def test_what_is_not_an_approval_counts_also_for_changed_tickets(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    await ask(engine, session_id)
    await store_tickets(engine, session_id, "b")
    assert (await decide(engine, session_id, CHANGE, number=1)).decision is CHANGE


async def test_a_round_whose_time_is_over_does_not_wait_and_the_run_asks_anew(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    await ask(engine, session_id, waits=timedelta(0))
    assert await waiting(engine, session_id) is None
    assert (await ask(engine, session_id)).round == 2
