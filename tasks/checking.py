"""Every ticket checked as it would be sent; the result stored and held against the last one. Knows no Prefect."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from db.actor import Actor
from db.engine import session_scope
from db.models import Ticket
from db.repositories.tickets import TicketRepository
from db.repositories.validations import ValidationRepository
from tasks.core.errors import UserFixable
from tasks.core.tickets.comparison import Compared, compare
from tasks.core.tickets.hashing import content_hash
from tasks.core.tickets.model import AttachmentFile, Description
from tasks.core.tickets.validation import problems


class Checked(BaseModel):
    """What one validation found: read when, the hash of each ticket that passed, what is wrong with the others."""

    read_at: datetime
    hashes: dict[UUID, str]
    failures: dict[UUID, list[str]]
    read_hashes: dict[UUID, str] = Field(
        default_factory=dict, description="What the failing ones were read with."
    )
    all_tickets: bool = True

    @property
    def tickets(self) -> int:
        """How many were checked."""
        return len(self.hashes) + len(self.failures)


class Comparison(BaseModel):
    """The last validation beside the one before; `first` where there was none."""

    titles: dict[UUID, str]
    problems: dict[UUID, Compared]
    first: bool


async def check(engine: AsyncEngine, session_id: UUID, actor: Actor, chosen: Sequence[UUID] = ()) -> Checked:
    """Check every ticket, or those chosen; an edit made meanwhile leaves the session stale."""
    async with session_scope(engine) as session:
        validations = ValidationRepository(session)
        await validations.lock(session_id)
        tickets = await TicketRepository(session).list_tickets(session_id)
        if unknown := set(chosen) - {ticket.id for ticket in tickets}:
            raise UserFixable(f"There is no ticket {min(unknown)} in this session.", code="ticket-unknown")
        if chosen:
            read_at = datetime.now(UTC)
            tickets = [ticket for ticket in tickets if ticket.id in chosen]
        else:
            read_at = await validations.start(session_id, actor=actor)
    checked = await asyncio.to_thread(_check_all, read_at, tickets)
    return checked.model_copy(update={"all_tickets": not chosen})


async def store(session: AsyncSession, session_id: UUID, checked: Checked, actor: Actor) -> Comparison:
    """Store what was found and say what is different from the last run; safe to repeat."""
    validations = ValidationRepository(session)
    if checked.all_tickets:
        await validations.finish(
            session_id,
            read_at=checked.read_at,
            passed=not checked.failures,
            results={str(ticket): found for ticket, found in checked.failures.items()},
            hashes=checked.hashes,
            actor=actor,
        )
    else:
        await validations.finish_chosen(
            session_id,
            read={**checked.hashes, **checked.read_hashes},
            results=checked.failures,
            actor=actor,
        )
    return await compared(session, session_id)


async def compared(session: AsyncSession, session_id: UUID) -> Comparison:
    """The last validation of a session beside the one before it."""
    row = await ValidationRepository(session).get(session_id)
    tickets = await TicketRepository(session).list_tickets(session_id, brief=True)
    titles = {ticket.id: ticket.title for ticket in tickets}
    found = compare(row.previous_results or {}, row.validation_results)
    problems_ = {UUID(ticket): one for ticket, one in found.items() if UUID(ticket) in titles}
    return Comparison(titles=titles, problems=problems_, first=row.previous_results is None)


def _check_all(read_at: datetime, tickets: Sequence[Ticket]) -> Checked:
    hashes: dict[UUID, str] = {}
    failures: dict[UUID, list[str]] = {}
    for ticket in tickets:
        attachment = _attachment(ticket)
        found = problems(Description(adf=ticket.description, attachment=attachment), ticket.title)
        if found:
            failures[ticket.id] = found
        else:
            hashes[ticket.id] = content_hash(ticket.title, ticket.description, attachment)
    read: Mapping[UUID, str] = {t.id: t.content_hash for t in tickets if t.id in failures}
    return Checked(read_at=read_at, hashes=hashes, failures=failures, read_hashes=dict(read))


def _attachment(ticket: Ticket) -> AttachmentFile | None:
    if ticket.attachment is None:
        return None
    return AttachmentFile(filename=ticket.attachment.filename, content=ticket.attachment.content)
