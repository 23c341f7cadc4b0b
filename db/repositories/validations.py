"""Whether what would be sent is what was validated."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Text, Uuid, and_, func, or_, select, update

from db.actor import Actor
from db.base import NOW
from db.enums import AdfValidationStatus, EventCategory
from db.models import SessionValidation, Ticket
from db.repositories.base import Repository
from db.repositories.rows import given_rows


class ValidationRepository(Repository):
    """The validation of a session; its row is the lock that makes edits, validation and sending take turns."""

    async def get(self, session_id: uuid.UUID) -> SessionValidation:
        """The last validation and its results."""
        return await self.session.get_one(SessionValidation, session_id, populate_existing=True)

    async def lock(self, session_id: uuid.UUID) -> SessionValidation:
        """Hold off edits, validation and intents of this session until the transaction ends."""
        return await self._lock_validation(session_id)

    async def invalidate(self, session_id: uuid.UUID) -> None:
        """What would be sent has changed. Part of the change that says so, and of its audit entry."""
        await self._lock_validation(session_id)
        await self.session.execute(
            update(SessionValidation)
            .where(SessionValidation.session_id == session_id)
            .values(last_invalidated_at=NOW, revision=SessionValidation.revision + 1)
        )

    async def start(self, session_id: uuid.UUID, *, actor: Actor) -> datetime:
        """Begin a validation and return the time of its read: read the tickets in this same transaction.

        Whoever edits afterwards waits for this transaction and is later than the time returned.
        """
        row = await self._lock_validation(session_id)
        before = _result(row)
        row.validation_status = AdfValidationStatus.PROCESSING
        row.validation_passed = False
        await self.session.flush()
        read_at: datetime = (await self.session.execute(select(func.clock_timestamp()))).scalar_one()
        detail = {"before": before, "after": _result(row)}
        await self._write(actor, session_id, "validation.started", "Validation started", detail=detail)
        return read_at

    async def finish(
        self,
        session_id: uuid.UUID,
        *,
        read_at: datetime,
        passed: bool,
        results: Mapping[str, Any],
        hashes: Mapping[uuid.UUID, str],
        actor: Actor,
    ) -> bool:
        """Store the result of a validation that read at `read_at`; False when a later one is stored already.

        What the last one found is kept beside it, to be compared with. `hashes` holds the content hash of each ticket
        that passed, and of no other: it is the permission to send exactly that.
        """
        await self._lock_session(session_id)
        row = await self._lock_validation(session_id)
        if row.last_validated_at is not None and row.last_validated_at >= read_at:
            return row.last_validated_at == read_at
        before = _result(row)
        row.previous_results = None if row.last_validated_at is None else row.validation_results
        row.validation_status = AdfValidationStatus.COMPLETED
        row.validation_passed = passed
        row.validation_results = dict(results)
        row.last_validated_at = read_at
        await self.session.flush()
        await self._store_hashes(session_id, hashes)
        outcome = "passed" if passed else "found problems"
        data = {"passed": passed, "tickets_passed": len(hashes)}
        detail = {"before": before, "after": _result(row)}
        await self._write(actor, session_id, "validation.finished", f"Validation {outcome}", data, detail)
        return True

    async def finish_chosen(
        self,
        session_id: uuid.UUID,
        *,
        read: Mapping[uuid.UUID, str],
        results: Mapping[uuid.UUID, Any],
        actor: Actor,
    ) -> None:
        """Store the result for some tickets, read with these hashes; only a validation of all opens the gate.

        What became known of a ticket that changed meanwhile is not kept. One that does not pass closes the gate.
        """
        row = await self._lock_validation(session_id)
        now = await self.session.execute(
            select(Ticket.id, Ticket.content_hash).where(Ticket.session_id == session_id, Ticket.id.in_(read))
        )
        known = {ticket_id for ticket_id, content_hash in now if read[ticket_id] == content_hash}
        kept = {key: found for key, found in row.validation_results.items() if uuid.UUID(key) not in known}
        failing = {str(ticket_id): found for ticket_id, found in results.items() if ticket_id in known}
        before = _result(row)
        row.previous_results, row.validation_results = row.validation_results, kept | failing
        row.validation_passed = row.validation_passed and not failing
        await self.session.flush()
        data = {"tickets": len(known), "failing": len(failing)}
        text = f"{len(known) - len(failing)} of {len(known)} chosen tickets passed"
        detail = {"before": before, "after": _result(row)}
        await self._write(actor, session_id, "validation.chosen", text, data, detail)

    async def fail(self, session_id: uuid.UUID, *, actor: Actor) -> None:
        """A validation ended without a result."""
        row = await self._lock_validation(session_id)
        before = _result(row)
        row.validation_status = AdfValidationStatus.FAILED
        row.validation_passed = False
        await self.session.flush()
        detail = {"before": before, "after": _result(row)}
        text = "Validation ended without a result"
        await self._write(actor, session_id, "validation.failed", text, detail=detail)

    async def is_fresh(self, session_id: uuid.UUID) -> bool:
        """Whether the last validation passed and nothing changed since its read; the same instant is stale."""
        fresh = select(
            and_(
                SessionValidation.validation_status == AdfValidationStatus.COMPLETED,
                SessionValidation.validation_passed,
                or_(
                    SessionValidation.last_invalidated_at.is_(None),
                    SessionValidation.last_validated_at > SessionValidation.last_invalidated_at,
                ),
            )
        ).where(SessionValidation.session_id == session_id)
        return bool(await self.session.scalar(fresh))

    async def _store_hashes(self, session_id: uuid.UUID, hashes: Mapping[uuid.UUID, str]) -> None:
        """Tickets without a hash did not pass: what was permitted for them before is withdrawn."""
        passed = given_rows("passed", ticket_id=(Uuid, hashes.keys()), hash=(Text, hashes.values()))
        new = select(passed.c.hash).where(passed.c.ticket_id == Ticket.id).scalar_subquery()
        await self.session.execute(
            update(Ticket)
            .where(Ticket.session_id == session_id)
            .values(validated_hash=new, updated_at=Ticket.updated_at)
            .execution_options(synchronize_session=False)
        )

    async def _write(
        self,
        actor: Actor,
        session_id: uuid.UUID,
        event: str,
        text: str,
        data: Mapping[str, Any] | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        await self.audit.write(
            actor,
            event,
            EventCategory.REVIEW,
            session_id=session_id,
            entity_type="session",
            entity_id=session_id,
            description=text,
            event_data=data,
            detail=detail,
        )


def _result(row: SessionValidation) -> dict[str, Any]:
    return {
        "status": row.validation_status,
        "passed": row.validation_passed,
        "problems": row.validation_results,
    }
