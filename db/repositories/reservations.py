"""Money set aside before a call is sent: a budget that is checked afterwards is overshot by what is in flight."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import ARRAY, Numeric, Uuid, column, func, insert, literal, or_, select, update

from db.base import NOW, table_of
from db.errors import CancelRequested, OverBudget, StaleAttempt
from db.fence import Fence
from db.models import ModelReservation, Session, SessionTask
from db.repositories.background import mine
from db.repositories.base import Repository
from db.repositories.progress import spent_in


@dataclass(frozen=True, slots=True)
class NewCall:
    """A call that is about to be sent."""

    purpose: str
    ceiling_usd: Decimal


class ReservationRepository(Repository):
    """Reservations of one installation. What is not settled counts at its ceiling, whatever became of it."""

    async def reserve(
        self,
        session_id: uuid.UUID,
        fence: Fence,
        calls: Sequence[NewCall],
        *,
        model: str,
        limit_usd: Decimal,
    ) -> list[uuid.UUID | OverBudget]:
        """Set the ceilings of calls aside; at most `limit_usd` is ever spent or set aside in a session.

        Answers call by call: those that would exceed the limit get OverBudget. Raises StaleAttempt when another run
        has taken over, CancelRequested when a person wants it to stop.
        """
        # Whoever reserves for the same session waits here, in a statement of its own: the sum below must see it.
        await self.session.execute(
            select(func.pg_advisory_xact_lock(func.hashtextextended(f"model money {session_id}", 0)))
        )
        # One statement for all that has to hold; its row is kept from whoever would take over meanwhile.
        cancelled = select(Session.cancel_requested_at.is_not(None)).where(Session.id == session_id)
        query = (
            select(cancelled.scalar_subquery(), spent_in(session_id).scalar_subquery())
            .select_from(SessionTask)
            .where(*mine(session_id, fence.task_id, fence.attempt))
            .with_for_update(read=True, of=SessionTask)
        )
        found = (await self.session.execute(query)).one_or_none()
        if found is None:
            raise StaleAttempt("Another attempt has taken over; this one may not spend.")
        stop, taken = found
        if stop:
            raise CancelRequested(f"Cancelled. Go on with: drupal-tickets session resume {session_id}")
        answers: list[uuid.UUID | OverBudget] = []
        rows = []
        for call in calls:
            if taken + call.ceiling_usd > limit_usd:
                answers.append(_over_budget(taken, call.ceiling_usd, limit_usd))
                continue
            taken += call.ceiling_usd
            answers.append(identifier := uuid.uuid4())
            rows.append({"id": identifier, "purpose": call.purpose, "ceiling_usd": call.ceiling_usd})
        if rows:
            same = {
                "session_id": session_id,
                "task_id": fence.task_id,
                "task_attempt": fence.attempt,
                "model": model,
            }
            await self.session.execute(insert(table_of(ModelReservation)), [{**same, **row} for row in rows])
        return answers

    async def settle(self, spent_usd: Mapping[uuid.UUID, Decimal | None]) -> set[uuid.UUID]:
        """Say what calls cost, None for the ceiling; answers those that were not settled already."""
        table = table_of(ModelReservation)
        ids = literal(list(spent_usd), ARRAY(Uuid))
        amounts = literal(list(spent_usd.values()), ARRAY(Numeric))
        ended = (
            func.unnest(ids, amounts)
            .table_valued(column("id", Uuid), column("spent", Numeric))
            .render_derived()
        )
        query = (
            update(table)
            .where(table.c.id == ended.c.id, table.c.settled_at.is_(None))
            .values(spent_usd=func.coalesce(ended.c.spent, table.c.ceiling_usd), settled_at=NOW)
            .returning(table.c.id)
        )
        return set((await self.session.scalars(query)).all())

    async def settle_those_of_the_dead(self, session_id: uuid.UUID, fence: Fence) -> int:
        """Count what earlier runs of a session left open at its ceiling; returns how many calls those were."""
        query = (
            update(ModelReservation)
            .where(
                ModelReservation.session_id == session_id,
                ModelReservation.settled_at.is_(None),
                or_(
                    ModelReservation.task_id != fence.task_id,
                    ModelReservation.task_attempt != fence.attempt,
                ),
            )
            .values(spent_usd=ModelReservation.ceiling_usd, settled_at=NOW)
            .returning(ModelReservation.id)
        )
        return len((await self.session.scalars(query)).all())


def _over_budget(taken: Decimal, ceiling_usd: Decimal, limit_usd: Decimal) -> OverBudget:
    return OverBudget(
        f"The model may cost {limit_usd:.4f} USD in this session; {taken:.4f} USD are spent or set aside, and the next "
        f"call may take {ceiling_usd:.4f} USD."
    )
