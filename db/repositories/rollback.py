"""Going back a stage: what would be lost, and the step itself."""

import uuid

from sqlalchemy import delete, exists, func, or_, select, update

from db.actor import Actor
from db.base import NOW
from db.enums import AdfValidationStatus, EventCategory, IntentStatus, SessionStage, SessionStatus
from db.errors import AlreadyRunning, InJira, Refused
from db.models import Attachment, SendIntent, Session, SessionValidation, Ticket, TicketVersion
from db.repositories.background import TaskRepository
from db.repositories.base import Repository

STAGES = list(SessionStage)
TARGETS = (SessionStage.UPLOAD, SessionStage.PROCESSING)


class RollbackRepository(Repository):
    """A rollback removes the tickets of a session in one transaction; files and settings stay."""

    async def impact(self, session_id: uuid.UUID) -> dict[str, int]:
        """How many tickets, attachments and edits by people a rollback removes."""
        of_session = select(Ticket.id).where(Ticket.session_id == session_id)
        counts = {
            "tickets": select(func.count()).select_from(of_session.subquery()),
            "attachments": select(func.count(Attachment.id)).where(Attachment.session_id == session_id),
            "edits": select(func.count(TicketVersion.id)).where(TicketVersion.ticket_id.in_(of_session)),
        }
        return {what: await self.session.scalar(query) or 0 for what, query in counts.items()}

    async def roll_back(self, session_id: uuid.UUID, to: SessionStage, *, actor: Actor) -> dict[str, int]:
        """Remove the tickets and set the session back to `to`; returns what was lost.

        Raises AlreadyRunning while a run works on the session, InJira when a ticket is in Jira or may be.
        """
        record = await self._lock_session(session_id)
        await self._lock_validation(session_id)
        await self._require_possible(record, to)
        lost = await self.impact(session_id)
        await self.session.execute(delete(Ticket).where(Ticket.session_id == session_id))
        await self.session.execute(
            update(SessionValidation)
            .where(SessionValidation.session_id == session_id)
            .values(
                validation_status=AdfValidationStatus.PENDING,
                validation_passed=False,
                validation_results={},
                last_invalidated_at=NOW,
            )
        )
        before, record.current_stage = record.current_stage, to
        record.status = SessionStatus.ACTIVE
        record.total_tickets_generated = 0
        await self.session.flush()
        await self.audit.write(
            actor,
            "session.rolled_back",
            EventCategory.SESSION,
            session_id=session_id,
            entity_type="session",
            entity_id=session_id,
            description=f"Back from {before} to {to}",
            event_data={"from": before, "to": to, **lost},
        )
        return lost

    async def _require_possible(self, record: Session, to: SessionStage) -> None:
        if to not in TARGETS or STAGES.index(record.current_stage) < STAGES.index(to):
            raise Refused(f"A session at stage {record.current_stage} cannot go back to {to}.")
        if await TaskRepository(self.session).current(record.id):
            raise AlreadyRunning("A run works on this session; cancel it first.")
        open_intent = exists().where(
            SendIntent.ticket_id == Ticket.id, SendIntent.status == IntentStatus.OPEN
        )
        query = select(func.count(Ticket.id)).where(
            Ticket.session_id == record.id, or_(Ticket.jira_ticket_key.is_not(None), open_intent)
        )
        if sent := await self.session.scalar(query):
            raise InJira(f"{sent} tickets of this session are in Jira, or may be; it cannot go back.")
