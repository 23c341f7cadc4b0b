"""What is past its retention, and removing it batch by batch."""

import uuid
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, func, select
from sqlalchemy.orm import aliased

from db.actor import Actor
from db.enums import EventCategory, IntentStatus, TaskStatus
from db.models import (
    AuditLogEntry,
    JiraAuthToken,
    ModelReply,
    ModelReservation,
    ReviewRound,
    SendIntent,
    Session,
    SessionTask,
    SessionValidation,
)
from db.repositories.audit import Event
from db.repositories.base import Repository

REMOVAL = "session.deleted"


class RetentionRepository(Repository):
    """Counts and removes; what somebody works on at this moment is skipped, not waited for."""

    async def count_sessions(self, age: timedelta) -> int:
        """Sessions without activity for `age` that nothing holds."""
        return await self._count(Session, *_idle_since(age))

    async def remove_sessions(self, age: timedelta, batch: int, *, actor: Actor) -> int:
        """Remove up to `batch` of them; what somebody resumes or edits at this moment stays."""
        locked = await self.session.scalars(
            select(Session.id)
            .where(*_idle_since(age))
            .join(SessionValidation, SessionValidation.session_id == Session.id)
            .order_by(Session.updated_at)
            .limit(batch)
            .with_for_update(skip_locked=True)
        )
        # Again, in a statement that sees what others committed until the rows were ours.
        again = select(Session).where(Session.id.in_(locked.all()), *_idle_since(age))
        records = list(await self.session.scalars(again))
        for record in records:
            event = Event(
                event_type=REMOVAL,
                description=f"Session for {record.site_name} removed: past its retention",
                entity_type="session",
                entity_id=str(record.id),
                event_data={"site_name": record.site_name, "project": record.jira_project_key},
            )
            await self.audit.write_many(actor, EventCategory.SYSTEM, record.id, [event])
        await self.session.execute(delete(Session).where(Session.id.in_([record.id for record in records])))
        return len(records)

    async def removed_sessions(self, within: timedelta) -> dict[uuid.UUID, list[uuid.UUID]]:
        """The sessions removed in this time, each with the flow runs that its trail speaks of."""
        removal = aliased(AuditLogEntry)
        removed = select(removal.trail_id).where(
            removal.event_type == REMOVAL, removal.created_at > func.clock_timestamp() - within
        )
        query = select(AuditLogEntry.trail_id, AuditLogEntry.request_id).where(
            AuditLogEntry.trail_id.in_(removed), AuditLogEntry.event_type != REMOVAL
        )
        found: dict[uuid.UUID, list[uuid.UUID]] = {}
        for session_id, run_id in await self.session.execute(query.distinct()):
            found.setdefault(session_id, []).extend(_flow_run(run_id))
        return found

    async def count_audit_entries(self, age: timedelta) -> int:
        """Audit entries older than `age`."""
        return await self._count(AuditLogEntry, AuditLogEntry.created_at < func.clock_timestamp() - age)

    async def remove_audit_entries(self, age: timedelta, batch: int) -> int:
        """Remove up to `batch` of them, oldest first."""
        old = (
            select(AuditLogEntry.id)
            .where(AuditLogEntry.created_at < func.clock_timestamp() - age)
            .order_by(AuditLogEntry.created_at)
            .limit(batch)
            .with_for_update(skip_locked=True)
        )
        removed = await self.session.execute(
            delete(AuditLogEntry).where(AuditLogEntry.id.in_(old)).returning(AuditLogEntry.id)
        )
        return len(removed.all())

    async def count_tokens(self, age: timedelta) -> int:
        """Logins whose refresh token expired longer than `age` ago."""
        return await self._count(
            JiraAuthToken, JiraAuthToken.refresh_token_expires_at < func.clock_timestamp() - age
        )

    async def remove_tokens(self, age: timedelta) -> int:
        """Remove them; there is one per account and site, so one batch is enough."""
        removed = await self.session.execute(
            delete(JiraAuthToken)
            .where(JiraAuthToken.refresh_token_expires_at < func.clock_timestamp() - age)
            .returning(JiraAuthToken.jira_user_id)
        )
        return len(removed.all())

    async def count_model_calls(self, age: timedelta) -> int:
        """Replies of models that were of no use for `age`, and the bookkeeping of calls of sessions long gone."""
        return await self._count(ModelReply, *_unused_since(age)) + await self._count(
            ModelReservation, *_orphaned_since(age)
        )

    async def remove_model_calls(self, age: timedelta, batch: int) -> int:
        """Remove up to `batch` of each; a reply that is being used again at this moment stays."""
        replies = await self._remove(ModelReply, ModelReply.request_hash, batch, *_unused_since(age))
        return replies + await self._remove(
            ModelReservation, ModelReservation.id, batch, *_orphaned_since(age)
        )

    async def _remove(self, table: Any, key: Any, batch: int, *conditions: ColumnElement[bool]) -> int:
        old = select(key).where(*conditions).limit(batch).with_for_update(skip_locked=True)
        removed = await self.session.execute(delete(table).where(key.in_(old)).returning(key))
        return len(removed.all())

    async def _count(self, table: Any, *conditions: ColumnElement[bool]) -> int:
        query = select(func.count()).select_from(table).where(*conditions)
        return await self.session.scalar(query) or 0


def _unused_since(age: timedelta) -> tuple[ColumnElement[bool], ...]:
    return (ModelReply.used_at < func.clock_timestamp() - age,)


def _orphaned_since(age: timedelta) -> tuple[ColumnElement[bool], ...]:
    """As long as a session is there, its budget rests on what its calls cost."""
    return ModelReservation.session_id.is_(None), ModelReservation.reserved_at < func.clock_timestamp() - age


def _flow_run(request_id: str | None) -> list[uuid.UUID]:
    try:
        return [uuid.UUID(request_id or "")]
    except ValueError:  # a person at the command line
        return []


def _idle_since(age: timedelta) -> tuple[ColumnElement[bool], ...]:
    """No activity for so long, no run, no review that still waits, no ticket that may be in Jira unknown to us.

    Whatever anybody does leaves an audit entry, so the trail is the activity.
    """
    running = exists().where(SessionTask.session_id == Session.id, SessionTask.status == TaskStatus.RUNNING)
    unsettled = exists().where(SendIntent.session_id == Session.id, SendIntent.status == IntentStatus.OPEN)
    waiting = exists().where(
        ReviewRound.session_id == Session.id,
        ReviewRound.closed_at.is_(None),
        ReviewRound.expires_at > func.clock_timestamp() - age,
    )
    active = exists().where(
        AuditLogEntry.session_id == Session.id, AuditLogEntry.created_at > func.clock_timestamp() - age
    )
    return Session.updated_at < func.clock_timestamp() - age, ~active, ~running, ~unsettled, ~waiting
