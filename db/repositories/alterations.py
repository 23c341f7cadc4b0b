"""An edit of a ticket held against the ticket as it is: what it really changes, and its way into the table."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import bindparam, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.base import table_of
from db.enums import WrittenBy
from db.models import Ticket
from db.repositories.new_ticket import Content
from db.repositories.ticket_changes import EDITABLE, PROSE, TicketChanges, difference


class Edit(NamedTuple):
    """A change of a ticket that was read at `revision`; a changed text comes with the content built from it."""

    ticket_id: uuid.UUID
    changes: TicketChanges
    revision: int
    content: Content | None = None
    by_person: bool | None = None


@dataclass(frozen=True, slots=True)
class Alteration:
    """What an edit really changes in its ticket: per field the value before and after, and what would be sent."""

    ticket: Ticket
    edit: Edit
    changed: dict[str, tuple[Any, Any]]

    @classmethod
    def of(cls, ticket: Ticket, edit: Edit) -> "Alteration":
        """Held against the ticket as it is; raises ValueError where the content of a changed text is missing."""
        changed = difference(ticket, edit.changes)
        if PROSE & changed.keys() and edit.content is None:
            raise ValueError("A changed text needs the content that is built from it.")
        return cls(ticket, edit, changed)

    @property
    def rewrites(self) -> bool:
        """Whether what would be sent changes."""
        return self.edit.content is not None and self.edit.content.content_hash != self.ticket.content_hash

    @property
    def is_new_version(self) -> bool:
        """Whether the ticket as it is has to be kept beside what it becomes."""
        return bool(PROSE & self.changed.keys()) or self.rewrites

    @property
    def by_person(self) -> bool:
        """Whether a person makes it; told by `written_by` where it is not said."""
        if self.edit.by_person is not None:
            return self.edit.by_person
        return self.edit.changes.get("written_by", WrittenBy.PERSON) is WrittenBy.PERSON

    @property
    def needs_author(self) -> bool:
        """Whether it has to be found out who wrote the text as it becomes."""
        return bool(PROSE & self.changed.keys()) and "written_by" not in self.edit.changes

    @property
    def prose(self) -> dict[str, Any]:
        """The text as it becomes."""
        return {name: self.after(name) for name in PROSE}

    @property
    def revision(self) -> int:
        """The ticket's revision afterwards."""
        return self.ticket.revision + self.is_new_version

    def after(self, name: str) -> Any:
        """A field as it becomes."""
        return self.changed[name][1] if name in self.changed else getattr(self.ticket, name)


async def store_alterations(session: AsyncSession, altered: Sequence[Alteration]) -> None:
    """Write them in two statements, whatever their number; the tickets' rows are locked."""
    fields = [
        {"altered": one.ticket.id, "revision": one.revision, **{name: one.after(name) for name in EDITABLE}}
        for one in altered
    ]
    contents = [
        {
            "altered": one.ticket.id,
            "description": dict(one.edit.content.description),
            "content_hash": one.edit.content.content_hash,
        }
        for one in altered
        if one.edit.content is not None and one.rewrites
    ]
    for rows in (fields, contents):
        await _update(session, rows)


async def _update(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        return
    tickets = table_of(Ticket)
    values = {name: bindparam(name, type_=tickets.c[name].type) for name in rows[0] if name != "altered"}
    statement = update(tickets).where(tickets.c.id == bindparam("altered")).values(values)
    await session.execute(statement, [dict(row) for row in rows])
