"""Tickets under review: edited by people, one change at a time and none of them lost."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Integer, Uuid, select, update

from db.actor import Actor
from db.enums import EventCategory, WrittenBy
from db.errors import Changed, Refused
from db.models import Ticket, TicketVersion
from db.repositories.alterations import Alteration, Edit, store_alterations
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

__all__ = ["Assignment", "Content", "Edit", "NewAttachment", "NewTicket", "TicketChanges", "TicketRepository"]

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
        edit = Edit(ticket_id, changes, revision, content, by_person)
        await self.edit_many(session_id, [edit], actor=actor)
        return await self.get(ticket_id)

    async def edit_many(
        self, session_id: uuid.UUID, edits: Sequence[Edit], *, actor: Actor
    ) -> list[uuid.UUID]:
        """Make all these edits or none, in a handful of statements; returns the tickets that really changed.

        Raises what `edit` raises, for the first edit that is not possible.
        """
        if len({edit.ticket_id for edit in edits}) != len(edits):
            raise ValueError("A ticket is edited twice at once; one of them would be lost.")
        for edit in edits:
            check_changes(edit.changes, EDITABLE)
        await self._lock_validation(session_id)
        locked = await lock_tickets(self.session, session_id, [edit.ticket_id for edit in edits])
        tickets = {ticket.id: ticket for ticket in locked}
        found = [Alteration.of(tickets[edit.ticket_id], edit) for edit in edits]
        real = [one for one in found if one.changed or one.rewrites]
        await self._require_editable(real)
        await keep_versions(
            self.session, [one.ticket.id for one in real if one.is_new_version], actor.claimed
        )
        await self._name_authors([one for one in real if one.needs_author])
        await store_alterations(self.session, real)
        if rewritten := {
            one.ticket.id: one.edit.content for one in real if one.edit.content and one.rewrites
        }:
            attachments = {ticket_id: content.attachment for ticket_id, content in rewritten.items()}
            await store_attachments(self.session, session_id, attachments)
            await ValidationRepository(self.session).invalidate(session_id)
        await self._write(
            actor,
            session_id,
            [_edited(one.ticket, "ticket.edited", one.changed, one.revision) for one in real],
        )
        return [one.ticket.id for one in real]

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

    async def _require_editable(self, found: Sequence[Alteration]) -> None:
        for one in found:
            if one.ticket.revision != one.edit.revision:
                raise Changed(f'"{one.ticket.title}" was changed since you read it; read it again.')
            if one.ticket.locked and not one.by_person:
                raise Refused(f'"{one.ticket.title}" is locked and is not rewritten.')
        sent = [one.ticket for one in found if one.changed.keys() - {"ready_for_jira"} or not one.changed]
        await require_not_in_jira(self.session, sent)

    async def _name_authors(self, found: Sequence[Alteration]) -> None:
        """A person, unless they brought back to the letter what a machine had written."""
        query = select(TicketVersion.ticket_id, TicketVersion.written_by, *map(_version_of, PROSE)).where(
            TicketVersion.ticket_id.in_([one.ticket.id for one in found]),
            TicketVersion.written_by != WrittenBy.PERSON,
        )
        machines = list(await self.session.execute(query)) if found else []
        for one in found:
            text = one.prose
            same = (m.written_by for m in machines if m.ticket_id == one.ticket.id and _says(m, text))
            one.changed["written_by"] = (one.ticket.written_by, next(same, WrittenBy.PERSON))

    async def _set_all(self, tickets: Collection[Ticket], values: Mapping[str, Any]) -> None:
        ids = [ticket.id for ticket in tickets]
        await self.session.execute(update(Ticket).where(Ticket.id.in_(ids)).values(**values))

    async def _write(self, actor: Actor, session_id: uuid.UUID, events: Sequence[Event]) -> None:
        await self.audit.write_many(actor, EventCategory.REVIEW, session_id, events)


def _version_of(name: str) -> Any:
    return getattr(TicketVersion, name)


def _says(version: Any, text: Mapping[str, Any]) -> bool:
    return all(getattr(version, name) == value for name, value in text.items())


def _edited(ticket: Ticket, event_type: str, changed: Changes, revision: int | None = None) -> Event:
    return Event(
        event_type,
        f"{ticket.title}: {', '.join(sorted(changed)) or 'description'}",
        entity_type="ticket",
        entity_id=str(ticket.id),
        event_data={"fields": sorted(changed), "revision": revision or ticket.revision},
        detail={
            "before": {name: before for name, (before, _) in changed.items()},
            "after": {name: after for name, (_, after) in changed.items()},
        },
    )
