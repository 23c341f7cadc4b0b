"""A ticket as planned and written, and its way into the tables in few statements."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Uuid, delete, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.base import NOW, table_of
from db.enums import EntityGroup, JiraUploadStatus, WrittenBy
from db.models import Attachment, Ticket, TicketDependency
from db.repositories.rows import given_rows


@dataclass(frozen=True, slots=True)
class NewAttachment:
    """The file beside a ticket."""

    filename: str
    content: str


@dataclass(frozen=True, slots=True)
class Content:
    """What would be sent for a ticket, and its hash: built by the caller, for `db` knows nothing of ADF."""

    description: Mapping[str, Any]
    content_hash: str
    attachment: NewAttachment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTicket:
    """One ticket as processing hands it over; `depends_on` names keys of other tickets in the same list."""

    key: str
    position: int
    kind: str
    entity_group: EntityGroup
    title: str
    description: Mapping[str, Any]
    content_hash: str
    plan: Mapping[str, Any]
    csv_source_files: Sequence[Mapping[str, Any]]
    source_hash: str
    written_by: WrittenBy
    action: str = "build"
    story: str = ""
    criteria: Sequence[str] = ()
    prompt_version: str | None = None
    attachment: NewAttachment | None = None
    depends_on: Sequence[str] = ()
    issue_type: str | None = None
    labels: Sequence[str] = ()
    components: Sequence[str] = ()
    priority: str | None = None
    assignee: str | None = None
    sprint: str | None = None


# Written anew when processing runs again; everything else is a person's and starts empty with the ticket.
PLANNED = (
    "position", "kind", "entity_group", "title", "description", "content_hash", "plan", "csv_source_files",
    "source_hash", "written_by", "action", "story", "criteria", "prompt_version", "issue_type", "labels",
    "components", "priority", "assignee", "sprint",
)  # fmt: skip


def ticket_row(session_id: uuid.UUID, ticket: NewTicket) -> dict[str, Any]:
    """The ticket under the names of the table's columns."""
    row = {name: getattr(ticket, name) for name in PLANNED}
    return row | {
        "session_id": session_id,
        "key": ticket.key,
        "user_order": ticket.position,
        "csv_source_files": [dict(source) for source in ticket.csv_source_files],
        "criteria": list(ticket.criteria),
        "labels": list(ticket.labels),
        "components": list(ticket.components),
    }


async def upsert_tickets(session: AsyncSession, session_id: uuid.UUID, tickets: Sequence[NewTicket]) -> None:
    """Insert the tickets, or write them over those of the same key: one round trip, whatever their number."""
    if not tickets:
        return
    statement = insert(table_of(Ticket))
    new = statement.excluded
    replaced = {name: new[name] for name in (*PLANNED, "user_order")}
    fresh_start = {"user_notes": "", "revision": table_of(Ticket).c.revision + 1, "updated_at": NOW}
    await session.execute(
        statement.on_conflict_do_update(index_elements=["session_id", "key"], set_=replaced | fresh_start),
        [ticket_row(session_id, ticket) for ticket in tickets],
    )


async def store_attachments(
    session: AsyncSession, session_id: uuid.UUID, attachments: Mapping[uuid.UUID, NewAttachment | None]
) -> None:
    """Give each ticket its attachment, or take away what it has; a changed file has to be uploaded again."""
    gone = [ticket_id for ticket_id, attachment in attachments.items() if attachment is None]
    if gone:
        await session.execute(delete(Attachment).where(Attachment.ticket_id.in_(gone)))
    rows = [
        {
            "session_id": session_id,
            "ticket_id": ticket_id,
            "filename": attachment.filename,
            "content": attachment.content,
            "file_size_bytes": len(attachment.content.encode()),
        }
        for ticket_id, attachment in attachments.items()
        if attachment is not None
    ]
    if not rows:
        return
    statement = insert(table_of(Attachment))
    new, old = statement.excluded, table_of(Attachment).c
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["ticket_id"],
            set_={
                "filename": new.filename,
                "content": new.content,
                "file_size_bytes": new.file_size_bytes,
                "jira_upload_status": JiraUploadStatus.PENDING.value,
                "jira_attachment_id": None,
                "upload_started_at": None,
            },
            where=tuple_(old.filename, old.content) != tuple_(new.filename, new.content),
        ),
        rows,
    )


async def store_dependencies(
    session: AsyncSession, session_id: uuid.UUID, edges: Sequence[tuple[uuid.UUID, uuid.UUID]]
) -> None:
    """Make these the dependencies of the session; those that stay keep what is known of their links."""
    froms, tos = [edge[0] for edge in edges], [edge[1] for edge in edges]
    wanted = given_rows("wanted", ticket_id=(Uuid, froms), depends_on=(Uuid, tos))
    of_session = select(Ticket.id).where(Ticket.session_id == session_id)
    pair = tuple_(TicketDependency.ticket_id, TicketDependency.depends_on_ticket_id)
    await session.execute(
        delete(TicketDependency)
        .where(TicketDependency.ticket_id.in_(of_session))
        .where(pair.not_in(select(wanted.c.ticket_id, wanted.c.depends_on)))
        .execution_options(synchronize_session=False)
    )
    await session.execute(
        insert(TicketDependency)
        .from_select(["ticket_id", "depends_on_ticket_id"], select(wanted.c.ticket_id, wanted.c.depends_on))
        .on_conflict_do_nothing()
    )
