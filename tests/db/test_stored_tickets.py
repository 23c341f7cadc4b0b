"""Tickets as processing stores them: in bulk, and the same again is nothing new."""

import asyncio
import uuid

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import session_scope
from db.enums import EntityGroup
from db.errors import InJira
from db.repositories.sessions import SessionRepository
from db.repositories.tickets import TicketRepository
from tests.builders.database import (
    file_of,
    new_ticket,
    store_tickets,
    validate,
)
from tests.db.ticket_work import is_fresh, listed, one, send, versions


async def test_tickets_are_listed_in_the_order_of_work_with_their_attachments(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    await store_tickets(
        engine,
        session_id,
        new_ticket("last", position=2),
        new_ticket("first", position=0, attachment=file_of("| a |")),
        new_ticket("middle", position=1, entity_group=EntityGroup.VIEWS),
    )
    tickets = await listed(engine, session_id)
    assert [ticket.key for ticket in tickets] == ["first", "middle", "last"]
    assert [ticket.attachment.content if ticket.attachment else None for ticket in tickets] == [
        "| a |",
        None,
        None,
    ]
    async with session_scope(engine) as session:
        views = await TicketRepository(session).list_tickets(session_id, group=EntityGroup.VIEWS)
        assert [ticket.key for ticket in views] == ["middle"]
        assert (await SessionRepository(session).get(session_id)).total_tickets_generated == 3


async def test_storing_the_same_tickets_again_changes_nothing(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    tickets = [new_ticket("a", depends_on=["b"], attachment=file_of("x")), new_ticket("b", position=1)]
    first = await store_tickets(engine, session_id, *tickets)
    await validate(engine, session_id)
    before = [(ticket.id, ticket.revision, ticket.updated_at) for ticket in await listed(engine, session_id)]
    assert await store_tickets(engine, session_id, *tickets) == first
    after = [(ticket.id, ticket.revision, ticket.updated_at) for ticket in await listed(engine, session_id)]
    assert after == before
    assert await is_fresh(engine, session_id)


async def test_replacing_keeps_ids_and_what_was_replaced_and_removes_what_is_gone(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    first = await store_tickets(engine, session_id, new_ticket("a", attachment=file_of("old")), "b")
    await validate(engine, session_id)
    second = await store_tickets(
        engine, session_id, new_ticket("a", title="New", content_hash="new"), new_ticket("c", position=1)
    )
    assert second["a"] == first["a"]
    tickets = await listed(engine, session_id)
    assert [(ticket.key, ticket.title, ticket.revision) for ticket in tickets] == [
        ("a", "New", 2),
        ("c", "Create c", 1),
    ]
    assert tickets[0].attachment is None
    [version] = await versions(engine, tickets[0])
    assert (version.title, version.attachment_content) == ("Create a", "old")
    assert not await is_fresh(engine, session_id)


async def test_two_that_store_the_same_tickets_at_once_end_in_one_set(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    tickets = [new_ticket(f"t{number}", position=number) for number in range(20)]
    ids = await asyncio.gather(*(store_tickets(engine, session_id, *tickets) for _ in range(3)))
    assert ids[0] == ids[1] == ids[2]
    assert [ticket.revision for ticket in await listed(engine, session_id)] == [1] * 20


async def test_dependencies_are_stored_by_key(engine: AsyncEngine, session_id: uuid.UUID) -> None:
    ids = await store_tickets(
        engine,
        session_id,
        new_ticket("c", depends_on=["b", "a"], position=2),
        "b",
        new_ticket("a", position=0),
    )
    async with session_scope(engine) as session:
        assert await TicketRepository(session).dependencies(session_id) == {ids["c"]: [ids["a"], ids["b"]]}


@pytest.mark.parametrize("key", ["LAKE-7", None])
@pytest.mark.parametrize("what", ["changed", "gone"])
async def test_processing_does_not_replace_what_is_in_jira_or_may_be(
    engine: AsyncEngine, session_id: uuid.UUID, key: str | None, what: str
) -> None:
    ticket = await one(engine, session_id)
    await send(engine, ticket, key)
    await store_tickets(engine, session_id, new_ticket("page"), new_ticket("other", position=1))
    with pytest.raises(InJira, match=key or "may be there"):
        await store_tickets(
            engine, session_id, *([new_ticket("page", content_hash="x")] if what == "changed" else [])
        )
