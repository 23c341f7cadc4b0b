"""A session, its background runs, the state of its validation and its review rounds."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from db.base import EMPTY_LIST, EMPTY_OBJECT, FALSE, NOW, ZERO, Base, Key, WrittenAt
from db.enums import AdfValidationStatus, ReviewDecision, SessionStage, SessionStatus, TaskStatus, TaskType

# How often in a row a run of one type may fail without progress before an administrator is needed.
MAX_RETRIES = 3


class Session(Base):
    """One spec on its way into one Jira project."""

    __tablename__ = "sessions"
    __table_args__ = (Index("ix_sessions_spec", "jira_project_key", "spec_hash"),)

    id: Mapped[Key]
    jira_user_id: Mapped[str | None]
    jira_display_name: Mapped[str | None]
    jira_site: Mapped[str | None]
    jira_block: Mapped[str] = mapped_column(server_default="jira")
    jira_project_key: Mapped[str]
    site_name: Mapped[str]
    site_description: Mapped[str] = mapped_column(server_default="")
    llm_provider_choice: Mapped[str] = mapped_column(server_default="offline")
    llm_model: Mapped[str | None]
    current_stage: Mapped[SessionStage] = mapped_column(server_default=SessionStage.SITE_INFO_COLLECTION)
    status: Mapped[SessionStatus] = mapped_column(server_default=SessionStatus.ACTIVE)
    total_tickets_generated: Mapped[int] = mapped_column(server_default=ZERO)
    settings: Mapped[dict[str, Any]] = mapped_column(server_default=EMPTY_OBJECT)
    spec_hash: Mapped[str | None]
    findings: Mapped[list[dict[str, Any]]] = mapped_column(server_default=EMPTY_LIST)
    scope_counts: Mapped[dict[str, Any]] = mapped_column(server_default=EMPTY_OBJECT)
    held: Mapped[list[dict[str, Any]]] = mapped_column(server_default=EMPTY_LIST)
    given_way: Mapped[list[list[str]]] = mapped_column(server_default=EMPTY_LIST)
    # What the last check of the files found, to compare the next with; and what the last upload changed.
    spec_reading: Mapped[dict[str, Any]] = mapped_column(server_default=EMPTY_OBJECT, deferred=True)
    spec_changes: Mapped[dict[str, Any]] = mapped_column(server_default=EMPTY_OBJECT)
    # Provider and model once they are fixed, the estimate, and what became of the writing.
    writing: Mapped[dict[str, Any]] = mapped_column(server_default=EMPTY_OBJECT)
    requested_by: Mapped[str | None]
    cancel_requested_at: Mapped[datetime | None]
    created_at: Mapped[WrittenAt]
    updated_at: Mapped[WrittenAt] = mapped_column(onupdate=NOW)
    completed_at: Mapped[datetime | None]


class SessionTask(Base):
    """One background run. `running` without a `task_id` is queued: triggered, not yet claimed by its run."""

    __tablename__ = "session_tasks"
    __table_args__ = (
        Index(
            "uq_session_tasks_one_running",
            "session_id",
            unique=True,
            postgresql_where=text("status = 'running'"),
        ),
        UniqueConstraint("session_id", "task_type", "task_id"),
        CheckConstraint(f"retry_count BETWEEN 0 AND {MAX_RETRIES}", name="retry_count"),
        CheckConstraint("attempt >= 0", name="attempt"),
        CheckConstraint("task_id IS NULL OR attempt > 0", name="claimed_has_attempt"),
    )

    id: Mapped[Key]
    session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"))
    task_type: Mapped[TaskType]
    task_id: Mapped[str | None]
    status: Mapped[TaskStatus] = mapped_column(server_default=TaskStatus.RUNNING)
    attempt: Mapped[int] = mapped_column(server_default=ZERO)
    retry_count: Mapped[int] = mapped_column(server_default=ZERO)
    failure_context: Mapped[dict[str, Any] | None]
    queued_at: Mapped[WrittenAt]
    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]


class SessionValidation(Base):
    """The last ADF validation of a session. Its row is the lock that edits, validation and intents take."""

    __tablename__ = "session_validations"
    __table_args__ = (
        CheckConstraint(
            "NOT validation_passed OR validation_status = 'completed'", name="passed_only_when_completed"
        ),
    )

    session_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True
    )
    validation_status: Mapped[AdfValidationStatus] = mapped_column(server_default=AdfValidationStatus.PENDING)
    validation_passed: Mapped[bool] = mapped_column(server_default=FALSE)
    last_validated_at: Mapped[datetime | None]
    last_invalidated_at: Mapped[datetime | None]
    validation_results: Mapped[dict[str, Any]] = mapped_column(server_default=EMPTY_OBJECT)
    # Those of the validation before, to tell what is new; empty where there was none.
    previous_results: Mapped[dict[str, Any] | None]
    # Counts the changes of content in the session: what an approval was given for.
    revision: Mapped[int] = mapped_column(server_default=ZERO)


class ReviewRound(Base):
    """One time of asking a person; waiting while it has no decision. The first decision of a round wins."""

    __tablename__ = "review_rounds"
    __table_args__ = (
        UniqueConstraint("session_id", "round"),
        CheckConstraint("(decision IS NULL) = (decided_at IS NULL)", name="decided_at_with_decision"),
        Index(
            "uq_review_rounds_one_open", "session_id", unique=True, postgresql_where=text("closed_at IS NULL")
        ),
    )

    id: Mapped[Key]
    session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"))
    round: Mapped[int]
    task_id: Mapped[str | None]
    revision: Mapped[int]
    opened_at: Mapped[WrittenAt]
    expires_at: Mapped[datetime]
    decision: Mapped[ReviewDecision | None]
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    note: Mapped[str] = mapped_column(server_default="")
    # What was asked for beside the decision: which tickets to write anew, and how.
    request: Mapped[dict[str, Any]] = mapped_column(server_default=EMPTY_OBJECT)
    closed_at: Mapped[datetime | None]
