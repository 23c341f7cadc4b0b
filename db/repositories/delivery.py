"""What the export remembers beside its intents: files, links, manual fixes."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, tuple_, update
from sqlalchemy.orm import aliased

from db.actor import Actor
from db.base import NOW
from db.enums import EventCategory, IntentStatus, JiraUploadStatus
from db.errors import NotValidated
from db.models import Attachment, SendIntent, Ticket, TicketDependency
from db.repositories.audit import Event
from db.repositories.base import Repository


@dataclass(frozen=True, slots=True)
class PendingUpload:
    """A file that is not on its issue yet, as far as we know."""

    attachment_id: uuid.UUID
    ticket_id: uuid.UUID
    jira_key: str
    filename: str
    content: str
    seconds_since_start: float | None


@dataclass(frozen=True, slots=True)
class PendingLink:
    """A dependency whose issues are not linked yet, as far as we know."""

    ticket_id: uuid.UUID
    depends_on: uuid.UUID
    jira_key: str
    blocker_key: str


class DeliveryRepository(Repository):
    """Written by the export alone. None of it is content, and all of it can be written twice."""

    async def store_fixes(
        self, session_id: uuid.UUID, fixes: Mapping[uuid.UUID, Sequence[Mapping[str, Any]]], *, actor: Actor
    ) -> set[uuid.UUID]:
        """Add what a person has to do by hand, once per ticket, field and wanted value; returns who got a new one."""
        query = select(Ticket.id, Ticket.manual_fixes).where(
            Ticket.session_id == session_id, Ticket.id.in_(fixes)
        )
        changed: dict[uuid.UUID, dict[str, Any]] = {}
        for ticket_id, before in (await self.session.execute(query.with_for_update())).all():
            known = {(fix["field"], fix["wanted"]) for fix in before}
            new = [dict(fix) for fix in fixes[ticket_id] if (fix["field"], fix["wanted"]) not in known]
            if new:
                changed[ticket_id] = {"before": before, "after": [*before, *new]}
                await self._set_fixes(ticket_id, [*before, *new])
        events = [
            Event(
                "ticket.needs_a_hand",
                entity_type="ticket",
                entity_id=str(ticket),
                event_data={"fixes": fixes[ticket]},
                detail=detail,
            )
            for ticket, detail in changed.items()
        ]
        await self.audit.write_many(actor, EventCategory.JIRA_EXPORT, session_id, events)
        return set(changed)

    async def known_issues(self, session_id: uuid.UUID) -> dict[str, uuid.UUID]:
        """The tickets of a session by the issue that each of them is: by its id, which stays, and by its first key.

        A key changes when an issue or its project moves.
        """
        query = select(Ticket.jira_issue_id, Ticket.jira_ticket_key, Ticket.id).where(
            Ticket.session_id == session_id, Ticket.jira_ticket_key.is_not(None)
        )
        rows = (await self.session.execute(query)).tuples().all()
        return {str(name): ticket_id for *names, ticket_id in rows for name in names if name is not None}

    async def had_unknown_outcomes(self, session_id: uuid.UUID) -> bool:
        """Whether nobody knew for a while what became of a request: then there may be a second issue."""
        query = select(SendIntent.id).where(
            SendIntent.session_id == session_id, SendIntent.search_again_at.is_not(None)
        )
        return await self.session.scalar(query.limit(1)) is not None

    async def search_again(
        self, session_id: uuid.UUID, ticket_id: uuid.UUID, after: timedelta, *, actor: Actor
    ) -> None:
        """Nobody knows what became of a request for this ticket: look at it once more later."""
        last = select(func.max(SendIntent.attempt)).where(SendIntent.ticket_id == ticket_id).scalar_subquery()
        await self.session.execute(
            update(SendIntent)
            .where(SendIntent.session_id == session_id, SendIntent.ticket_id == ticket_id)
            .where(SendIntent.attempt == last)
            .values(search_again_at=func.clock_timestamp() + after)
            .execution_options(synchronize_session=False)
        )
        await self.audit.write(
            actor,
            "attachment.uncertain",
            EventCategory.JIRA_EXPORT,
            session_id=session_id,
            entity_type="ticket",
            entity_id=ticket_id,
        )

    async def unsure(self, session_id: uuid.UUID) -> set[uuid.UUID]:
        """Tickets without an issue of which one may exist all the same: Jira is asked before they are sent."""
        query = (
            select(Ticket.id)
            .join(SendIntent, SendIntent.ticket_id == Ticket.id)
            .where(Ticket.session_id == session_id, Ticket.jira_ticket_key.is_(None))
            .where(or_(SendIntent.status == IntentStatus.OPEN, SendIntent.search_again_at.is_not(None)))
        )
        return set(await self.session.scalars(query))

    async def searches_due(self) -> list[uuid.UUID]:
        """Sessions whose Jira has to be searched once more for a second issue."""
        query = select(SendIntent.session_id).where(_search_is_due())
        return list(await self.session.scalars(query.distinct()))

    async def searched(self, session_id: uuid.UUID, found: int, *, actor: Actor) -> None:
        """The later search of a session is done; so many second issues were found."""
        await self.session.execute(
            update(SendIntent)
            .where(SendIntent.session_id == session_id, _search_is_due())
            .values(search_again_at=None)
            .execution_options(synchronize_session=False)
        )
        await self.audit.write(
            actor,
            "session.searched_again",
            EventCategory.JIRA_EXPORT,
            session_id=session_id,
            entity_type="session",
            entity_id=session_id,
            description=f"Searched again: {found} second issues",
            event_data={"second_issues": found},
        )

    async def pending_uploads(self, session_id: uuid.UUID) -> list[PendingUpload]:
        """The files whose ticket is in Jira and that are not known to be there."""
        age = func.extract("epoch", func.clock_timestamp() - Attachment.upload_started_at)
        query = (
            select(
                Attachment.id, Ticket.id, Ticket.jira_ticket_key, Attachment.filename, Attachment.content, age
            )
            .join(Ticket, Ticket.id == Attachment.ticket_id)
            .where(Attachment.session_id == session_id, Ticket.jira_ticket_key.is_not(None))
            .where(Attachment.jira_upload_status == JiraUploadStatus.PENDING)
            .order_by(Ticket.user_order)
        )
        return [
            PendingUpload(
                file_id, ticket_id, str(key), filename, content, None if age is None else float(age)
            )
            for file_id, ticket_id, key, filename, content, age in await self.session.execute(query)
        ]

    async def upload_starts(self, session_id: uuid.UUID, attachment_id: uuid.UUID, *, actor: Actor) -> None:
        """From now on the file may be on its issue. Raises NotValidated when its ticket does not stand as validated."""
        title_of_changed = (
            select(Ticket.title)
            .join(Attachment, Attachment.ticket_id == Ticket.id)
            .where(Attachment.id == attachment_id)
            .where(Ticket.validated_hash.is_distinct_from(Ticket.content_hash))
        )
        if (title := await self.session.scalar(title_of_changed)) is not None:
            raise NotValidated(f'"{title}" changed since it was validated; validate again.')
        await self._set_upload(attachment_id, upload_started_at=NOW)
        await self.audit.write(
            actor,
            "attachment.started",
            EventCategory.JIRA_EXPORT,
            session_id=session_id,
            entity_type="attachment",
            entity_id=attachment_id,
        )

    async def store_upload(
        self,
        session_id: uuid.UUID,
        attachment_id: uuid.UUID,
        status: JiraUploadStatus,
        jira_attachment_id: str | None = None,
        *,
        actor: Actor,
    ) -> None:
        """What became of the upload."""
        await self._set_upload(
            attachment_id, jira_upload_status=status, jira_attachment_id=jira_attachment_id
        )
        await self.audit.write(
            actor,
            f"attachment.{status}",
            EventCategory.JIRA_EXPORT,
            session_id=session_id,
            entity_type="attachment",
            entity_id=attachment_id,
            event_data={"jira_attachment_id": jira_attachment_id},
        )

    async def pending_links(self, session_id: uuid.UUID) -> list[PendingLink]:
        """The dependencies between tickets in Jira that are not known to be linked, in the order of work."""
        blocker = aliased(Ticket)
        query = (
            select(Ticket.id, blocker.id, Ticket.jira_ticket_key, blocker.jira_ticket_key)
            .select_from(TicketDependency)
            .join(Ticket, Ticket.id == TicketDependency.ticket_id)
            .join(blocker, blocker.id == TicketDependency.depends_on_ticket_id)
            .where(Ticket.session_id == session_id, TicketDependency.linked_at.is_(None))
            .where(Ticket.jira_ticket_key.is_not(None), blocker.jira_ticket_key.is_not(None))
            .order_by(Ticket.user_order, blocker.user_order)
        )
        found = await self.session.execute(query)
        return [PendingLink(ticket, other, str(key), str(by)) for ticket, other, key, by in found]

    async def store_links(
        self, session_id: uuid.UUID, edges: Sequence[tuple[uuid.UUID, uuid.UUID]], *, actor: Actor
    ) -> None:
        """These dependencies, as (ticket, depends on), are links in Jira now."""
        if not edges:
            return
        pair = tuple_(TicketDependency.ticket_id, TicketDependency.depends_on_ticket_id)
        await self.session.execute(
            update(TicketDependency)
            .where(pair.in_(edges))
            .values(linked_at=NOW)
            .execution_options(synchronize_session=False)
        )
        events = [
            Event(
                "ticket.linked_in_jira",
                entity_type="ticket",
                entity_id=str(ticket),
                event_data={"to": str(to)},
            )
            for ticket, to in edges
        ]
        await self.audit.write_many(actor, EventCategory.JIRA_EXPORT, session_id, events)

    async def count_links(self, session_id: uuid.UUID) -> int:
        """How many dependencies of a session are links in Jira."""
        query = (
            select(func.count())
            .select_from(TicketDependency)
            .join(Ticket, Ticket.id == TicketDependency.ticket_id)
            .where(Ticket.session_id == session_id, TicketDependency.linked_at.is_not(None))
        )
        return await self.session.scalar(query) or 0

    async def _set_fixes(self, ticket_id: uuid.UUID, fixes: list[dict[str, Any]]) -> None:
        await self.session.execute(
            update(Ticket)
            .where(Ticket.id == ticket_id)
            .values(manual_fixes=fixes, updated_at=Ticket.updated_at)
            .execution_options(synchronize_session=False)
        )

    async def _set_upload(self, attachment_id: uuid.UUID, **values: Any) -> None:
        await self.session.execute(
            update(Attachment)
            .where(Attachment.id == attachment_id)
            .values(**values)
            .execution_options(synchronize_session=False)
        )


def _search_is_due() -> ColumnElement[bool]:
    """Of tickets with an issue; those without are asked for before they are sent again."""
    in_jira = select(Ticket.id).where(Ticket.jira_ticket_key.is_not(None))
    return and_(SendIntent.search_again_at <= func.clock_timestamp(), SendIntent.ticket_id.in_(in_jira))
