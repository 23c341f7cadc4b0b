"""What tests do with tickets, one call each."""

import uuid
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import session_scope
from db.enums import TaskType
from db.fence import Fence
from db.models import Ticket, TicketVersion
from db.repositories.background import TaskRepository
from db.repositories.intents import IntentRepository, JiraIssue
from db.repositories.tickets import Assignment, Content, NewAttachment, TicketChanges, TicketRepository
from db.repositories.validations import ValidationRepository
from tests.builders.database import (
    DIRECTOR,
    FLOW,
    adf,
    new_ticket,
    store_tickets,
    validate,
)


async def listed(engine: AsyncEngine, session_id: uuid.UUID) -> list[Ticket]:
    async with session_scope(engine) as session:
        return await TicketRepository(session).list_tickets(session_id)


async def one(engine: AsyncEngine, session_id: uuid.UUID, **changed: Any) -> Ticket:
    await store_tickets(engine, session_id, new_ticket("page", **changed))
    [ticket] = await listed(engine, session_id)
    return ticket


async def edit(
    engine: AsyncEngine, ticket: Ticket, changes: TicketChanges, content: Content | None = None
) -> Ticket:
    async with session_scope(engine) as session:
        return await TicketRepository(session).edit(
            ticket.id,
            ticket.session_id,
            changes,
            revision=ticket.revision,
            content=content,
            actor=DIRECTOR,
        )


async def assign(
    engine: AsyncEngine, session_id: uuid.UUID, tickets: list[uuid.UUID], values: Assignment
) -> list[uuid.UUID]:
    async with session_scope(engine) as session:
        return await TicketRepository(session).assign(session_id, tickets, values, actor=DIRECTOR)


async def versions(engine: AsyncEngine, ticket: Ticket) -> list[TicketVersion]:
    async with session_scope(engine) as session:
        return await TicketRepository(session).versions(ticket.id, ticket.session_id)


async def is_fresh(engine: AsyncEngine, session_id: uuid.UUID) -> bool:
    async with session_scope(engine) as session:
        return await ValidationRepository(session).is_fresh(session_id)


async def revision(engine: AsyncEngine, session_id: uuid.UUID) -> int:
    async with session_scope(engine) as session:
        return (await ValidationRepository(session).get(session_id)).revision


def content(text: str, attachment: NewAttachment | None = None) -> Content:
    return Content(description=adf(text), content_hash=f"hash of {text}", attachment=attachment)


async def send(engine: AsyncEngine, ticket: Ticket, key: str | None = None) -> None:
    """Open an intent; with a key, the issue is created."""
    hashes = await validate(engine, ticket.session_id)
    async with session_scope(engine) as session:
        attempt = await TaskRepository(session).claim(
            ticket.session_id, TaskType.EXPORT, "export", actor=FLOW
        )
        intents = IntentRepository(session)
        fence = Fence("export", attempt)
        await intents.open_intents(ticket.session_id, fence, [(ticket.id, hashes[ticket.id])], actor=FLOW)
        if key:
            issue = JiraIssue(ticket.id, key, f"https://jira/{key}")
            await intents.resolve(ticket.session_id, [issue], actor=FLOW)
