"""The tickets of a session as the graph that its picture is drawn from."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.repositories.sessions import SessionRepository
from db.repositories.tickets import TicketRepository
from tasks.core.tickets.waves import Graph, Node


async def read_graph(session: AsyncSession, session_id: UUID) -> Graph:
    """Tickets in the order of work, what waits for what now, and the references that gave way when it was planned."""
    record = await SessionRepository(session).get(session_id)
    tickets = TicketRepository(session)
    stored = await tickets.list_tickets(session_id)
    waits = await tickets.dependencies(session_id)
    keys = {ticket.id: ticket.key for ticket in stored}
    return Graph.of(
        [Node(key=ticket.key, title=ticket.title, group=ticket.entity_group) for ticket in stored],
        [(keys[ticket], keys[other]) for ticket, others in waits.items() for other in others],
        [(ticket, other) for ticket, other in record.given_way],
    )
