"""Tickets as they are stored: replaced as a whole by processing, and read by everybody."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import aliased, defer, joinedload

from db.actor import Actor
from db.enums import EntityGroup, EventCategory
from db.errors import NotFound
from db.models import Attachment, Session, Ticket, TicketDependency, TicketVersion
from db.repositories.audit import Event
from db.repositories.base import Repository
from db.repositories.new_ticket import NewTicket, store_attachments, store_dependencies, upsert_tickets
from db.repositories.ticket_changes import keep_versions, require_not_in_jira
from db.repositories.unedited import unedited_share
from db.repositories.validations import ValidationRepository

WHOLE = (joinedload(Ticket.attachment),)
BRIEF = (
    defer(Ticket.description, raiseload=True),
    defer(Ticket.plan, raiseload=True),
    joinedload(Ticket.attachment).defer(Attachment.content, raiseload=True),
)
COMPARED = ("content_hash", "source_hash", "position", "story", "written_by")


class StoredTickets(Repository):
    """The tickets of a session. Every change takes the lock of the session's validation first."""

    async def lock(self, session_id: uuid.UUID) -> None:
        """Hold off every other change of the session's tickets until the transaction ends."""
        await self._lock_validation(session_id)

    async def get(self, ticket_id: uuid.UUID, session_id: uuid.UUID | None = None) -> Ticket:
        """One ticket with its attachment; NotFound when it is not there or not of this session."""
        query = select(Ticket).where(Ticket.id == ticket_id).options(joinedload(Ticket.attachment))
        if session_id is not None:
            query = query.where(Ticket.session_id == session_id)
        ticket: Ticket | None = await self._fresh(query)
        if ticket is None:
            raise NotFound(f"There is no ticket {ticket_id}.")
        return ticket

    async def list_tickets(
        self, session_id: uuid.UUID, *, group: EntityGroup | None = None, brief: bool = False
    ) -> list[Ticket]:
        """All tickets, or those of a group, with their attachments, in the order of work.

        `brief` leaves out what is large and only one ticket at a time is read for: description, plan and the text of
        the file.
        """
        query = (
            select(Ticket)
            .where(Ticket.session_id == session_id)
            .options(*(BRIEF if brief else WHOLE))
            .order_by(Ticket.user_order, Ticket.position, Ticket.key)
            .execution_options(populate_existing=True)
        )
        if group is not None:
            query = query.where(Ticket.entity_group == group)
        return list(await self.session.scalars(query))

    async def versions(self, ticket_id: uuid.UUID, session_id: uuid.UUID) -> list[TicketVersion]:
        """What the ticket said before, newest first."""
        query = (
            select(TicketVersion)
            .join(Ticket, Ticket.id == TicketVersion.ticket_id)
            .where(Ticket.id == ticket_id, Ticket.session_id == session_id)
            .order_by(TicketVersion.revision.desc())
        )
        return list(await self.session.scalars(query))

    async def dependencies(self, session_id: uuid.UUID) -> dict[uuid.UUID, list[uuid.UUID]]:
        """Per ticket that has any, what must be built first."""
        query = (
            select(TicketDependency.ticket_id, TicketDependency.depends_on_ticket_id)
            .join(Ticket, Ticket.id == TicketDependency.depends_on_ticket_id)
            .where(Ticket.session_id == session_id)
            .order_by(Ticket.user_order, Ticket.key)
        )
        found: dict[uuid.UUID, list[uuid.UUID]] = {}
        for ticket_id, depends_on in await self.session.execute(query):
            found.setdefault(ticket_id, []).append(depends_on)
        return found

    async def plans_waited_for(self, session_id: uuid.UUID) -> dict[uuid.UUID, list[dict[str, Any]]]:
        """Per ticket that waits for any, the plans of those tickets: key, name, subject and action of each."""
        first = aliased(Ticket)
        plan = {part: first.plan[part] for part in ("name", "subject", "action")}
        query = (
            select(TicketDependency.ticket_id, first.key, *plan.values())
            .join(first, first.id == TicketDependency.depends_on_ticket_id)
            .where(first.session_id == session_id)
            .order_by(first.user_order, first.key)
        )
        found: dict[uuid.UUID, list[dict[str, Any]]] = {}
        for ticket_id, key, *values in await self.session.execute(query):
            found.setdefault(ticket_id, []).append({"key": key, **dict(zip(plan, values, strict=True))})
        return found

    async def attachments(self, session_id: uuid.UUID) -> list[Attachment]:
        """The files beside the tickets."""
        query = select(Attachment).where(Attachment.session_id == session_id).order_by(Attachment.filename)
        return list(await self.session.scalars(query.execution_options(populate_existing=True)))

    async def unedited_share(self, session_id: uuid.UUID) -> float:
        """The share of tickets whose content no person changed: of those in Jira, or of all before the export."""
        share = await self.session.scalar(select(unedited_share()).where(Ticket.session_id == session_id))
        return float(share or 0)

    async def replace_all(
        self, session_id: uuid.UUID, tickets: Sequence[NewTicket], *, actor: Actor
    ) -> dict[str, uuid.UUID]:
        """Make these the tickets of the session, known by their keys, with attachments and dependencies.

        Running it again with the same list changes nothing. What is replaced is kept as a version. Refused when a
        ticket that would change or go is in Jira, or may be. Returns the id of each key.
        """
        await self._lock_session(session_id)
        await self._lock_validation(session_id)
        existing = {ticket.key: ticket for ticket in await self.list_tickets(session_id)}
        new = [ticket for ticket in tickets if not _same(existing.get(ticket.key), ticket)]
        gone = [existing[key] for key in existing.keys() - {ticket.key for ticket in tickets}]
        replaced = [existing[ticket.key] for ticket in new if ticket.key in existing]
        await require_not_in_jira(self.session, gone + replaced)
        await keep_versions(self.session, [ticket.id for ticket in replaced], actor.claimed)
        await self.session.execute(delete(Ticket).where(Ticket.id.in_([ticket.id for ticket in gone])))
        await upsert_tickets(self.session, session_id, new)
        ids = await self._ids(session_id)
        await store_attachments(
            self.session, session_id, {ids[ticket.key]: ticket.attachment for ticket in new}
        )
        edges = [(ids[ticket.key], ids[key]) for ticket in tickets for key in ticket.depends_on]
        await store_dependencies(self.session, session_id, edges)
        if new or gone:
            detail = {"before": _titles(existing.values()), "after": _titles(tickets)}
            await self._all_replaced(session_id, len(tickets), len(new), len(gone), detail, actor)
        return ids

    async def _ids(self, session_id: uuid.UUID) -> dict[str, uuid.UUID]:
        rows = await self.session.execute(
            select(Ticket.key, Ticket.id).where(Ticket.session_id == session_id)
        )
        return dict(rows.tuples().all())

    async def _all_replaced(
        self,
        session_id: uuid.UUID,
        total: int,
        written: int,
        gone: int,
        detail: Mapping[str, Any],
        actor: Actor,
    ) -> None:
        await self.session.execute(
            update(Session).where(Session.id == session_id).values(total_tickets_generated=total)
        )
        await ValidationRepository(self.session).invalidate(session_id)
        event = Event(
            "tickets.generated",
            f"{total} tickets stored",
            entity_type="session",
            entity_id=str(session_id),
            event_data={"tickets": total, "written": written, "gone": gone},
            detail=detail,
        )
        await self.audit.write_many(actor, EventCategory.PROCESSING, session_id, [event])


def _titles(tickets: Iterable[Ticket | NewTicket]) -> dict[str, str]:
    """The tickets by name: their texts are kept as versions."""
    return {ticket.key: ticket.title for ticket in tickets}


def _same(old: Ticket | None, new: NewTicket) -> bool:
    """Whether the stored ticket says already what processing wrote."""
    return old is not None and all(getattr(old, name) == getattr(new, name) for name in COMPARED)
