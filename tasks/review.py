"""Review: what a person changes in tickets, whichever door they come through. Knows nothing of Prefect.

A change of the text rebuilds what would be sent; the repository makes the validation stale in the same transaction.
"""

from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from db.actor import Actor
from db.engine import session_scope
from db.models import Ticket
from db.repositories.projects import ProjectRepository
from db.repositories.tickets import Assignment, Content, NewAttachment, TicketChanges, TicketRepository
from tasks.core.errors import UserFixable
from tasks.core.tickets.description import describe
from tasks.core.tickets.hashing import content_hash
from tasks.core.tickets.model import PlannedTicket, Prose
from tasks.core.tickets.validation import problems

TEXT = frozenset({"title", "story", "criteria", "user_notes"})
# What is chosen from the project: the column of the cache, and under which names an entry is known there.
CHOICES = {
    "sprint": ("available_sprints", ("name", "id")),
    "assignee": ("team_members", ("display_name", "account_id")),
    "issue_type": ("issue_types", ("name",)),
}
SHOWN = 8


async def edit_ticket(
    engine: AsyncEngine, session_id: UUID, ticket_id: UUID, changes: TicketChanges, actor: Actor
) -> Ticket:
    """Change a ticket; a changed text is built and checked as it would be sent.

    Raises UserFixable for a text that Jira would refuse and for a sprint, assignee or issue type that the project does
    not have; db.errors.Changed when somebody else was faster, db.errors.InJira when the ticket is there or may be.
    """
    async with session_scope(engine) as session:
        chosen = await _choose(session, session_id, changes)
        tickets = TicketRepository(session)
        ticket = await tickets.get(ticket_id, session_id)
        return await tickets.edit(
            ticket_id,
            session_id,
            cast("TicketChanges", chosen),
            revision=ticket.revision,
            actor=actor,
            content=rebuild(ticket, chosen) if TEXT & chosen.keys() else None,
        )


async def assign_tickets(
    engine: AsyncEngine, session_id: UUID, ticket_ids: Collection[UUID], values: Assignment, actor: Actor
) -> list[UUID]:
    """Set sprint, assignee and the like on many tickets at once; returns those that really changed."""
    async with session_scope(engine) as session:
        chosen = cast("Assignment", await _choose(session, session_id, values))
        return await TicketRepository(session).assign(session_id, ticket_ids, chosen, actor=actor)


async def place_ticket(
    engine: AsyncEngine, session_id: UUID, ticket_id: UUID, beside: UUID, actor: Actor, *, after: bool
) -> None:
    """Put a ticket right before or after another one of its group."""
    async with session_scope(engine) as session:
        tickets = TicketRepository(session)
        group = (await tickets.get(beside, session_id)).entity_group
        order = [ticket.id for ticket in await tickets.list_tickets(session_id, group=group)]
        if ticket_id not in order:
            raise UserFixable(f"The ticket is not in the group {group}.", code="other-group")
        if ticket_id == beside:
            return
        order.remove(ticket_id)
        order.insert(order.index(beside) + after, ticket_id)
        await tickets.order(session_id, order, actor=actor)


def rebuild(ticket: Ticket, changes: Mapping[str, Any]) -> Content:
    """What would be sent for the ticket with these changes; UserFixable when Jira would refuse it."""
    text = {name: changes.get(name, getattr(ticket, name)) for name in TEXT}
    prose = Prose(title=text["title"], story=text["story"], criteria=tuple(text["criteria"]))
    description = describe(PlannedTicket.model_validate(ticket.plan), prose, text["user_notes"])
    if found := problems(description, prose.title):
        raise UserFixable(
            f"“{ticket.title}” could not be sent to Jira with this change.",
            actions=found,
            code="text-refused",
        )
    attachment = description.attachment
    return Content(
        description=description.adf,
        content_hash=content_hash(prose.title, description.adf, attachment),
        attachment=NewAttachment(attachment.filename, attachment.content) if attachment else None,
    )


async def _choose(session: AsyncSession, session_id: UUID, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values as the project writes them; what the project does not have is refused, with what it has."""
    chosen = dict(values)
    wanted = {name: value for name, value in values.items() if name in CHOICES and value is not None}
    project = await ProjectRepository(session).get(session_id, max_age=None) if wanted else None
    if project is None:  # nothing is known of it yet: export then names what does not fit
        return chosen
    for name, value in wanted.items():
        column, keys = CHOICES[name]
        chosen[name] = _one_of(name.replace("_", " "), value, getattr(project, column), keys)
    return chosen


def _one_of(what: str, wanted: str, offered: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> str:
    for entry in offered:
        if wanted.casefold() in {str(entry.get(key, "")).casefold() for key in keys}:
            return str(entry[keys[0]])
    names = [str(entry[keys[0]]) for entry in offered]
    near = get_close_matches(wanted, names, n=SHOWN, cutoff=0.5) or names[:SHOWN]
    raise UserFixable(
        f"The project has no {what} “{wanted}”.",
        actions=(f"Use one of: {', '.join(near)}.",) if near else (f"The project has no {what} at all.",),
        code=f"{what.replace(' ', '-')}-unknown",
    )
