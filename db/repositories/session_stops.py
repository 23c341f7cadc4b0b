"""How a session stops: cancelled for now, closed, deleted."""

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.actor import Actor
from db.enums import AuditLevel, EventCategory, IntentStatus, SessionStatus, TaskStatus
from db.errors import AlreadyRunning, Refused
from db.models import SendIntent, Session, SessionTask
from db.repositories.base import Repository
from db.repositories.snapshots import difference, snapshot

# Large, or changed with every write.
UNTOLD = {"findings", "scope_counts", "held", "given_way", "writing", "updated_at"}


class SessionStops(Repository):
    """The part of the sessions' repository that ends work."""

    def __init__(self, session: AsyncSession) -> None:
        super().__init__(session)
        self._known: dict[uuid.UUID, dict[str, Any]] = {}

    async def _lock_session(self, session_id: uuid.UUID) -> Session:
        record = await super()._lock_session(session_id)
        self._known[session_id] = snapshot(record, UNTOLD)
        return record

    async def request_cancel(self, session_id: uuid.UUID, *, actor: Actor) -> None:
        """Ask the running work to stop before its next side effect."""
        record = await self._lock_session(session_id)
        if record.cancel_requested_at is not None:
            return
        record.cancel_requested_at = func.clock_timestamp()
        await self._save(record)
        await self._write(actor, record, "session.cancel_requested", "Cancel requested")

    async def clear_cancel(self, session_id: uuid.UUID, *, actor: Actor) -> None:
        """Let work go on again."""
        record = await self._lock_session(session_id)
        if record.cancel_requested_at is None:
            return
        record.cancel_requested_at = None
        await self.session.flush()
        await self._write(actor, record, "session.cancel_cleared", "Work may go on")

    async def cancel_requested(self, session_id: uuid.UUID) -> bool:
        """Whether somebody asked for the work to stop."""
        query = select(Session.cancel_requested_at.is_not(None)).where(Session.id == session_id)
        return bool(await self.session.scalar(query))

    async def close(self, session_id: uuid.UUID, *, actor: Actor) -> Session:
        """Give the session up; refused while a run works on it."""
        record = await self._lock_session(session_id)
        if record.status is SessionStatus.COMPLETED:
            return record
        await self._require_idle(session_id)
        return await self._finish(actor, record, "session.closed", "Session given up")

    async def delete(self, session_id: uuid.UUID, *, actor: Actor) -> None:
        """Remove the session and all that is its own; its audit trail and export records stay.

        Refused while a run works on it or nobody knows whether a ticket reached Jira.
        """
        record = await self._lock_session(session_id)
        await self._lock_validation(session_id)
        await self._require_idle(session_id)
        if await self.session.scalar(select(has_open_intent(session_id))):
            raise Refused("Some tickets may be in Jira without our knowing; run the export again first.")
        data = {
            "site_name": record.site_name,
            "project": record.jira_project_key,
            "stage": record.current_stage,
        }
        await self._write(actor, record, "session.deleted", f"Session for {record.site_name} deleted", data)
        await self.session.execute(delete(Session).where(Session.id == session_id))

    async def _finish(self, actor: Actor, record: Session, event: str, text: str) -> Session:
        record.status = SessionStatus.COMPLETED
        record.completed_at = func.clock_timestamp()
        await self._save(record)
        await self._write(actor, record, event, text)
        return record

    async def _require_idle(self, session_id: uuid.UUID) -> None:
        running = exists().where(
            SessionTask.session_id == session_id, SessionTask.status == TaskStatus.RUNNING
        )
        if await self.session.scalar(select(running)):
            raise AlreadyRunning("A run works on this session; cancel it first.")

    async def _write(
        self,
        actor: Actor,
        record: Session,
        event: str,
        text: str,
        data: Mapping[str, Any] | None = None,
        at_least: AuditLevel = AuditLevel.BASIC,
    ) -> None:
        now = snapshot(record, UNTOLD)
        before = self._known.get(record.id, {})
        self._known[record.id] = now
        await self.audit.write(
            actor,
            event,
            EventCategory.SESSION,
            session_id=record.id,
            entity_type="session",
            entity_id=record.id,
            description=text,
            event_data=data,
            detail=difference(before, now),
            at_least=at_least,
        )


def has_open_intent(session_id: Any) -> Any:
    """Condition: nobody knows whether some ticket of the session reached Jira."""
    return exists().where(SendIntent.session_id == session_id, SendIntent.status == IntentStatus.OPEN)
