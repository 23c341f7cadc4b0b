"""Versions of a ticket: every one stays readable, and every one can be restored."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from db.actor import Actor
from db.engine import session_scope
from db.models import Ticket, TicketVersion
from db.repositories.tickets import TicketChanges, TicketRepository
from tasks.core.errors import UserFixable
from tasks.review_content import rebuild, waits_for


async def versions_of(
    engine: AsyncEngine, session_id: UUID, ticket_id: UUID
) -> tuple[Ticket, list[TicketVersion]]:
    """The ticket as it is, and what it said before, newest first."""
    async with session_scope(engine) as session:
        tickets = TicketRepository(session)
        ticket = await tickets.get(ticket_id, session_id)
        return ticket, await tickets.versions(ticket_id, session_id)


async def restore_version(
    engine: AsyncEngine, session_id: UUID, ticket_id: UUID, revision: int, actor: Actor
) -> Ticket:
    """Give a ticket the text of an earlier version; what it says now is kept as a version too.

    The text counts as written by whoever wrote it then: a machine's text that is restored is unedited again.
    """
    async with session_scope(engine) as session:
        tickets = TicketRepository(session)
        await tickets.lock(session_id)
        ticket = await tickets.get(ticket_id, session_id)
        versions = {one.revision: one for one in await tickets.versions(ticket_id, session_id)}
        if revision == ticket.revision:
            return ticket
        if revision not in versions:
            known = ", ".join(map(str, sorted(versions))) or "none before this one"
            raise UserFixable(
                f"The ticket has no version {revision}.",
                actions=(f"It has: {known}.",),
                code="version-unknown",
            )
        old = versions[revision]
        changes: TicketChanges = {
            "title": old.title,
            "story": old.story,
            "criteria": list(old.criteria),
            "user_notes": old.user_notes,
            "written_by": old.written_by,
            "prompt_version": old.prompt_version,
        }
        content = rebuild(ticket, changes, await waits_for(tickets, ticket))
        return await tickets.edit(
            ticket_id,
            session_id,
            changes,
            revision=ticket.revision,
            actor=actor,
            content=content,
            by_person=True,
        )
