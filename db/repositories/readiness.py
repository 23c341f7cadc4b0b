"""Everything that stands between a session and its export, read at one moment."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import exists, func, select

from db.enums import (
    EntityGroup,
    IntentStatus,
    ReviewDecision,
    SessionStage,
    SessionStatus,
    TaskType,
)
from db.models import JiraProjectContext, SendIntent, Ticket
from db.repositories.background import TaskRepository
from db.repositories.base import Repository
from db.repositories.reviews import ReviewRepository
from db.repositories.sessions import SessionRepository
from db.repositories.tickets import TicketRepository
from db.repositories.unedited import edited_by_person
from db.repositories.validations import ValidationRepository

AHEAD = (TaskType.ADF_VALIDATION, TaskType.EXPORT)  # what still has to run


@dataclass(frozen=True, slots=True)
class GroupCount:
    """The tickets of one group."""

    group: EntityGroup
    tickets: int
    edited: int
    not_ready: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the review of a session stands."""

    session_id: uuid.UUID
    stage: SessionStage
    status: SessionStatus
    running: TaskType | None
    used_up: Sequence[TaskType]
    tickets: int
    in_jira: int
    unedited_share: float
    not_ready: Sequence[tuple[uuid.UUID, str]]
    open_intents: int
    validated: bool
    fresh: bool
    failing: Mapping[uuid.UUID, Sequence[str]]
    may_create: bool | None
    decision: ReviewDecision | None
    decided_by: str | None
    approved_as_is: bool
    round_waits: bool
    groups: Sequence[GroupCount]


class ReadinessRepository(Repository):
    """Reads only."""

    async def standing(self, session_id: uuid.UUID) -> Standing:
        """Where the review stands; NotFound for an unknown session."""
        record = await SessionRepository(self.session).get(session_id)
        validations, reviews = ValidationRepository(self.session), ReviewRepository(self.session)
        validation, last = await validations.get(session_id), await reviews.latest(session_id)
        tasks = TaskRepository(self.session)
        running = await tasks.current(session_id)
        groups = await self._groups(session_id)
        total = sum(group.tickets for group in groups)
        approved = last is not None and last.decision is ReviewDecision.APPROVE
        return Standing(
            session_id=session_id,
            stage=record.current_stage,
            status=record.status,
            running=running.task_type if running else None,
            used_up=[one for one in AHEAD if await tasks.retries_used_up(session_id, one)],
            tickets=total,
            in_jira=await self._count(session_id, Ticket.jira_ticket_key.is_not(None)),
            unedited_share=await TicketRepository(self.session).unedited_share(session_id),
            not_ready=await self._not_ready(session_id),
            open_intents=await self._open_intents(session_id),
            validated=validation.last_validated_at is not None,
            fresh=await validations.is_fresh(session_id),
            failing={uuid.UUID(ticket): found for ticket, found in validation.validation_results.items()},
            may_create=await self.session.scalar(
                select(JiraProjectContext.can_create_tickets).where(
                    JiraProjectContext.session_id == session_id
                )
            ),
            decision=last.decision if last else None,
            decided_by=last.decided_by if last else None,
            approved_as_is=approved and last is not None and last.revision == validation.revision,
            round_waits=await reviews.waiting(session_id) is not None,
            groups=groups,
        )

    async def _groups(self, session_id: uuid.UUID) -> list[GroupCount]:
        edited = func.count().filter(edited_by_person())
        not_ready = func.count().filter(~Ticket.ready_for_jira)
        query = (
            select(Ticket.entity_group, func.count(), edited, not_ready)
            .where(Ticket.session_id == session_id)
            .group_by(Ticket.entity_group)
        )
        found = [GroupCount(*row) for row in (await self.session.execute(query)).tuples()]
        order = list(EntityGroup)
        return sorted(found, key=lambda group: order.index(group.group))

    async def _not_ready(self, session_id: uuid.UUID) -> list[tuple[uuid.UUID, str]]:
        query = (
            select(Ticket.id, Ticket.title)
            .where(Ticket.session_id == session_id, ~Ticket.ready_for_jira, Ticket.jira_ticket_key.is_(None))
            .order_by(Ticket.user_order, Ticket.key)
        )
        return [(ticket_id, title) for ticket_id, title in await self.session.execute(query)]

    async def _open_intents(self, session_id: uuid.UUID) -> int:
        is_open = exists().where(SendIntent.ticket_id == Ticket.id, SendIntent.status == IntentStatus.OPEN)
        return await self._count(session_id, is_open)

    async def _count(self, session_id: uuid.UUID, condition: object) -> int:
        query = select(func.count(Ticket.id)).where(Ticket.session_id == session_id, condition)  # type: ignore[arg-type]
        return await self.session.scalar(query) or 0
