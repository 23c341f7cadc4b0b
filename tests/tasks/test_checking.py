"""Validation against real Postgres: each failing ticket is named with its block, and compared with the last run."""

from collections.abc import Sequence
from uuid import UUID

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import session_scope
from db.models import Ticket
from db.repositories.tickets import TicketRepository
from db.repositories.validations import ValidationRepository
from tasks import review
from tasks.checking import Checked, Comparison, check, compared, store
from tasks.core.errors import UserFixable
from tasks.core.tickets.comparison import Since
from tasks.core.tickets.hashing import content_hash
from tasks.validation import refusal, rows
from tests.builders.database import DIRECTOR, adf
from tests.builders.reviewing import reviewable

BAD_LINK = "javascript:alert(1)"


class Validations:
    """A session whose tickets are spoilt behind everybody's back, as a change of our rules would."""

    def __init__(self, engine: AsyncEngine, session_id: UUID) -> None:
        self.engine, self.session_id = engine, session_id

    async def tickets(self) -> list[Ticket]:
        async with session_scope(self.engine) as session:
            return await TicketRepository(session).list_tickets(self.session_id)

    async def spoil(self, ticket: Ticket, *hrefs: str) -> None:
        blocks = [
            {
                "type": "paragraph",
                "content": [
                    {"type": "text", "text": href, "marks": [{"type": "link", "attrs": {"href": href}}]}
                ],
            }
            for href in hrefs
        ]
        document = {**adf("fine"), "content": [*adf("fine")["content"], *blocks]}
        values = {"description": document, "content_hash": content_hash(ticket.title, document, None)}
        async with session_scope(self.engine) as session:
            await session.execute(update(Ticket).where(Ticket.id == ticket.id).values(values))

    async def run(self, chosen: Sequence[UUID] = ()) -> tuple[Checked, Comparison]:
        checked = await check(self.engine, self.session_id, DIRECTOR, chosen)
        async with session_scope(self.engine) as session:
            return checked, await store(session, self.session_id, checked, DIRECTOR)

    async def fresh(self) -> bool:
        async with session_scope(self.engine) as session:
            return await ValidationRepository(session).is_fresh(self.session_id)


@pytest.fixture
async def validations(engine: AsyncEngine) -> Validations:
    return Validations(engine, await reviewable(engine))


async def test_all_that_pass_open_the_gate(validations: Validations) -> None:
    checked, compared_ = await validations.run()
    assert (checked.tickets, checked.failures, compared_.problems) == (3, {}, {})
    assert await validations.fresh()


async def test_each_failing_ticket_is_named_with_its_block_and_what_to_do(validations: Validations) -> None:
    ticket = (await validations.tickets())[0]
    await validations.spoil(ticket, BAD_LINK)
    checked, compared_ = await validations.run()
    refused = refusal(validations.session_id, checked, compared_)
    assert refused.message == "1 of 3 tickets cannot be sent to Jira as they stand."
    [action] = refused.actions
    assert action.startswith(f"{ticket.title}: description, block 2 (paragraph)")
    assert f"drupal-tickets tickets edit {validations.session_id} {ticket.id}" in action
    assert not await validations.fresh()


async def test_a_second_run_says_what_is_new_still_there_and_gone(validations: Validations) -> None:
    one, other, third = await validations.tickets()
    await validations.spoil(one, BAD_LINK, "file:///etc/passwd")
    await validations.spoil(other, BAD_LINK)
    await validations.run()
    await validations.spoil(one, BAD_LINK)
    await validations.spoil(other, "https://drupal.org")
    await validations.spoil(third, BAD_LINK)
    checked, compared_ = await validations.run()
    told = {(ticket, since) for ticket, problems in compared_.problems.items() for _, since in problems.lines}
    assert told == {
        (one.id, Since.STILL), (one.id, Since.GONE), (other.id, Since.GONE), (third.id, Since.NEW)
    }  # fmt: skip
    assert "1 new, 1 still there, 2 gone" in refusal(validations.session_id, checked, compared_).message
    table = rows(checked, compared_)
    assert {row["since the last run"] for row in table} == {"new", "still there", "gone", ""}
    assert [row["ticket"] for row in table if row["result"] == "passed"] == [other.title]


async def test_storing_twice_keeps_the_comparison(validations: Validations) -> None:
    ticket = (await validations.tickets())[0]
    await validations.run()
    await validations.spoil(ticket, BAD_LINK)
    checked, first = await validations.run()
    async with session_scope(validations.engine) as session:
        assert await store(session, validations.session_id, checked, DIRECTOR) == first
        assert await compared(session, validations.session_id) == first


async def test_chosen_tickets_are_compared_and_open_no_gate(validations: Validations) -> None:
    one, other, _ = await validations.tickets()
    await validations.spoil(one, BAD_LINK)
    await validations.spoil(other, BAD_LINK)
    await validations.run()
    await validations.spoil(one, "https://drupal.org")
    checked, compared_ = await validations.run([one.id])
    assert (checked.tickets, checked.failures) == (1, {})
    assert [since for _, since in compared_.problems[one.id].lines] == [Since.GONE]
    assert [since for _, since in compared_.problems[other.id].lines] == [Since.STILL]
    assert not await validations.fresh()


async def test_an_edit_while_it_checks_leaves_the_session_stale(
    validations: Validations, engine: AsyncEngine
) -> None:
    checked = await check(engine, validations.session_id, DIRECTOR)
    ticket = (await validations.tickets())[0]
    await review.edit_ticket(engine, validations.session_id, ticket.id, {"title": "Meanwhile"}, DIRECTOR)
    async with session_scope(engine) as session:
        await store(session, validations.session_id, checked, DIRECTOR)
    assert not await validations.fresh()


async def test_a_ticket_of_another_session_is_refused(validations: Validations, engine: AsyncEngine) -> None:
    other = Validations(engine, await reviewable(engine))
    with pytest.raises(UserFixable, match="no ticket"):
        await check(engine, validations.session_id, DIRECTOR, [(await other.tickets())[0].id])
