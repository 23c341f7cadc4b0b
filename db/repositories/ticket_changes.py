"""What a change of tickets has to respect: what may be changed, what is in Jira, what is kept of the past."""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, TypedDict

from sqlalchemy import insert, literal, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from db.enums import IntentStatus, WrittenBy
from db.errors import InJira, NotFound, Refused
from db.models import MAX_TITLE, Attachment, SendIntent, Ticket, TicketVersion
from db.repositories.recordable import UNSTORABLE


class Assignment(TypedDict, total=False):
    """Fields of the issue that are not content: changing them does not ask for a new validation."""

    sprint: str | None
    assignee: str | None
    issue_type: str | None
    labels: list[str]
    components: list[str]
    priority: str | None
    ready_for_jira: bool


class TicketChanges(Assignment, total=False):
    """Everything that an edit may change; the reference table is not among it, for the spec is its source."""

    title: str
    story: str
    criteria: list[str]
    user_notes: str
    written_by: WrittenBy
    prompt_version: str | None


ASSIGNABLE = frozenset(Assignment.__annotations__)
PROSE = frozenset({"title", "story", "criteria", "user_notes"})
EDITABLE = frozenset(TicketChanges.__annotations__)
VERSIONED = (
    "revision", "title", "story", "criteria", "user_notes", "description", "content_hash", "written_by",
    "prompt_version",
)  # fmt: skip


_NAMED = 5  # of many tickets that are in Jira


def check_changes(changes: Mapping[str, Any], allowed: Collection[str]) -> None:
    """Refuse what the table could not hold, in words for people."""
    if unknown := set(changes) - set(allowed):
        raise Refused(f"This cannot be changed: {', '.join(sorted(unknown))}.")
    title = changes.get("title")
    if title is not None and not 1 <= len(title) <= MAX_TITLE:
        raise Refused(f"A title has 1 to {MAX_TITLE} characters; this one has {len(title)}.")
    if any(UNSTORABLE.search(text) for text in _texts(changes.values())):
        raise Refused("The text contains a NUL character or half of a character, which cannot be stored.")


def difference(ticket: Ticket, changes: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Per field that would really change, the value before and after."""
    return {
        name: (getattr(ticket, name), value)
        for name, value in changes.items()
        if getattr(ticket, name) != value
    }


async def lock_tickets(
    session: AsyncSession, session_id: uuid.UUID, ticket_ids: Collection[uuid.UUID]
) -> list[Ticket]:
    """The tickets, less their large parts, their rows locked in one order; NotFound when one is of another session."""
    query = (
        select(Ticket)
        .options(defer(Ticket.description), defer(Ticket.plan))
        .where(Ticket.session_id == session_id, Ticket.id.in_(ticket_ids))
        .order_by(Ticket.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    found = list(await session.scalars(query))
    if missing := set(ticket_ids) - {ticket.id for ticket in found}:
        raise NotFound(f"There is no ticket {min(missing)} in session {session_id}.")
    return found


async def require_not_in_jira(session: AsyncSession, tickets: Sequence[Ticket]) -> None:
    """Refuse to change what is in Jira or may be, naming all of it: nobody would see there what was changed here."""
    open_intents = select(SendIntent.ticket_id).where(
        SendIntent.ticket_id.in_([ticket.id for ticket in tickets]), SendIntent.status == IntentStatus.OPEN
    )
    sent = set(await session.scalars(open_intents))
    there = [
        f'"{ticket.title}" is in Jira as {ticket.jira_ticket_key}; change it there.'
        if ticket.jira_ticket_key is not None
        else f'"{ticket.title}" was sent to Jira and may be there; run the export to learn its issue.'
        for ticket in tickets
        if ticket.jira_ticket_key is not None or ticket.id in sent
    ]
    if there:
        more = [f"So it is with {len(there) - _NAMED} more."] if len(there) > _NAMED else []
        raise InJira(" ".join(there[:_NAMED] + more))


async def keep_versions(session: AsyncSession, ticket_ids: Collection[uuid.UUID], replaced_by: str) -> None:
    """Store the tickets as they are now beside the tickets as they will be."""
    before = (
        select(
            Ticket.id,
            *(getattr(Ticket, name) for name in VERSIONED),
            Attachment.filename,
            Attachment.content,
            literal(replaced_by),
        )
        .outerjoin(Attachment, Attachment.ticket_id == Ticket.id)
        .where(Ticket.id.in_(ticket_ids))
    )
    columns = ["ticket_id", *VERSIONED, "attachment_filename", "attachment_content", "replaced_by"]
    await session.execute(insert(TicketVersion).from_select(columns, before))


def _texts(values: Iterable[Any]) -> Iterable[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            yield from value
