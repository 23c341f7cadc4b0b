"""What went wrong in a session, as a person is shown it."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from db.actor import Actor
from db.enums import ErrorCategory, ErrorSeverity, EventCategory, SessionStage
from db.models import SessionError
from db.repositories.base import Repository
from db.repositories.recordable import plain_text, recordable


class ErrorRepository(Repository):
    """Errors of a session."""

    async def record(
        self,
        session_id: uuid.UUID,
        *,
        category: ErrorCategory,
        severity: ErrorSeverity,
        stage: SessionStage,
        code: str,
        message: str,
        actor: Actor,
        recovery_actions: Sequence[str] = (),
        technical_details: Mapping[str, Any] | None = None,
        related_file_id: uuid.UUID | None = None,
        related_ticket_id: uuid.UUID | None = None,
    ) -> SessionError:
        """Keep an error: what it was, who can fix it, what to do."""
        error = SessionError(
            session_id=session_id,
            error_category=category,
            severity=severity,
            operation_stage=stage,
            error_code=code,
            user_message=plain_text(message),
            recovery_actions=[plain_text(action) for action in recovery_actions],
            technical_details=recordable(technical_details or {}),
            related_file_id=related_file_id,
            related_ticket_id=related_ticket_id,
        )
        await self._save(error)
        await self.audit.write(
            actor,
            "error.recorded",
            EventCategory.SYSTEM,
            session_id=session_id,
            entity_type="session_error",
            entity_id=error.id,
            description=error.user_message,
            event_data={"code": code, "category": category, "severity": severity, "stage": stage},
        )
        return error

    async def list_errors(self, session_id: uuid.UUID) -> list[SessionError]:
        """All errors of a session, oldest first."""
        query = select(SessionError).where(SessionError.session_id == session_id)
        return list(await self.session.scalars(query.order_by(SessionError.created_at)))
