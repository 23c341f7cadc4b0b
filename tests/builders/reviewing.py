"""A session under review, with tickets planned and written as processing does it."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import session_scope
from db.enums import SessionStage
from db.repositories.files import FileRepository
from db.repositories.new_ticket import NewAttachment, NewTicket
from db.repositories.projects import ProjectRepository
from db.repositories.tickets import TicketRepository
from tasks.core.tickets.description import describe
from tasks.core.tickets.hashing import content_hash
from tasks.core.tickets.model import PlannedTicket
from tasks.core.tickets.offline import write
from tests.builders.database import DIRECTOR, FLOW, make_session, move_to
from tests.builders.spec import bundle, field, tab
from tests.builders.tickets import tickets

ARTICLE, PAGE, IMAGE = "Article (Content type)", "Page (Content type)", "Image (Media type)"


def small_spec() -> tuple[Any, ...]:
    """Two content types and a media type that one of them refers to."""
    image = field(ARTICLE, "Image", "Entity reference", **{"Ref. bundle": IMAGE})
    return (
        tab("Bundles", bundle("Article"), bundle("Page"), bundle("Image", "Media type")),
        tab("Fields", field(ARTICLE, "Teaser"), image, field(PAGE, "Body")),
    )


async def reviewable(engine: AsyncEngine, **session: Any) -> UUID:
    """A session at review with the tickets of the small spec; returns its id."""
    session_id = await make_session(engine, **session)
    await move_to(engine, session_id, SessionStage.REVIEW)
    async with session_scope(engine) as scope:
        for file in small_spec():
            await FileRepository(scope).add(session_id, file.filename, file.content, actor=DIRECTOR)
    await restore_tickets(engine, session_id)
    return session_id


async def restore_tickets(engine: AsyncEngine, session_id: UUID) -> None:
    """Store the tickets of the small spec, as processing does."""
    planned = [stored(ticket, at) for at, ticket in enumerate(tickets(*small_spec()).values())]
    async with session_scope(engine) as scope:
        await TicketRepository(scope).replace_all(session_id, planned, actor=FLOW)


def stored(ticket: PlannedTicket, position: int) -> NewTicket:
    """A planned ticket with its offline text, as it is stored."""
    prose = write(ticket)
    made = describe(ticket, prose)
    attachment = made.attachment
    return NewTicket(
        key=ticket.key,
        position=position,
        kind=ticket.kind,
        action=ticket.action,
        entity_group=ticket.entity_group,
        title=prose.title,
        story=prose.story,
        criteria=list(prose.criteria),
        written_by=prose.written_by,
        description=made.adf,
        content_hash=content_hash(prose.title, made.adf, attachment),
        attachment=NewAttachment(attachment.filename, attachment.content) if attachment else None,
        plan=ticket.model_dump(mode="json"),
        csv_source_files=[source.model_dump(mode="json") for source in ticket.sources],
        source_hash=ticket.source_hash,
        depends_on=list(ticket.depends_on),
    )


async def know_project(engine: AsyncEngine, session_id: UUID) -> None:
    """Let the session know its Jira project: a sprint, two people, two issue types."""
    async with session_scope(engine) as scope:
        await ProjectRepository(scope).store(
            session_id,
            project_key="LAKE",
            project_name="Lakeside",
            can_create_tickets=True,
            can_assign_tickets=True,
            available_sprints=[{"id": 5, "name": "Sprint 5", "state": "active"}],
            team_members=[
                {"account_id": "a1", "display_name": "Ada Admin"},
                {"account_id": "b2", "display_name": "Ben Builder"},
            ],
            issue_types=[{"id": "1", "name": "Task"}, {"id": "2", "name": "Story"}],
            create_fields={},
            actor=DIRECTOR,
        )
