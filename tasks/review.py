"""Review: what a person changes in tickets, whichever door they come through. Knows nothing of Prefect.

A change of the text rebuilds what would be sent; the repository makes the validation stale in the same transaction.
"""

from collections.abc import Collection, Mapping
from typing import Any, cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from db.actor import Actor
from db.engine import session_scope
from db.models import Ticket
from db.repositories.dependencies import DependencyRepository
from db.repositories.tickets import Assignment, TicketChanges, TicketRepository
from tasks.core.errors import UserFixable
from tasks.core.tickets.editable import SEVERAL, SINGLE, normal, storable
from tasks.core.tickets.wording import is_refused, visible
from tasks.review_choices import Refresh, choose
from tasks.review_content import TEXT, rebuild, waits_for

MAX_LABEL = 255


async def edit_ticket(
    engine: AsyncEngine,
    session_id: UUID,
    ticket_id: UUID,
    changes: TicketChanges,
    actor: Actor,
    *,
    revision: int | None = None,
    refresh: Refresh | None = None,
) -> Ticket:
    """Change a ticket, as it is or as it was at `revision`; a changed text is built and checked as it would be sent.

    Raises UserFixable for a text that Jira would refuse and for a sprint, assignee or issue type that the project does
    not have; db.errors.Changed when somebody else was faster, db.errors.InJira when the ticket is there or may be.
    """
    chosen = await choose(engine, session_id, tidied(changes), refresh)
    async with session_scope(engine) as session:
        tickets = TicketRepository(session)
        await tickets.lock(session_id)
        ticket = await tickets.get(ticket_id, session_id)
        names = await waits_for(tickets, ticket)
        return await tickets.edit(
            ticket_id,
            session_id,
            cast("TicketChanges", chosen),
            revision=revision or ticket.revision,
            actor=actor,
            content=rebuild(ticket, chosen, names) if TEXT & chosen.keys() else None,
        )


async def assign_tickets(
    engine: AsyncEngine,
    session_id: UUID,
    ticket_ids: Collection[UUID],
    values: Assignment,
    actor: Actor,
    *,
    refresh: Refresh | None = None,
) -> list[UUID]:
    """Set sprint, assignee and the like on many tickets at once; returns those that really changed."""
    chosen = cast("Assignment", await choose(engine, session_id, tidied(values), refresh))
    async with session_scope(engine) as session:
        return await TicketRepository(session).assign(session_id, ticket_ids, chosen, actor=actor)


async def place_ticket(
    engine: AsyncEngine, session_id: UUID, ticket_id: UUID, beside: UUID, actor: Actor, *, after: bool
) -> None:
    """Put a ticket right before or after another one of its group."""
    async with session_scope(engine) as session:
        tickets = TicketRepository(session)
        await tickets.lock(session_id)  # two people who order at once take turns
        group = (await tickets.get(beside, session_id)).entity_group
        order = [ticket.id for ticket in await tickets.list_tickets(session_id, group=group)]
        if ticket_id not in order:
            raise UserFixable(f"The ticket is not in the group {group}.", code="other-group")
        if ticket_id == beside:
            return
        order.remove(ticket_id)
        order.insert(order.index(beside) + after, ticket_id)
        await tickets.order(session_id, order, actor=actor)


async def set_dependency(
    engine: AsyncEngine, session_id: UUID, ticket_id: UUID, on: UUID, actor: Actor, *, wanted: bool
) -> bool:
    """Let a ticket wait for another one, or no longer; its text says so. False when it is so already.

    Raises db.errors.Refused with the path where a cycle would close, db.errors.InJira when the ticket is there.
    """
    async with session_scope(engine) as session:
        dependencies, tickets = DependencyRepository(session), TicketRepository(session)
        act = dependencies.link if wanted else dependencies.unlink
        if not await act(session_id, ticket_id, on, actor=actor):
            return False
        ticket = await tickets.get(ticket_id, session_id)
        content = rebuild(ticket, {}, await waits_for(tickets, ticket))
        await tickets.edit(ticket_id, session_id, {}, revision=ticket.revision, actor=actor, content=content)
        return True


def tidied(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The changes as they are kept: no blanks around a text, no blank criterion, a label that Jira takes."""
    kept = {name: _tidied(name, value) for name, value in changes.items()}
    for name in (*SINGLE, *SEVERAL):
        _require_shown(name, kept.get(name))
    for label in kept.get("labels", ()):
        if len(label) > MAX_LABEL or any(map(str.isspace, label)):
            raise UserFixable(
                f"“{visible(label)[:40]}” cannot be a label in Jira.",
                actions=(f"A label has no spaces and at most {MAX_LABEL} characters.",),
                code="label",
            )
    return kept


def _require_shown(name: str, value: str | list[str] | None) -> None:
    for text in [value] if isinstance(value, str) else value or ():
        if any(map(is_refused, text)):
            raise UserFixable(
                f"The {name.replace('_', ' ')} “{visible(text)[:40]}” has a character that cannot be shown.",
                actions=("Type it again without.",),
                code="text-refused",
            )


def _tidied(name: str, value: Any) -> Any:
    if name in ("title", "story"):
        return value.strip()
    if name == "criteria":
        return [text for text in map(str.strip, value) if text]
    if name in ("user_notes", *SINGLE, *SEVERAL):
        return storable(name, normal(name, value))
    return value
