"""Which ticket has to be built before which: no ticket before itself, whatever the way round."""

import uuid
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from db.actor import Actor
from db.enums import EventCategory
from db.errors import Refused
from db.models import Ticket, TicketDependency
from db.repositories.audit import Event
from db.repositories.stored_tickets import StoredTickets
from db.repositories.ticket_changes import lock_tickets

Edges = Mapping[uuid.UUID, Sequence[uuid.UUID]]


class DependencyRepository(StoredTickets):
    """Dependencies between the tickets of a session."""

    async def link(
        self, session_id: uuid.UUID, ticket_id: uuid.UUID, depends_on: uuid.UUID, *, actor: Actor
    ) -> bool:
        """Let a ticket wait for another one; False when it does so already. A cycle is refused with its path."""
        await self._lock_validation(session_id)
        if ticket_id == depends_on:
            raise Refused("A ticket cannot depend on itself.")
        tickets = await lock_tickets(self.session, session_id, [ticket_id, depends_on])
        if way := path(await self.dependencies(session_id), depends_on, ticket_id):
            titles = {ticket.id: ticket.title for ticket in await self.list_tickets(session_id)}
            cycle = " → ".join(f'"{titles[step]}"' for step in (ticket_id, *way))
            raise Refused(f"This would close a cycle, each depending on the next: {cycle}.")
        if not await self._add(ticket_id, depends_on):
            return False
        await self._linked(actor, "ticket.linked", tickets, ticket_id, depends_on)
        return True

    async def unlink(
        self, session_id: uuid.UUID, ticket_id: uuid.UUID, depends_on: uuid.UUID, *, actor: Actor
    ) -> bool:
        """Take a dependency away; False when there was none."""
        await self._lock_validation(session_id)
        tickets = await lock_tickets(self.session, session_id, [ticket_id, depends_on])
        if not await self._remove(ticket_id, depends_on):
            return False
        await self._linked(actor, "ticket.unlinked", tickets, ticket_id, depends_on)
        return True

    async def _add(self, ticket_id: uuid.UUID, depends_on: uuid.UUID) -> bool:
        statement = (
            insert(TicketDependency)
            .values(ticket_id=ticket_id, depends_on_ticket_id=depends_on)
            .on_conflict_do_nothing()
            .returning(TicketDependency.ticket_id)
        )
        return await self.session.scalar(statement) is not None

    async def _remove(self, ticket_id: uuid.UUID, depends_on: uuid.UUID) -> bool:
        statement = (
            delete(TicketDependency)
            .where(
                TicketDependency.ticket_id == ticket_id, TicketDependency.depends_on_ticket_id == depends_on
            )
            .returning(TicketDependency.ticket_id)
        )
        return await self.session.scalar(statement) is not None

    async def _linked(
        self, actor: Actor, event_type: str, tickets: Sequence[Ticket], ticket_id: uuid.UUID, other: uuid.UUID
    ) -> None:
        of = {ticket.id: ticket for ticket in tickets}
        event = Event(
            event_type,
            f"{of[ticket_id].title}: {of[other].title} first",
            entity_type="ticket",
            entity_id=str(ticket_id),
            event_data={"depends_on": other},
            detail={
                "before": {"waits": event_type == "ticket.unlinked"},
                "after": {"waits": event_type == "ticket.linked"},
            },
        )
        await self.audit.write_many(actor, EventCategory.REVIEW, of[ticket_id].session_id, [event])


def path(edges: Edges, start: uuid.UUID, goal: uuid.UUID) -> list[uuid.UUID] | None:
    """The shortest way along the dependencies from `start` to `goal`; None when there is none."""
    came_from: dict[uuid.UUID, uuid.UUID | None] = {start: None}
    level = [start]
    while level and goal not in came_from:
        level = [found for ticket in level for found in _unseen(edges.get(ticket, ()), ticket, came_from)]
    if goal not in came_from:
        return None
    steps: list[uuid.UUID] = []
    step: uuid.UUID | None = goal
    while step is not None:
        steps.append(step)
        step = came_from[step]
    return steps[::-1]


def _unseen(
    candidates: Iterable[uuid.UUID], ticket: uuid.UUID, came_from: dict[uuid.UUID, uuid.UUID | None]
) -> Iterable[uuid.UUID]:
    for candidate in candidates:
        if candidate not in came_from:
            came_from[candidate] = ticket
            yield candidate
