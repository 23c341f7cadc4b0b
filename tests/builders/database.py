"""Rows for tests: everything that a test does not care about has a value already."""

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from db.actor import Actor
from db.engine import session_scope
from db.enums import EntityGroup, SessionStage, WrittenBy
from db.models import Session
from db.repositories.sessions import SessionRepository
from db.repositories.tickets import NewAttachment, NewTicket, TicketRepository
from db.repositories.validations import ValidationRepository

DIRECTOR = Actor(claimed="Dana Director")
FLOW = Actor(claimed="Dana Director", request_id="run-1")


def adf(text: str) -> dict[str, Any]:
    """A document of one paragraph."""
    return {
        "version": 1,
        "type": "doc",
        "content": [{"type": "paragraph", "content": [{"type": "text", "text": text}]}],
    }


def new_ticket(key: str, **changed: Any) -> NewTicket:
    """A ticket as processing hands it over."""
    values: dict[str, Any] = {
        "key": key,
        "position": 0,
        "kind": "bundle",
        "entity_group": EntityGroup.CONTENT,
        "title": f"Create {key}",
        "story": "As an editor, I want it so that it is there.",
        "criteria": ["It exists.", "It is translatable."],
        "description": adf(key),
        "content_hash": f"hash of {key}",
        "plan": {"key": key, "depends_on": list(changed.get("depends_on", ()))},
        "csv_source_files": [{"file": "bundles.csv", "records": [2]}],
        "source_hash": f"source of {key}",
        "written_by": WrittenBy.OFFLINE,
    }
    return NewTicket(**(values | changed))


def file_of(text: str) -> NewAttachment:
    """A Markdown file."""
    return NewAttachment(filename="reference.md", content=text)


async def make_session(engine: AsyncEngine, **values: Any) -> uuid.UUID:
    """A session at the first stage; `settings` and whatever else `create` takes."""
    async with session_scope(engine) as session:
        given = {"site_name": "Lakeside", "jira_project_key": "LAKE"} | values
        record = await SessionRepository(session).create(actor=DIRECTOR, **given)
        return record.id


async def move_to(engine: AsyncEngine, session_id: uuid.UUID, stage: SessionStage) -> Session:
    """Take the session through all stages up to this one."""
    stages = list(SessionStage)
    async with session_scope(engine) as session:
        sessions = SessionRepository(session)
        record = await sessions.get(session_id)
        for number in range(stages.index(record.current_stage), stages.index(stage)):
            record = await sessions.move(session_id, stages[number], stages[number + 1], actor=DIRECTOR)
        return record


async def store_tickets(
    engine: AsyncEngine, session_id: uuid.UUID, *tickets: NewTicket | str
) -> dict[str, uuid.UUID]:
    """Tickets of the session, in this order; a name alone makes one."""
    made = [
        new_ticket(ticket, position=number) if isinstance(ticket, str) else ticket
        for number, ticket in enumerate(tickets)
    ]
    async with session_scope(engine) as session:
        return await TicketRepository(session).replace_all(session_id, made, actor=FLOW)


async def validate(engine: AsyncEngine, session_id: uuid.UUID) -> Mapping[uuid.UUID, str]:
    """Pass all tickets as they stand; returns the hashes."""
    async with session_scope(engine) as session:
        validations = ValidationRepository(session)
        read_at = await validations.start(session_id, actor=FLOW)
        tickets = await TicketRepository(session).list_tickets(session_id)
        hashes = {ticket.id: ticket.content_hash for ticket in tickets}
        await validations.finish(
            session_id, read_at=read_at, passed=True, results={}, hashes=hashes, actor=FLOW
        )
        return hashes
