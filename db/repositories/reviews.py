"""Review rounds: a person is asked once per round, and the first decision of a round wins, whichever door it takes."""

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from db.actor import Actor
from db.enums import EventCategory, ReviewDecision
from db.errors import Changed, Refused
from db.models import ReviewRound, SessionValidation
from db.repositories.base import Repository
from db.repositories.recordable import plain_text, recordable

WAITS = timedelta(days=7)


class ReviewRepository(Repository):
    """The rounds of a session's review; a waiting round is a row here, never a running task."""

    async def open_round(
        self, session_id: uuid.UUID, task_id: str | None, *, actor: Actor, waits: timedelta = WAITS
    ) -> ReviewRound:
        """The round that the flow run `task_id` asks in, with the revision of the tickets that it shows.

        The same run gets its own round again, decided or not, as long as that round was not replaced. A round that
        another run still waits in is closed without a decision.
        """
        await self._lock_session(session_id)
        last = await self.latest(session_id)
        if last is not None and last.task_id == task_id and (last.decision or await self._waits(last)):
            return last
        return await self._next_round(session_id, task_id, waits, actor)

    async def renew(
        self, session_id: uuid.UUID, task_id: str | None, *, actor: Actor, waits: timedelta = WAITS
    ) -> ReviewRound:
        """Ask again, in a new round: the tickets changed while the person was thinking."""
        await self._lock_session(session_id)
        return await self._next_round(session_id, task_id, waits, actor)

    async def decide(
        self,
        session_id: uuid.UUID,
        decision: ReviewDecision,
        *,
        actor: Actor,
        note: str = "",
        request: Mapping[str, Any] | None = None,
        round_number: int | None = None,
        revision: int | None = None,
    ) -> ReviewRound:
        """Decide the round that waits, or `round_number`; without a waiting round the decision makes its own.

        Giving the same decision again changes nothing. Raises Refused, naming who was faster, when the round is
        decided otherwise or over, and Changed when an approval is for tickets that have changed since.
        """
        await self._lock_session(session_id)
        validation = await self._lock_validation(session_id)
        waiting = await self._round_to_decide(session_id, round_number)
        if waiting is not None and waiting.decision is not None:
            if waiting.decision is decision and waiting.decided_by == actor.claimed:
                return waiting
            raise Refused(f"{waiting.decided_by} was faster and decided: {waiting.decision}.")
        if waiting is not None and waiting.closed_at is not None:
            raise Refused("This round of the review is over; look at the newest one.")
        seen = revision if revision is not None else waiting.revision if round_number and waiting else None
        if decision is ReviewDecision.APPROVE and seen not in (None, validation.revision):
            raise Changed("The tickets changed since they were shown; look at them again.")
        row = waiting or await self._next_round(session_id, None, WAITS, actor)
        row.decision, row.decided_by, row.note = decision, actor.claimed, plain_text(note)
        row.request = recordable(request or {})
        if seen is None:  # decided by somebody who sees the tickets as they are
            row.revision = validation.revision
        row.decided_at = row.closed_at = func.clock_timestamp()
        await self._save(row)
        after = {"decision": decision, "note": row.note, "request": row.request}
        await self._write(actor, row, "review.decided", f"Decided: {decision}", {"decision": None}, after)
        return row

    async def latest(self, session_id: uuid.UUID) -> ReviewRound | None:
        """The newest round."""
        query = select(ReviewRound).where(ReviewRound.session_id == session_id)
        row: ReviewRound | None = await self._fresh(query.order_by(ReviewRound.round.desc()).limit(1))
        return row

    async def waiting(self, session_id: uuid.UUID) -> ReviewRound | None:
        """The round that waits for a decision; None when there is none or its time is over."""
        query = select(ReviewRound).where(
            ReviewRound.session_id == session_id,
            ReviewRound.closed_at.is_(None),
            ReviewRound.expires_at > func.clock_timestamp(),
        )
        row: ReviewRound | None = await self._fresh(query)
        return row

    async def _round_to_decide(self, session_id: uuid.UUID, number: int | None) -> ReviewRound | None:
        if number is None:
            return await self.waiting(session_id)
        query = select(ReviewRound).where(ReviewRound.session_id == session_id, ReviewRound.round == number)
        row: ReviewRound | None = await self._fresh(query)
        return row

    async def _waits(self, row: ReviewRound) -> bool:
        waiting = await self.waiting(row.session_id)
        return waiting is not None and waiting.id == row.id

    async def _next_round(
        self, session_id: uuid.UUID, task_id: str | None, waits: timedelta, actor: Actor
    ) -> ReviewRound:
        last = await self.latest(session_id)
        if last is not None and last.closed_at is None:
            last.closed_at = func.clock_timestamp()
            await self._save(last)
        query = select(SessionValidation.revision).where(SessionValidation.session_id == session_id)
        row = ReviewRound(
            session_id=session_id,
            round=last.round + 1 if last else 1,
            task_id=task_id,
            revision=await self.session.scalar(query),
            expires_at=func.clock_timestamp() + waits,
        )
        await self._save(row)
        replaced = {"round": last.round, "decision": last.decision} if last else {}
        after = {"round": row.round, "expires_at": row.expires_at}
        await self._write(actor, row, "review.opened", f"Review round {row.round}", replaced, after)
        return row

    async def _write(
        self,
        actor: Actor,
        row: ReviewRound,
        event: str,
        text: str,
        before: Mapping[str, Any],
        after: Mapping[str, Any],
    ) -> None:
        await self.audit.write(
            actor,
            event,
            EventCategory.REVIEW,
            session_id=row.session_id,
            entity_type="review_round",
            entity_id=row.id,
            description=text,
            event_data={"round": row.round, "revision": row.revision, "decision": row.decision},
            detail={"before": before, "after": after},
        )
