"""The audit trail: who did what to what, under which run."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Integer, bindparam, case, cast, extract, func, insert, literal, or_, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from db.actor import Actor
from db.base import table_of
from db.enums import AuditLevel, EventCategory
from db.models import AuditLogEntry, Session
from db.repositories.recordable import plain_text, recordable

LONGEST_DESCRIPTION = 2000  # characters
# now() is when the transaction began: how long the action has taken so far.
SO_FAR = cast(extract("epoch", func.clock_timestamp() - func.now()) * 1000, Integer)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that was done. `detail`, the values before and after, is kept at the comprehensive level only."""

    event_type: str
    description: str = ""
    entity_type: str | None = None
    entity_id: str | None = None
    event_data: Mapping[str, Any] = field(default_factory=dict)
    detail: Mapping[str, Any] = field(default_factory=dict)


class AuditRepository:
    """Writes and reads the audit trail. The level is the session's own setting."""

    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def write(
        self,
        actor: Actor,
        event_type: str,
        category: EventCategory,
        *,
        session_id: uuid.UUID | None = None,
        entity_type: str | None = None,
        entity_id: object = None,
        description: str = "",
        event_data: Mapping[str, Any] | None = None,
        detail: Mapping[str, Any] | None = None,
        execution_time_ms: int | None = None,
        at_least: AuditLevel = AuditLevel.BASIC,
    ) -> None:
        """Write one entry. Data that is too big is cut and says so; it is never an error.

        `at_least` is for a change of the level itself: what was before is told at the level that held before.
        """
        event = Event(
            event_type=event_type,
            description=description,
            entity_type=entity_type,
            entity_id=None if entity_id is None else str(entity_id),
            event_data=event_data or {},
            detail=detail or {},
        )
        await self.write_many(
            actor, category, session_id, [event], execution_time_ms=execution_time_ms, at_least=at_least
        )

    async def write_many(
        self,
        actor: Actor,
        category: EventCategory,
        session_id: uuid.UUID | None,
        events: Sequence[Event],
        *,
        execution_time_ms: int | None = None,
        at_least: AuditLevel = AuditLevel.BASIC,
    ) -> None:
        """Write entries that one actor caused at once, in one round trip.

        Where nobody measured how long it took, it is the time since the transaction began.
        """
        if not events:
            return
        statement = _insert(session_id, at_least).values(
            trail_id=session_id,
            claimed_actor=plain_text(actor.claimed),
            authenticated_actor=actor.authenticated,
            event_category=category,
            request_id=actor.request_id,
            ip_address=actor.ip_address,
            user_agent=actor.user_agent,
            execution_time_ms=SO_FAR if execution_time_ms is None else execution_time_ms,
        )
        await self.session.execute(statement, [_parameters(event) for event in events])

    async def trail(self, session_id: uuid.UUID, limit: int = 1000) -> list[AuditLogEntry]:
        """What was done in a session, oldest first; also when the session is gone."""
        newest = (
            select(AuditLogEntry)
            .where(or_(AuditLogEntry.trail_id == session_id, AuditLogEntry.entity_id == str(session_id)))
            .order_by(AuditLogEntry.created_at.desc())
            .limit(limit)
        )
        return list(reversed((await self.session.scalars(newest)).all()))


def _insert(session_id: uuid.UUID | None, at_least: AuditLevel) -> Any:
    """Session, level and account are looked up by the statement itself; a session that is gone leaves them empty."""
    of_session = Session.id == session_id
    chosen = of_session & (Session.settings["audit_level"].astext == AuditLevel.COMPREHENSIVE)
    comprehensive = or_(
        literal(at_least is AuditLevel.COMPREHENSIVE), select(literal(True)).where(chosen).exists()
    )
    return insert(table_of(AuditLogEntry)).values(
        session_id=select(Session.id).where(of_session).scalar_subquery(),
        jira_user_id=select(Session.jira_user_id).where(of_session).scalar_subquery(),
        audit_level=case((comprehensive, AuditLevel.COMPREHENSIVE.value), else_=AuditLevel.BASIC.value),
        event_data=case(
            (comprehensive, bindparam("full", type_=JSONB)), else_=bindparam("basic", type_=JSONB)
        ),
        event_type=bindparam("event_type"),
        description=bindparam("description"),
        entity_type=bindparam("entity_type"),
        entity_id=bindparam("entity_id"),
    )


def _parameters(event: Event) -> dict[str, Any]:
    return {
        "event_type": event.event_type,
        "description": plain_text(event.description)[:LONGEST_DESCRIPTION],
        "entity_type": event.entity_type,
        "entity_id": event.entity_id,
        "basic": recordable(event.event_data),
        "full": recordable({**event.event_data, **event.detail}),
    }
