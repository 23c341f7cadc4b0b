"""Whether what would be sent is what was validated, to the microsecond, and with two at work at once."""

import asyncio
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import session_scope
from db.enums import AdfValidationStatus
from db.models import SessionValidation
from db.repositories.tickets import Content, TicketRepository
from db.repositories.validations import ValidationRepository
from tests.builders.database import DIRECTOR, FLOW, adf, store_tickets, validate


@pytest.fixture
async def ticket_id(engine: AsyncEngine, session_id: uuid.UUID) -> uuid.UUID:
    return (await store_tickets(engine, session_id, "page"))["page"]


async def fresh(engine: AsyncEngine, session_id: uuid.UUID) -> bool:
    async with session_scope(engine) as session:
        return await ValidationRepository(session).is_fresh(session_id)


async def state(engine: AsyncEngine, session_id: uuid.UUID) -> SessionValidation:
    async with session_scope(engine) as session:
        return await ValidationRepository(session).get(session_id)


async def retitle(
    engine: AsyncEngine, session_id: uuid.UUID, ticket_id: uuid.UUID, title: str, pause: float = 0
) -> None:
    async with session_scope(engine) as session:
        tickets = TicketRepository(session)
        ticket = await tickets.get(ticket_id)
        content = Content(description=adf(title), content_hash=f"hash of {title}")
        await tickets.edit(
            ticket_id, session_id, {"title": title}, revision=ticket.revision, content=content, actor=DIRECTOR
        )
        await asyncio.sleep(pause)


async def validated_hash(engine: AsyncEngine, ticket_id: uuid.UUID) -> str | None:
    async with session_scope(engine) as session:
        return (await TicketRepository(session).get(ticket_id)).validated_hash


async def test_a_new_session_is_not_validated(engine: AsyncEngine, session_id: uuid.UUID) -> None:
    assert not await fresh(engine, session_id)
    assert (await state(engine, session_id)).validation_status is AdfValidationStatus.PENDING


async def test_a_passed_validation_is_fresh_until_something_changes(
    engine: AsyncEngine, session_id: uuid.UUID, ticket_id: uuid.UUID
) -> None:
    await validate(engine, session_id)
    assert await fresh(engine, session_id)
    await retitle(engine, session_id, ticket_id, "Another title")
    assert not await fresh(engine, session_id)
    await validate(engine, session_id)
    assert await fresh(engine, session_id)


async def test_a_validation_that_found_problems_opens_nothing(
    engine: AsyncEngine, session_id: uuid.UUID, ticket_id: uuid.UUID
) -> None:
    await validate(engine, session_id)
    async with session_scope(engine) as session:
        validations = ValidationRepository(session)
        read_at = await validations.start(session_id, actor=FLOW)
        results = {str(ticket_id): ["too long"]}
        await validations.finish(
            session_id, read_at=read_at, passed=False, results=results, hashes={}, actor=FLOW
        )
    assert not await fresh(engine, session_id)
    assert (await state(engine, session_id)).validation_results == results
    assert await validated_hash(engine, ticket_id) is None, "the permission to send it is withdrawn"


@pytest.mark.parametrize("ending", ["killed", "failed"])
async def test_a_validation_that_did_not_end_well_leaves_the_session_stale(
    engine: AsyncEngine, session_id: uuid.UUID, ticket_id: uuid.UUID, ending: str
) -> None:
    await validate(engine, session_id)
    async with session_scope(engine) as session:
        await ValidationRepository(session).start(session_id, actor=FLOW)
        if ending == "failed":
            await ValidationRepository(session).fail(session_id, actor=FLOW)
    assert not await fresh(engine, session_id)


async def test_an_edit_between_read_and_result_leaves_the_session_stale(
    engine: AsyncEngine, session_id: uuid.UUID, ticket_id: uuid.UUID
) -> None:
    async with session_scope(engine) as session:
        read_at = await ValidationRepository(session).start(session_id, actor=FLOW)
    await retitle(engine, session_id, ticket_id, "Changed meanwhile")
    async with session_scope(engine) as session:
        await ValidationRepository(session).finish(
            session_id,
            read_at=read_at,
            passed=True,
            results={},
            hashes={ticket_id: "hash of page"},
            actor=FLOW,
        )
    assert not await fresh(engine, session_id)
    async with session_scope(engine) as session:
        ticket = await TicketRepository(session).get(ticket_id)
        assert ticket.validated_hash != ticket.content_hash


async def test_the_same_instant_is_stale(
    engine: AsyncEngine, session_id: uuid.UUID, ticket_id: uuid.UUID
) -> None:
    await validate(engine, session_id)

    async def set_invalidated(offset: timedelta) -> None:
        async with session_scope(engine) as session:
            await session.execute(
                update(SessionValidation).values(
                    last_invalidated_at=SessionValidation.last_validated_at + offset
                )
            )

    for microseconds, is_fresh in ((-1, True), (0, False), (1, False)):
        await set_invalidated(timedelta(microseconds=microseconds))
        assert await fresh(engine, session_id) is is_fresh


async def test_a_late_result_does_not_replace_a_later_validation(
    engine: AsyncEngine, session_id: uuid.UUID, ticket_id: uuid.UUID
) -> None:
    async with session_scope(engine) as session:
        early = await ValidationRepository(session).start(session_id, actor=FLOW)
    await retitle(engine, session_id, ticket_id, "Newer")
    await validate(engine, session_id)
    async with session_scope(engine) as session:
        stored = await ValidationRepository(session).finish(
            session_id, read_at=early, passed=False, results={}, hashes={}, actor=FLOW
        )
    assert not stored
    assert await fresh(engine, session_id)
    assert await validated_hash(engine, ticket_id) == "hash of Newer"


async def test_storing_a_result_twice_is_storing_it_once(
    engine: AsyncEngine, session_id: uuid.UUID, ticket_id: uuid.UUID
) -> None:
    async with session_scope(engine) as session:
        read_at = await ValidationRepository(session).start(session_id, actor=FLOW)
    for _ in range(2):
        async with session_scope(engine) as session:
            assert await ValidationRepository(session).finish(
                session_id, read_at=read_at, passed=True, results={}, hashes={ticket_id: "h"}, actor=FLOW
            )
    assert await fresh(engine, session_id)


async def test_the_time_of_the_read_is_taken_after_waiting_for_an_edit(
    engine: AsyncEngine, session_id: uuid.UUID, ticket_id: uuid.UUID
) -> None:
    editing = asyncio.create_task(retitle(engine, session_id, ticket_id, "Slow edit", pause=0.2))
    await asyncio.sleep(0.1)
    hashes = await validate(engine, session_id)
    await editing
    assert hashes == {ticket_id: "hash of Slow edit"}, "what was read includes the edit that was waited for"
    assert await fresh(engine, session_id)


async def test_an_edit_that_waits_for_a_validations_read_is_later_than_it(
    engine: AsyncEngine, session_id: uuid.UUID, ticket_id: uuid.UUID
) -> None:
    async with session_scope(engine) as session:
        read_at = await ValidationRepository(session).start(session_id, actor=FLOW)
        editing = asyncio.create_task(retitle(engine, session_id, ticket_id, "Too late"))
        await asyncio.sleep(0.1)
        assert not editing.done()
        tickets = await TicketRepository(session).list_tickets(session_id)
        assert [ticket.title for ticket in tickets] == ["Create page"]
    await editing
    invalidated = (await state(engine, session_id)).last_invalidated_at
    assert invalidated is not None
    assert invalidated > read_at
    assert invalidated - read_at > timedelta(milliseconds=90), "taken when it got the lock, not when it asked"


async def test_edits_and_validations_in_any_order_never_show_stale_as_fresh(
    engine: AsyncEngine, session_id: uuid.UUID, ticket_id: uuid.UUID
) -> None:
    for turn in range(10):
        await asyncio.gather(
            validate(engine, session_id), retitle(engine, session_id, ticket_id, f"Turn {turn}")
        )
        async with session_scope(engine) as session:
            ticket = await TicketRepository(session).get(ticket_id)
            is_fresh = await ValidationRepository(session).is_fresh(session_id)
        assert is_fresh is (ticket.validated_hash == ticket.content_hash)


async def test_the_table_itself_refuses_passed_without_completed(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    async with session_scope(engine) as session:
        with pytest.raises(IntegrityError, match="passed_only_when_completed"):
            await session.execute(text("UPDATE session_validations SET validation_passed = true"))
