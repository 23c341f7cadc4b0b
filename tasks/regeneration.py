"""Tickets written anew, one or a group, with an instruction: locked ones are left alone, and nothing is ever lost."""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from db.actor import Actor
from db.engine import session_scope
from db.enums import EntityGroup
from db.errors import InJira, NotFound
from db.models import Ticket
from db.repositories.tickets import TicketChanges, TicketRepository
from tasks.core.errors import UserFixable
from tasks.core.tickets.model import Frozen, PlannedTicket
from tasks.core.tickets.regenerating import rewrite
from tasks.core.tickets.written import Written
from tasks.review_content import rebuild, waits_for

Write: TypeAlias = Callable[[PlannedTicket], Awaitable[Written]]
Guard: TypeAlias = Callable[[AsyncSession], Awaitable[None]]  # raises when the run may no longer write


class Result(StrEnum):
    """What became of a ticket that was to be written anew."""

    REWRITTEN = "rewritten"
    UNCHANGED = "unchanged"
    LOCKED = "locked, left alone"
    IN_JIRA = "in Jira, left alone"
    NO_TEXT = "the model gave no text that can be used, left alone"
    REFUSED = "the new text would not be taken by Jira, left alone"


class Regenerated(Frozen):
    """One ticket: what became of it, and which parts a person had written stay theirs."""

    ticket_id: str
    title: str
    result: Result
    kept: tuple[str, ...] = ()


async def chosen_tickets(
    engine: AsyncEngine, session_id: UUID, ticket_ids: Collection[UUID] = (), group: EntityGroup | None = None
) -> list[Ticket]:
    """The tickets of these ids, or of a group, or all, in the order of work; raises UserFixable for an unknown one."""
    async with session_scope(engine) as session:
        tickets = await TicketRepository(session).list_tickets(session_id, group=group)
    if unknown := set(ticket_ids) - {ticket.id for ticket in tickets}:
        raise UserFixable(f"There is no ticket {min(unknown)} in this session.", code="ticket-unknown")
    return [ticket for ticket in tickets if not ticket_ids or ticket.id in ticket_ids]


async def regenerate_one(
    engine: AsyncEngine,
    ticket: Ticket,
    write: Write,
    actor: Actor,
    *,
    replace_edits: bool = False,
    guard: Guard | None = None,
) -> Regenerated:
    """Write a ticket anew. The text is merged into the ticket as it is then, not as it was before the writing."""
    if ticket.locked or ticket.jira_ticket_key:
        return _left(ticket, Result.LOCKED if ticket.locked else Result.IN_JIRA)
    written = await write(PlannedTicket.model_validate(ticket.plan))
    if written.fallback is not None:
        return _left(ticket, Result.NO_TEXT)
    async with session_scope(engine) as session:
        if guard is not None:
            await guard(session)
        return await _store(TicketRepository(session), ticket, written, actor, replace_edits=replace_edits)


async def _store(
    tickets: TicketRepository, read: Ticket, written: Written, actor: Actor, *, replace_edits: bool
) -> Regenerated:
    session_id = read.session_id
    await tickets.lock(session_id)
    try:
        ticket = await tickets.get(read.id, session_id)
    except NotFound:  # rolled back meanwhile
        return _left(read, Result.UNCHANGED)
    if ticket.locked:
        return _left(ticket, Result.LOCKED)
    earlier = await tickets.versions(ticket.id, session_id)
    new = rewrite(ticket, earlier, written.prose, replace_edits=replace_edits)
    changes: TicketChanges = {
        "title": new.prose.title,
        "story": new.prose.story,
        "criteria": list(new.prose.criteria),
        "written_by": new.prose.written_by,
        "prompt_version": written.prompt_version,
    }
    before = ticket.revision
    try:
        content = rebuild(ticket, changes, await waits_for(tickets, ticket))
        after = await tickets.edit(
            ticket.id,
            session_id,
            changes,
            revision=before,
            actor=actor,
            content=content,
            by_person=False,
        )
    except InJira:
        return _left(ticket, Result.IN_JIRA)
    except UserFixable:
        return _left(ticket, Result.REFUSED)
    result = Result.REWRITTEN if after.revision > before else Result.UNCHANGED
    return Regenerated(ticket_id=str(ticket.id), title=after.title, result=result, kept=new.kept)


def _left(ticket: Ticket, result: Result) -> Regenerated:
    return Regenerated(ticket_id=str(ticket.id), title=ticket.title, result=result)


def said(results: Sequence[Regenerated], *, unheard: bool) -> str:
    """What became of the tickets, in a sentence."""
    counts = Counter(one.result for one in results)
    parts = [f"{counts[result]} {result}" for result in Result if counts[result]]
    kept = sum(bool(one.kept) for one in results)
    parts += [f"in {kept} a person's own words stay"] if kept else []
    told = " The offline writer cannot follow an instruction." if unheard else ""
    return f"Of {len(results)} tickets: {'; '.join(parts)}.{told}"
