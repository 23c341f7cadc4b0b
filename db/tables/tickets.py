"""Tickets with their versions, dependencies and attachments."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from db.base import EMPTY_LIST, FALSE, NOW, TRUE, Base, Key, WrittenAt
from db.enums import EntityGroup, JiraUploadStatus, WrittenBy

MAX_TITLE = 255
MAX_ATTACHMENT_BYTES = 1_048_576


class Ticket(Base):
    """One ticket; `description` is the ADF document exactly as it would be sent."""

    __tablename__ = "tickets"
    __table_args__ = (
        UniqueConstraint("session_id", "key"),
        Index(
            "uq_tickets_issue",
            "session_id",
            "jira_ticket_key",
            unique=True,
            postgresql_where=text("jira_ticket_key IS NOT NULL"),
        ),
        CheckConstraint(f"char_length(title) BETWEEN 1 AND {MAX_TITLE}", name="title_length"),
        CheckConstraint("revision > 0", name="revision"),
        CheckConstraint("(jira_ticket_key IS NULL) = (jira_ticket_url IS NULL)", name="key_with_url"),
    )

    id: Mapped[Key]
    session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"))
    key: Mapped[str]
    kind: Mapped[str]
    action: Mapped[str] = mapped_column(server_default="build")
    entity_group: Mapped[EntityGroup]
    position: Mapped[int]
    user_order: Mapped[int]
    title: Mapped[str]
    story: Mapped[str] = mapped_column(server_default="")
    criteria: Mapped[list[str]] = mapped_column(server_default=EMPTY_LIST)
    user_notes: Mapped[str] = mapped_column(server_default="")
    description: Mapped[dict[str, Any]]
    plan: Mapped[dict[str, Any]]
    csv_source_files: Mapped[list[dict[str, Any]]]
    source_hash: Mapped[str]
    written_by: Mapped[WrittenBy]
    prompt_version: Mapped[str | None]
    content_hash: Mapped[str]
    validated_hash: Mapped[str | None]
    ready_for_jira: Mapped[bool] = mapped_column(server_default=TRUE)
    sprint: Mapped[str | None]
    assignee: Mapped[str | None]
    issue_type: Mapped[str | None]
    labels: Mapped[list[str]] = mapped_column(server_default=EMPTY_LIST)
    components: Mapped[list[str]] = mapped_column(server_default=EMPTY_LIST)
    priority: Mapped[str | None]
    locked: Mapped[bool] = mapped_column(server_default=FALSE)
    revision: Mapped[int] = mapped_column(server_default=text("1"))
    jira_ticket_key: Mapped[str | None]
    jira_ticket_url: Mapped[str | None]
    jira_issue_id: Mapped[str | None]
    # What Jira would not take from us and a person has to set there: field, wanted, action.
    manual_fixes: Mapped[list[dict[str, Any]]] = mapped_column(server_default=EMPTY_LIST)
    created_at: Mapped[WrittenAt]
    updated_at: Mapped[WrittenAt] = mapped_column(onupdate=NOW)

    attachment: Mapped["Attachment | None"] = relationship(lazy="raise", viewonly=True)


class TicketVersion(Base):
    """What a ticket said before it was changed: readable and restorable as long as the ticket lives."""

    __tablename__ = "ticket_versions"
    __table_args__ = (UniqueConstraint("ticket_id", "revision"),)

    id: Mapped[Key]
    ticket_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"))
    revision: Mapped[int]
    title: Mapped[str]
    story: Mapped[str]
    criteria: Mapped[list[str]]
    user_notes: Mapped[str]
    description: Mapped[dict[str, Any]]
    attachment_filename: Mapped[str | None]
    attachment_content: Mapped[str | None]
    content_hash: Mapped[str]
    written_by: Mapped[WrittenBy]
    prompt_version: Mapped[str | None]
    replaced_by: Mapped[str]
    replaced_at: Mapped[WrittenAt]


class TicketDependency(Base):
    """`ticket_id` cannot be built before `depends_on_ticket_id`."""

    __tablename__ = "ticket_dependencies"
    __table_args__ = (
        CheckConstraint("ticket_id <> depends_on_ticket_id", name="not_itself"),
        Index("ix_ticket_dependencies_depends_on_ticket_id", "depends_on_ticket_id"),
    )

    ticket_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("tickets.id", ondelete="CASCADE"), primary_key=True
    )
    depends_on_ticket_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("tickets.id", ondelete="CASCADE"), primary_key=True
    )
    linked_at: Mapped[datetime | None]


class Attachment(Base):
    """The Markdown file beside a ticket whose reference table is too long for the description."""

    __tablename__ = "attachments"
    __table_args__ = (
        UniqueConstraint("ticket_id"),
        CheckConstraint(f"file_size_bytes BETWEEN 0 AND {MAX_ATTACHMENT_BYTES}", name="size_limit"),
        CheckConstraint("octet_length(content) = file_size_bytes", name="size_of_content"),
        Index("ix_attachments_session_id", "session_id"),
    )

    id: Mapped[Key]
    session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"))
    ticket_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"))
    filename: Mapped[str]
    content: Mapped[str]
    file_size_bytes: Mapped[int]
    jira_attachment_id: Mapped[str | None]
    jira_upload_status: Mapped[JiraUploadStatus] = mapped_column(server_default=JiraUploadStatus.PENDING)
    # Written before an upload: as long as it is recent, a file that is not on the issue may still arrive.
    upload_started_at: Mapped[datetime | None]
