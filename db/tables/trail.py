"""What went wrong, and who did what."""

import uuid
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from db.base import EMPTY_LIST, EMPTY_OBJECT, Base, Key, WrittenAt
from db.enums import AuditLevel, ErrorCategory, ErrorSeverity, EventCategory, SessionStage


class SessionError(Base):
    """A failure as a person is shown it, with what helps to find its cause."""

    __tablename__ = "session_errors"
    __table_args__ = (Index("ix_session_errors_session_id_created_at", "session_id", "created_at"),)

    id: Mapped[Key]
    session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"))
    error_category: Mapped[ErrorCategory]
    severity: Mapped[ErrorSeverity]
    operation_stage: Mapped[SessionStage]
    error_code: Mapped[str]
    user_message: Mapped[str]
    recovery_actions: Mapped[list[str]] = mapped_column(server_default=EMPTY_LIST)
    technical_details: Mapped[dict[str, Any]] = mapped_column(server_default=EMPTY_OBJECT)
    related_file_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("uploaded_files.id", ondelete="SET NULL"), index=True
    )
    related_ticket_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("tickets.id", ondelete="SET NULL"), index=True
    )
    created_at: Mapped[WrittenAt]


class AuditLogEntry(Base):
    """Who did what to what. Outlives its session: `session_id` is emptied then, `trail_id` still finds it."""

    __tablename__ = "audit_log"
    __table_args__ = (
        Index("ix_audit_log_session_id_created_at", "session_id", "created_at"),
        Index("ix_audit_log_trail_id_created_at", "trail_id", "created_at"),
        Index("ix_audit_log_entity_id", "entity_id"),
        Index("ix_audit_log_created_at", "created_at"),
        CheckConstraint("octet_length(event_data::text) <= 102400", name="event_data_limit"),
    )

    id: Mapped[Key]
    session_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("sessions.id", ondelete="SET NULL"))
    trail_id: Mapped[uuid.UUID | None]
    claimed_actor: Mapped[str]
    authenticated_actor: Mapped[str | None]
    jira_user_id: Mapped[str | None]
    event_type: Mapped[str]
    event_category: Mapped[EventCategory]
    audit_level: Mapped[AuditLevel]
    description: Mapped[str] = mapped_column(server_default="")
    entity_type: Mapped[str | None]
    entity_id: Mapped[str | None]
    event_data: Mapped[dict[str, Any]] = mapped_column(server_default=EMPTY_OBJECT)
    request_id: Mapped[str | None]
    execution_time_ms: Mapped[int | None]
    ip_address: Mapped[str | None]
    user_agent: Mapped[str | None]
    created_at: Mapped[WrittenAt]
