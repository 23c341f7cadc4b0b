"""How far a session has come and what it has cost, each in one cheap query: asked again and again while a run works."""

import uuid
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Select, func, select

from db.enums import EntityGroup, SessionStage, SessionStatus
from db.errors import NotFound
from db.models import ModelReservation, Session, Ticket
from db.repositories.base import Repository


@dataclass(frozen=True, slots=True)
class Counts:
    """Where a session stands, in numbers."""

    stage: SessionStage
    status: SessionStatus
    tickets: int
    in_jira: int


class ProgressRepository(Repository):
    """Numbers of one session."""

    async def counts(self, session_id: uuid.UUID) -> Counts:
        """Stage, status and how many tickets there are, here and in Jira."""
        query = (
            select(
                Session.current_stage,
                Session.status,
                func.count(Ticket.id),
                func.count(Ticket.jira_ticket_key),
            )
            .outerjoin(Ticket, Ticket.session_id == Session.id)
            .where(Session.id == session_id)
            .group_by(Session.id)
        )
        row = (await self.session.execute(query)).one_or_none()
        if row is None:
            raise NotFound(f"There is no session {session_id}.")
        return Counts(*row)

    async def last_group_in_jira(self, session_id: uuid.UUID) -> EntityGroup | None:
        """The part of the site that the last created issue belongs to."""
        query = select(Ticket.entity_group).where(
            Ticket.session_id == session_id, Ticket.jira_ticket_key.is_not(None)
        )
        group: EntityGroup | None = await self.session.scalar(
            query.order_by(Ticket.user_order.desc()).limit(1)
        )
        return group

    async def spent_usd(self, session_id: uuid.UUID) -> Decimal:
        """What the model has cost; a call that is not settled counts at its ceiling."""
        return await self.session.scalar(spent_in(session_id)) or Decimal(0)


def spent_in(session_id: uuid.UUID) -> Select[tuple[Decimal]]:
    """The query for what a session has spent or set aside."""
    cost = func.coalesce(ModelReservation.spent_usd, ModelReservation.ceiling_usd)
    return select(func.coalesce(func.sum(cost), 0)).where(ModelReservation.session_id == session_id)
