"""Money set aside before a call is sent: a budget that is checked afterwards is overshot by what is in flight."""

import uuid
from decimal import Decimal

from sqlalchemy import func, insert, or_, select, update

from db.base import NOW, table_of
from db.errors import CancelRequested, OverBudget, StaleAttempt
from db.fence import Fence
from db.models import ModelReservation, Session, SessionTask
from db.repositories.background import mine
from db.repositories.base import Repository
from db.repositories.progress import spent_in


class ReservationRepository(Repository):
    """Reservations of one installation. What is not settled counts at its ceiling, whatever became of it."""

    async def reserve(
        self,
        session_id: uuid.UUID,
        fence: Fence,
        *,
        model: str,
        purpose: str,
        ceiling_usd: Decimal,
        limit_usd: Decimal,
    ) -> uuid.UUID:
        """Set the ceiling of one call aside; at most `limit_usd` is ever spent or set aside in a session.

        Raises StaleAttempt when another run has taken over, CancelRequested when a person wants it to stop, and
        OverBudget.
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
        if taken + ceiling_usd > limit_usd:
            raise OverBudget(
                f"The model may cost {limit_usd:.4f} USD in this session; {taken:.4f} USD are spent or set aside, and "
                f"the next call may take {ceiling_usd:.4f} USD."
            )
        identifier = uuid.uuid4()
        await self.session.execute(
            insert(table_of(ModelReservation)).values(
                id=identifier,
                session_id=session_id,
                task_id=fence.task_id,
                task_attempt=fence.attempt,
                model=model,
                purpose=purpose,
                ceiling_usd=ceiling_usd,
            )
        )
        return identifier

    async def settle(self, reservation_id: uuid.UUID, spent_usd: Decimal | None) -> bool:
        """Say what a call cost, None for its ceiling; False when it was settled already."""
        table = table_of(ModelReservation)
        spent = table.c.ceiling_usd if spent_usd is None else spent_usd
        query = (
            update(table)
            .where(table.c.id == reservation_id, table.c.settled_at.is_(None))
            .values(spent_usd=spent, settled_at=NOW)
            .returning(table.c.id)
        )
        return await self.session.scalar(query) is not None

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
