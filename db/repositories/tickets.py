"""Tickets under review: edited by people, one change at a time and none of them lost."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Integer, Uuid, select, update

from db.actor import Actor
from db.enums import EventCategory, WrittenBy
from db.errors import Changed, Refused
from db.models import Ticket, TicketVersion
from db.repositories.audit import Event
from db.repositories.new_ticket import Content, NewAttachment, NewTicket, store_attachments
from db.repositories.rows import given_rows
from db.repositories.stored_tickets import StoredTickets
from db.repositories.ticket_changes import (
    ASSIGNABLE,
    EDITABLE,
    PROSE,
    Assignment,
    TicketChanges,
    check_changes,
    difference,
    keep_versions,
    lock_tickets,
    require_not_in_jira,
)
from db.repositories.validations import ValidationRepository

__all__ = ["Assignment", "Content", "NewAttachment", "NewTicket", "TicketChanges", "TicketRepository"]

Changes = Mapping[str, tuple[Any, Any]]  # per field, before and after


class TicketRepository(StoredTickets):
    """Everything about tickets but their dependencies."""

    async def edit(
        self,
        ticket_id: uuid.UUID,
        session_id: uuid.UUID,
        changes: TicketChanges,
        *,
        revision: int,
        actor: Actor,
        content: Content | None = None,
        by_person: bool | None = None,
    ) -> Ticket:
        """Change a ticket that was read at `revision`; a change that changes nothing does nothing.

        A change of title, story, criteria or notes comes with the `content` built from the changed ticket, makes
        the session's validation stale, and keeps the ticket as it was. Raises Changed when somebody was faster,
        InJira when the ticket is in Jira or may be, Refused for what cannot be stored and when something else than
        a person would rewrite a locked ticket. Whether a person does is told by `written_by` where it is not said.
        """
        check_changes(changes, EDITABLE)
        await self._lock_validation(session_id)
        [ticket] = await lock_tickets(self.session, session_id, [ticket_id])
        changed = difference(ticket, changes)
        rewritten = content is not None and content.content_hash != ticket.content_hash
        if not changed and not rewritten:
            return await self.get(ticket_id)
        if PROSE & changed.keys() and content is None:
            raise ValueError("A changed text needs the content that is built from it.")
        if by_person is None:
            by_person = changes.get("written_by", WrittenBy.PERSON) is WrittenBy.PERSON
        await self._require_editable(ticket, changed, revision, by_person)
        if PROSE & changed.keys() or rewritten:
            await keep_versions(self.session, [ticket_id], actor.claimed)
            ticket.revision += 1
        if PROSE & changed.keys() and "written_by" not in changes:
            changed["written_by"] = (ticket.written_by, await self._author(ticket, changed))
        for name, (_, after) in changed.items():
            setattr(ticket, name, after)
        if content is not None and rewritten:
            await self._rewrite(ticket, content)
        await self.session.flush()
        await self._write(actor, session_id, [_edited(ticket, "ticket.edited", changed)])
        return await self.get(ticket_id)

    async def assign(
        self,
        session_id: uuid.UUID,
        ticket_ids: Collection[uuid.UUID],
        values: Assignment,
        *,
        actor: Actor,
    ) -> list[uuid.UUID]:
        """Set sprint, assignee and the like on many tickets at once; returns those that really changed."""
        check_changes(values, ASSIGNABLE)
        await self._lock_validation(session_id)
        tickets = await lock_tickets(self.session, session_id, ticket_ids)
        changed = {ticket.id: difference(ticket, values) for ticket in tickets if difference(ticket, values)}
        affected = [ticket for ticket in tickets if ticket.id in changed]
        if values.keys() - {"ready_for_jira"}:
            await require_not_in_jira(self.session, affected)
        await self._set_all(affected, dict(values))
        events = [_edited(ticket, "ticket.assigned", changed[ticket.id]) for ticket in affected]
        await self._write(actor, session_id, events)
        return list(changed)

    async def set_locked(
        self, session_id: uuid.UUID, ticket_ids: Collection[uuid.UUID], locked: bool, *, actor: Actor
    ) -> None:
        """Keep tickets from being rewritten by anything but a person, or let them be again."""
        await self._lock_validation(session_id)
        tickets = await lock_tickets(self.session, session_id, ticket_ids)
        affected = [ticket for ticket in tickets if ticket.locked is not locked]
        await self._set_all(affected, {"locked": locked})
        event = "ticket.locked" if locked else "ticket.unlocked"
        await self._write(
            actor,
            session_id,
            [_edited(ticket, event, {"locked": (not locked, locked)}) for ticket in affected],
        )

    async def order(self, session_id: uuid.UUID, ticket_ids: Sequence[uuid.UUID], *, actor: Actor) -> None:
        """Put tickets of one group into this order; they share out the places that they have between them."""
        await self._lock_validation(session_id)
        tickets = await lock_tickets(self.session, session_id, ticket_ids)
        if len(set(ticket_ids)) != len(ticket_ids):
            raise Refused("A ticket is named twice in the order.")
        if len({ticket.entity_group for ticket in tickets}) > 1:
            raise Refused("The tickets are not of one group; order each group by itself.")
        places = sorted(ticket.user_order for ticket in tickets)
        before = {ticket.id: ticket.user_order for ticket in tickets}
        moved = {
            ticket_id: place
            for ticket_id, place in zip(ticket_ids, places, strict=True)
            if before[ticket_id] != place
        }
        if not moved:
            return
        new = given_rows("new", ticket_id=(Uuid, moved.keys()), place=(Integer, moved.values()))
        await self.session.execute(
            update(Ticket)
            .where(Ticket.id == new.c.ticket_id)
            .values(user_order=new.c.place)
            .execution_options(synchronize_session=False)
        )
        of = {ticket.id: ticket for ticket in tickets}
        events = [
            _edited(of[ticket_id], "ticket.ordered", {"user_order": (before[ticket_id], place)})
            for ticket_id, place in moved.items()
        ]
        await self._write(actor, session_id, events)

    async def _require_editable(
        self, ticket: Ticket, changed: Changes, revision: int, by_person: bool
    ) -> None:
        if ticket.revision != revision:
            raise Changed(f'"{ticket.title}" was changed since you read it; read it again.')
        if ticket.locked and not by_person:
            raise Refused(f'"{ticket.title}" is locked and is not rewritten.')
        if changed.keys() - {"ready_for_jira"} or not changed:
            await require_not_in_jira(self.session, [ticket])

    async def _author(self, ticket: Ticket, changed: Changes) -> WrittenBy:
        """A person, unless they brought back to the letter what a machine had written."""
        text = {name: changed[name][1] if name in changed else getattr(ticket, name) for name in PROSE}
        query = select(TicketVersion.written_by).where(
            TicketVersion.ticket_id == ticket.id,
            TicketVersion.written_by != WrittenBy.PERSON,
            *(getattr(TicketVersion, name) == value for name, value in text.items()),
        )
        return await self.session.scalar(query.limit(1)) or WrittenBy.PERSON

    async def _rewrite(self, ticket: Ticket, content: Content) -> None:
        """Description and attachment change together: the file may come or go with the length of the text."""
        ticket.description = dict(content.description)
        ticket.content_hash = content.content_hash
        await store_attachments(self.session, ticket.session_id, {ticket.id: content.attachment})
        await ValidationRepository(self.session).invalidate(ticket.session_id)

    async def _set_all(self, tickets: Collection[Ticket], values: Mapping[str, Any]) -> None:
        ids = [ticket.id for ticket in tickets]
        await self.session.execute(update(Ticket).where(Ticket.id.in_(ids)).values(**values))

    async def _write(self, actor: Actor, session_id: uuid.UUID, events: Sequence[Event]) -> None:
        await self.audit.write_many(actor, EventCategory.REVIEW, session_id, events)


def _edited(ticket: Ticket, event_type: str, changed: Changes) -> Event:
    return Event(
        event_type,
        f"{ticket.title}: {', '.join(sorted(changed)) or 'description'}",
        entity_type="ticket",
        entity_id=str(ticket.id),
        event_data={"fields": sorted(changed), "revision": ticket.revision},
        detail={
            "before": {name: before for name, (before, _) in changed.items()},
            "after": {name: after for name, (_, after) in changed.items()},
        },
    )
