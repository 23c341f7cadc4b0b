"""Going back a stage: what would be lost, and the step itself."""

import uuid
from collections.abc import Collection
from typing import Any

from sqlalchemy import delete, exists, func, null, select, update

from db.actor import Actor
from db.base import NOW
from db.enums import AdfValidationStatus, EventCategory, IntentStatus, SessionStage, SessionStatus
from db.errors import AlreadyRunning, InJira, Refused
from db.models import Attachment, ExportRecord, SendIntent, Session, SessionValidation, Ticket
from db.repositories.background import TaskRepository
from db.repositories.base import Repository
from db.repositories.unedited import edited_by_person

STAGES = list(SessionStage)
TARGETS = (SessionStage.UPLOAD, SessionStage.PROCESSING)


class RollbackRepository(Repository):
    """A rollback removes the tickets of a session in one transaction; files and settings stay."""

    async def impact(self, session_id: uuid.UUID) -> dict[str, int]:
        """How many tickets and attachments a rollback removes, and how many of the tickets people edited."""
        of_session = select(Ticket.id).where(Ticket.session_id == session_id)
        counts = {
            "tickets": select(func.count()).select_from(of_session.subquery()),
            "attachments": select(func.count(Attachment.id)).where(Attachment.session_id == session_id),
            "edits": select(func.count(Ticket.id)).where(Ticket.session_id == session_id, edited_by_person()),
        }
        return {what: await self.session.scalar(query) or 0 for what, query in counts.items()}

    async def issues(self, session_id: uuid.UUID) -> dict[uuid.UUID, str]:
        """The tickets that are in Jira, each with its issue."""
        query = select(Ticket.id, Ticket.jira_ticket_key).where(
            Ticket.session_id == session_id, Ticket.jira_ticket_key.is_not(None)
        )
        return {ticket_id: str(key) for ticket_id, key in await self.session.execute(query)}

    async def require_possible(
        self, session_id: uuid.UUID, to: SessionStage, *, with_issues: bool = False
    ) -> None:
        """Raise what `roll_back` would raise now."""
        record = await self._lock_session(session_id)
        await self._require_possible(record, to, with_issues=with_issues)

    async def roll_back(
        self,
        session_id: uuid.UUID,
        to: SessionStage,
        *,
        actor: Actor,
        keep: bool = False,
        deleted: Collection[str] = (),
    ) -> dict[str, int]:
        """Remove the tickets and set the session back to `to`; returns what was lost.

        With `keep` the issues that are in Jira stay there and are the session's no longer; `deleted` are those that
        were deleted in Jira. Raises AlreadyRunning while a run works on the session, InJira when a ticket may be in
        Jira, or is there and neither is said.
        """
        record = await self._lock_session(session_id)
        await self._lock_validation(session_id)
        issues = await self.issues(session_id)
        gone = set(deleted) & set(issues.values())
        await self._require_possible(record, to, with_issues=keep or len(gone) == len(issues))
        lost, stood = await self.impact(session_id), await self._standing(record)
        await self._part_with(record, set(issues.values()) - gone, gone, actor)
        await self.session.execute(delete(Ticket).where(Ticket.session_id == session_id))
        await self.session.execute(
            update(SessionValidation)
            .where(SessionValidation.session_id == session_id)
            .values(
                validation_status=AdfValidationStatus.PENDING,
                validation_passed=False,
                validation_results={},
                previous_results=null(),
                last_invalidated_at=NOW,
            )
        )
        before, record.current_stage = record.current_stage, to
        record.status, record.completed_at = SessionStatus.ACTIVE, None
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
            detail={"before": stood, "after": {"stage": to, "tickets": []}},
        )
        return lost

    async def _standing(self, record: Session) -> dict[str, Any]:
        """The stage and the tickets by name, for the trail."""
        titles = select(Ticket.title).where(Ticket.session_id == record.id).order_by(Ticket.user_order)
        return {"stage": record.current_stage, "tickets": list(await self.session.scalars(titles))}

    async def _part_with(
        self, record: Session, kept: Collection[str], deleted: Collection[str], actor: Actor
    ) -> None:
        """Keep the keys of issues that stay in Jira in the trail; forget the rows of those that are gone."""
        if deleted:
            await self.session.execute(
                delete(ExportRecord).where(
                    ExportRecord.jira_site == record.jira_site, ExportRecord.jira_ticket_key.in_(deleted)
                )
            )
        for event, keys in (("issues.archived", kept), ("issues.deleted", deleted)):
            if keys:
                await self.audit.write(
                    actor,
                    event,
                    EventCategory.JIRA_EXPORT,
                    session_id=record.id,
                    entity_type="session",
                    entity_id=record.id,
                    description=f"{len(keys)} issues",
                    event_data={"issues": sorted(keys), "site": record.jira_site},
                )

    async def _require_possible(self, record: Session, to: SessionStage, *, with_issues: bool) -> None:
        if to not in TARGETS or STAGES.index(record.current_stage) < STAGES.index(to):
            raise Refused(f"A session at stage {record.current_stage} cannot go back to {to}.")
        if await TaskRepository(self.session).current(record.id):
            raise AlreadyRunning("A run works on this session; cancel it first.")
        of_session = select(func.count(Ticket.id)).where(Ticket.session_id == record.id)
        is_open = exists().where(SendIntent.ticket_id == Ticket.id, SendIntent.status == IntentStatus.OPEN)
        if unknown := await self.session.scalar(of_session.where(is_open)):
            raise InJira(
                f"{unknown} tickets of this session were sent and may be in Jira; run the export to learn it."
            )
        if with_issues:
            return
        if sent := await self.session.scalar(of_session.where(Ticket.jira_ticket_key.is_not(None))):
            raise InJira(f"{sent} tickets of this session are in Jira, or may be; it cannot go back.")
