"""Reviews that nobody can answer any more are found and closed, and never one that somebody decided."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import session_scope
from db.enums import ReviewDecision
from db.repositories.audit import AuditRepository
from db.repositories.lost_reviews import LostReviewRepository
from db.repositories.reviews import ReviewRepository
from tests.builders.database import DIRECTOR, FLOW, make_session


async def test_an_open_round_is_found_even_when_its_time_is_over(engine: AsyncEngine) -> None:
    session_id = await make_session(engine)
    async with session_scope(engine) as session:
        await ReviewRepository(session).open_round(session_id, "run", actor=FLOW, waits=timedelta(seconds=-1))
    async with session_scope(engine) as session:
        (waiting,) = await LostReviewRepository(session).undecided()
        assert await LostReviewRepository(session).close(waiting.id, "Nobody answered in time.", actor=FLOW)
        assert await LostReviewRepository(session).undecided() == []
        last = (await AuditRepository(session).trail(session_id))[-1]
        assert (last.event_type, last.claimed_actor) == ("review.closed", FLOW.claimed)


async def test_a_decision_that_came_first_stays(engine: AsyncEngine) -> None:
    session_id = await make_session(engine)
    async with session_scope(engine) as session:
        row = await ReviewRepository(session).open_round(session_id, "run", actor=FLOW)
        await ReviewRepository(session).decide(session_id, ReviewDecision.CANCEL, actor=DIRECTOR)
    async with session_scope(engine) as session:
        assert not await LostReviewRepository(session).close(row.id, "Its run has ended.", actor=FLOW)
        last = await ReviewRepository(session).latest(session_id)
        assert last is not None
        assert last.decision is ReviewDecision.CANCEL


async def test_a_closed_review_can_be_opened_again(engine: AsyncEngine) -> None:
    session_id = await make_session(engine)
    async with session_scope(engine) as session:
        row = await ReviewRepository(session).open_round(session_id, "run", actor=FLOW)
        await LostReviewRepository(session).close(row.id, "Its run has ended.", actor=FLOW)
        again = await ReviewRepository(session).open_round(session_id, "run-2", actor=FLOW)
        assert (again.round, again.decision) == (2, None)
