"""What we know of Jira and what we sent there: accounts, project, intents, the export record."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from db.base import EMPTY_LIST, EMPTY_OBJECT, FALSE, NOW, Base, Key, WrittenAt
from db.enums import IntentStatus


class JiraAuthToken(Base):
    """The OAuth tokens of one account on one site, encrypted before they come here."""

    __tablename__ = "jira_auth_tokens"
    __table_args__ = (Index("ix_jira_auth_tokens_refresh_token_expires_at", "refresh_token_expires_at"),)

    jira_user_id: Mapped[str] = mapped_column(primary_key=True)
    site: Mapped[str] = mapped_column(primary_key=True)
    access_token: Mapped[bytes]
    refresh_token: Mapped[bytes]
    access_token_expires_at: Mapped[datetime]
    refresh_token_expires_at: Mapped[datetime]
    granted_scopes: Mapped[list[str]] = mapped_column(server_default=EMPTY_LIST)
    last_refresh_at: Mapped[datetime | None]
    created_at: Mapped[WrittenAt]
    updated_at: Mapped[WrittenAt] = mapped_column(onupdate=NOW)


class JiraProjectContext(Base):
    """What Jira said about the project of a session, kept for 24 hours."""

    __tablename__ = "jira_project_context"

    session_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True
    )
    project_key: Mapped[str]
    project_name: Mapped[str]
    can_create_tickets: Mapped[bool] = mapped_column(server_default=FALSE)
    can_assign_tickets: Mapped[bool] = mapped_column(server_default=FALSE)
    available_sprints: Mapped[list[dict[str, Any]]] = mapped_column(server_default=EMPTY_LIST)
    team_members: Mapped[list[dict[str, Any]]] = mapped_column(server_default=EMPTY_LIST)
    issue_types: Mapped[list[dict[str, Any]]] = mapped_column(server_default=EMPTY_LIST)
    create_fields: Mapped[dict[str, Any]] = mapped_column(server_default=EMPTY_OBJECT)
    cached_at: Mapped[WrittenAt]


class SendIntent(Base):
    """Written before a ticket is sent; open as long as nobody knows what became of the request."""

    __tablename__ = "send_intents"
    __table_args__ = (
        UniqueConstraint("ticket_id", "attempt"),
        Index("uq_send_intents_one_open", "ticket_id", unique=True, postgresql_where=text("status = 'open'")),
        Index("ix_send_intents_session_id_status", "session_id", "status"),
        CheckConstraint("(status = 'open') = (resolved_at IS NULL)", name="open_until_resolved"),
        CheckConstraint("status <> 'created' OR jira_key IS NOT NULL", name="created_has_key"),
    )

    id: Mapped[Key]
    session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"))
    ticket_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"))
    attempt: Mapped[int]
    content_hash: Mapped[str]
    status: Mapped[IntentStatus] = mapped_column(server_default=IntentStatus.OPEN)
    task_id: Mapped[str]
    task_attempt: Mapped[int]
    opened_at: Mapped[WrittenAt]
    resolved_at: Mapped[datetime | None]
    jira_key: Mapped[str | None]
    reason: Mapped[str | None]
    # Set when nobody knew the outcome for a while: then Jira is searched once more for a second issue.
    search_again_at: Mapped[datetime | None]


class JiraPause(Base):
    """A pause that Jira asked for: no run sends anything to the site before it is over."""

    __tablename__ = "jira_pauses"

    site: Mapped[str] = mapped_column(primary_key=True)
    not_before: Mapped[datetime]


class ExportRecord(Base):
    """Which row of a spec became which issue. No cleanup removes it, nor the end of its session."""

    __tablename__ = "export_records"
    __table_args__ = (
        UniqueConstraint(
            "jira_site", "jira_project_key", "row_identity", "jira_ticket_key", name="uq_export_records_issue"
        ),
    )

    id: Mapped[Key]
    session_id: Mapped[uuid.UUID]
    ticket_key: Mapped[str]
    row_identity: Mapped[str]
    content_hash: Mapped[str]
    jira_site: Mapped[str]
    jira_project_key: Mapped[str]
    jira_ticket_key: Mapped[str]
    exported_at: Mapped[WrittenAt]
