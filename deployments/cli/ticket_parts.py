"""Tickets as the JSON of the review shows them."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import session_scope
from db.enums import EntityGroup
from db.models import Ticket
from db.repositories.tickets import TicketRepository
from deployments.cli.report import ticket_part
from tasks.core.tickets.markdown import to_markdown

GROUPS = list(EntityGroup)


async def listed_tickets(
    engine: AsyncEngine, session_id: UUID, group: str | None = None, *, only: Collection[UUID] | None = None
) -> list[dict[str, Any]]:
    """Tickets without their text, by group and in the order of work."""
    async with session_scope(engine) as session:
        repository = TicketRepository(session)
        tickets = await repository.list_tickets(
            session_id, group=EntityGroup(group) if group else None, brief=True
        )
        dependencies = await repository.dependencies(session_id)
    tickets.sort(key=lambda ticket: GROUPS.index(ticket.entity_group))  # stable: the order of work stays
    return [
        _with_fields(ticket, dependencies.get(ticket.id, []))
        for ticket in tickets
        if only is None or ticket.id in only
    ]


async def whole_ticket(engine: AsyncEngine, ticket_id: UUID) -> dict[str, Any]:
    """One ticket with its text, as Markdown and as Jira gets it."""
    async with session_scope(engine) as session:
        ticket = await TicketRepository(session).get(ticket_id)
        dependencies = await TicketRepository(session).dependencies(ticket.session_id)
    return {
        **_with_fields(ticket, dependencies.get(ticket.id, [])),
        "story": ticket.story,
        "criteria": ticket.criteria,
        "notes": ticket.user_notes,
        "markdown": to_markdown(ticket.description),
        "description": ticket.description,
        "attachment_content": ticket.attachment.content if ticket.attachment else None,
        "revision": ticket.revision,
    }


def _with_fields(ticket: Ticket, depends_on: list[UUID]) -> dict[str, Any]:
    return {
        **ticket_part(ticket, depends_on),
        "ready": ticket.ready_for_jira,
        "locked": ticket.locked,
        "sprint": ticket.sprint,
        "assignee": ticket.assignee,
        "issue_type": ticket.issue_type,
        "priority": ticket.priority,
        "labels": ticket.labels,
        "components": ticket.components,
    }
