"""Intents to send: written before a request, resolved when its outcome is known, never two open for one ticket."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Text, Uuid, func, insert, select, update

from db.actor import Actor
from db.base import NOW
from db.enums import EventCategory, IntentStatus
from db.errors import CancelRequested, InJira, NotValidated, StaleAttempt
from db.fence import Fence
from db.models import SendIntent, Session, SessionTask, Ticket
from db.repositories.audit import Event
from db.repositories.background import mine
from db.repositories.base import Repository
from db.repositories.rows import given_rows
from db.repositories.ticket_changes import lock_tickets


@dataclass(frozen=True, slots=True)
class JiraIssue:
    """An issue that is proven to be a ticket's."""

    ticket_id: uuid.UUID
    key: str
    url: str
    issue_id: str | None = None
    content_hash: str | None = (
        None  # of the text that it has, where the ticket may have got another one meanwhile
    )


class IntentRepository(Repository):
    """What was sent to Jira, as far as it is known."""

    async def open_intents(
        self,
        session_id: uuid.UUID,
        fence: Fence,
        items: Sequence[tuple[uuid.UUID, str]],
        *,
        actor: Actor,
        again: bool = False,
    ) -> list[SendIntent]:
        """Permit one request for these tickets, each with the hash of what would be sent; all of them or none.

        `again=True` when Jira was asked and does not know the issue: the open intent is closed and the next attempt
        opened. Raises StaleAttempt, CancelRequested, NotValidated when a ticket does not stand as it was validated,
        and InJira when it is there or may be.
        """
        await self._require_fence(session_id, fence)
        if await self.session.scalar(select(Session.cancel_requested_at).where(Session.id == session_id)):
            raise CancelRequested("A person asked for the export to stop.")
        await self._lock_validation(session_id)
        hashes = dict(items)
        tickets = await lock_tickets(self.session, session_id, hashes)
        _require_validated(tickets, hashes)
        if again:
            await self._close(session_id, dict.fromkeys(hashes, "Jira does not know it; sent again."))
        attempts = await self._attempts(tickets)
        rows = [
            {
                "session_id": session_id,
                "ticket_id": ticket.id,
                "attempt": attempts.get(ticket.id, 0) + 1,
                "content_hash": hashes[ticket.id],
                "task_id": fence.task_id,
                "task_attempt": fence.attempt,
            }
            for ticket in tickets
        ]
        opened = (
            list(await self.session.scalars(insert(SendIntent).returning(SendIntent), rows)) if rows else []
        )
        await self._write(
            actor, session_id, [_event("intent.opened", i.ticket_id, {"attempt": i.attempt}) for i in opened]
        )
        return opened

    async def resolve(
        self, session_id: uuid.UUID, issues: Sequence[JiraIssue], *, actor: Actor
    ) -> list[JiraIssue]:
        """Store issues that are proven to be their tickets'; the same issue twice changes nothing.

        Returns the surplus: issues of tickets that stand under another key already. Raises NotValidated when a
        ticket has another text by now: its issue has to get that one first.
        """
        given = {issue.ticket_id: issue for issue in issues}
        tickets = await lock_tickets(self.session, session_id, given)
        known = {ticket.id: ticket.jira_ticket_key for ticket in tickets}
        for ticket in tickets:
            if known[ticket.id] is None and given[ticket.id].content_hash not in (None, ticket.content_hash):
                raise NotValidated(
                    f'"{ticket.title}" changed while its issue was looked for; validate again.'
                )
        ids = {ticket.id: ticket.jira_issue_id for ticket in tickets}  # they stay when an issue moves
        new = [issue for ticket_id, issue in given.items() if known[ticket_id] is None]
        for ticket in tickets:
            if known[ticket.id] is None:
                issue = given[ticket.id]
                ticket.jira_ticket_key, ticket.jira_ticket_url = issue.key, issue.url
                ticket.jira_issue_id = issue.issue_id
        await self.session.flush()
        await self._mark_created(new)
        data = [_event("ticket.exported", i.ticket_id, {"issue": i.key, "url": i.url}, i.key) for i in new]
        await self._write(actor, session_id, data)
        others = [issue for issue in issues if known[issue.ticket_id] not in (None, issue.key)]
        return [issue for issue in others if issue.issue_id is None or ids[issue.ticket_id] != issue.issue_id]

    async def refuse(
        self, session_id: uuid.UUID, fence: Fence, reasons: Mapping[uuid.UUID, str], *, actor: Actor
    ) -> None:
        """Close the open intents of these tickets: Jira refused them, or was asked and does not know them.

        Only the run that holds the session may say so; raises StaleAttempt.
        """
        await self._require_fence(session_id, fence)
        closed = await self._close(session_id, reasons)
        events = [_event("intent.refused", ticket_id, {"reason": reasons[ticket_id]}) for ticket_id in closed]
        await self._write(actor, session_id, events)

    async def uncertain(
        self,
        session_id: uuid.UUID,
        ticket_ids: Collection[uuid.UUID],
        reason: str,
        *,
        search_again_after: timedelta,
        actor: Actor,
    ) -> None:
        """Nobody knows what became of these; they stay open, and Jira is searched once more later."""
        await self.session.execute(
            update(SendIntent)
            .where(*_open(session_id, ticket_ids))
            .values(reason=reason, search_again_at=func.clock_timestamp() + search_again_after)
        )
        events = [_event("intent.uncertain", ticket_id, {"reason": reason}) for ticket_id in ticket_ids]
        await self._write(actor, session_id, events)

    async def unresolved(self, session_id: uuid.UUID) -> list[SendIntent]:
        """The open intents of a session: requests of which nobody knows what became."""
        query = select(SendIntent).where(
            SendIntent.session_id == session_id, SendIntent.status == IntentStatus.OPEN
        )
        return list(await self.session.scalars(query.order_by(SendIntent.opened_at)))

    async def seconds_since(self, session_id: uuid.UUID, ticket_ids: Collection[uuid.UUID]) -> float:
        """How long ago the newest open intent of these tickets was written, by the database's clock."""
        age = func.clock_timestamp() - func.max(SendIntent.opened_at)
        query = select(func.extract("epoch", age)).where(*_open(session_id, ticket_ids))
        return float(await self.session.scalar(query) or 0)

    async def _require_fence(self, session_id: uuid.UUID, fence: Fence) -> None:
        query = select(SessionTask.id).where(*mine(session_id, fence.task_id, fence.attempt))
        if await self.session.scalar(query.with_for_update(read=True)) is None:
            raise StaleAttempt(
                f"Attempt {fence.attempt} of flow run {fence.task_id} does not hold the session."
            )

    async def _attempts(self, tickets: Sequence[Ticket]) -> dict[uuid.UUID, int]:
        """The last attempt per ticket; refuses tickets with an open one."""
        query = (
            select(SendIntent.ticket_id, func.max(SendIntent.attempt), func.bool_or(_IS_OPEN))
            .where(SendIntent.ticket_id.in_([ticket.id for ticket in tickets]))
            .group_by(SendIntent.ticket_id)
        )
        rows = (await self.session.execute(query)).tuples().all()
        if unknown := [ticket_id for ticket_id, _, is_open in rows if is_open]:
            raise InJira(f"{len(unknown)} tickets were sent before and may be in Jira; ask there first.")
        return {ticket_id: attempt for ticket_id, attempt, _ in rows}

    async def _close(self, session_id: uuid.UUID, reasons: Mapping[uuid.UUID, str]) -> list[uuid.UUID]:
        why = given_rows("why", ticket_id=(Uuid, reasons.keys()), reason=(Text, reasons.values()))
        closed = await self.session.scalars(
            update(SendIntent)
            .where(*_open(session_id, reasons), SendIntent.ticket_id == why.c.ticket_id)
            .values(status=IntentStatus.REFUSED, resolved_at=NOW, reason=why.c.reason)
            .returning(SendIntent.ticket_id)
            .execution_options(synchronize_session=False)
        )
        return list(closed)

    async def _mark_created(self, issues: Sequence[JiraIssue]) -> None:
        """The last intent of a ticket is the one that led to its issue, also when it was given up before."""
        created = given_rows(
            "created",
            ticket_id=(Uuid, [issue.ticket_id for issue in issues]),
            key=(Text, [issue.key for issue in issues]),
        )
        last = (
            select(func.max(SendIntent.attempt))
            .where(SendIntent.ticket_id == created.c.ticket_id)
            .correlate(created)
            .scalar_subquery()
        )
        await self.session.execute(
            update(SendIntent)
            .where(SendIntent.ticket_id == created.c.ticket_id, SendIntent.attempt == last)
            .values(status=IntentStatus.CREATED, resolved_at=NOW, jira_key=created.c.key)
            .execution_options(synchronize_session=False)
        )

    async def _write(self, actor: Actor, session_id: uuid.UUID, events: Sequence[Event]) -> None:
        await self.audit.write_many(actor, EventCategory.JIRA_EXPORT, session_id, events)


_IS_OPEN = SendIntent.status == IntentStatus.OPEN


def _open(session_id: uuid.UUID, ticket_ids: Collection[uuid.UUID]) -> tuple[Any, ...]:
    return SendIntent.session_id == session_id, _IS_OPEN, SendIntent.ticket_id.in_(ticket_ids)


def _require_validated(tickets: Sequence[Ticket], hashes: Mapping[uuid.UUID, str]) -> None:
    for ticket in tickets:
        if not hashes[ticket.id] == ticket.content_hash == ticket.validated_hash:
            raise NotValidated(f'"{ticket.title}" changed since it was validated; validate again.')
        if ticket.jira_ticket_key is not None:
            raise InJira(f'"{ticket.title}" is in Jira as {ticket.jira_ticket_key}.')


def _event(event_type: str, ticket_id: uuid.UUID, data: Mapping[str, Any], text: str = "") -> Event:
    return Event(event_type, text, entity_type="ticket", entity_id=str(ticket_id), event_data=data)
