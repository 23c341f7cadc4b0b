"""Reviews that nobody can answer any more: their time is over, or the run that asked has ended."""

import uuid

from sqlalchemy import func, select

from db.actor import Actor
from db.enums import EventCategory
from db.models import ReviewRound
from db.repositories.base import Repository


class LostReviewRepository(Repository):
    """The open rounds of all sessions, as the reconciler sees them."""

    async def undecided(self) -> list[ReviewRound]:
        """The rounds that nobody has decided, those whose time is over included."""
        query = select(ReviewRound).where(ReviewRound.closed_at.is_(None), ReviewRound.decision.is_(None))
        return list(await self.session.scalars(query.order_by(ReviewRound.opened_at)))

    async def close(self, round_id: uuid.UUID, why: str, *, actor: Actor) -> bool:
        """End a round; False when somebody decided it meanwhile."""
        row = await self.session.get_one(ReviewRound, round_id)
        await self._lock_session(row.session_id)
        await self.session.refresh(row)
        if row.closed_at is not None:
            return False
        row.closed_at = func.clock_timestamp()
        await self._save(row)
        await self.audit.write(
            actor,
            "review.closed",
            EventCategory.REVIEW,
            session_id=row.session_id,
            entity_type="review_round",
            entity_id=row.id,
            description=f"Review round {row.round} is over. {why}",
            event_data={"round": row.round, "revision": row.revision},
            detail={"before": {"closed_at": None}, "after": {"closed_at": row.closed_at}},
        )
        return True
