"""What the export reads and writes down, each in a transaction of its own, and none across a request to Jira."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from db.actor import Actor
from db.engine import session_scope
from db.enums import ErrorCategory, ErrorSeverity, EventCategory, JiraUploadStatus, SessionStage
from db.errors import CancelRequested, StaleAttempt
from db.fence import Fence
from db.models import Ticket
from db.repositories.audit import AuditRepository
from db.repositories.background import TaskRepository
from db.repositories.delivery import DeliveryRepository, PendingLink, PendingUpload
from db.repositories.errors import ErrorRepository
from db.repositories.sessions import SessionRepository
from db.repositories.tickets import TicketRepository
from tasks.core.tickets.hashing import content_hash
from tasks.core.tickets.model import AttachmentFile
from tasks.core.tickets.payload import ManualFix, Outgoing
from tasks.core.tickets.row_identity import row_identity

Fixes = Mapping[UUID, Sequence[ManualFix]]
SURPLUS = "issue"  # the field of the manual fix that names a second issue


async def nobody_else() -> None:
    """Nobody but our own flag can cancel the work."""


@dataclass(frozen=True)
class Ledger:
    """The database as one export run sees it. Every write is safe to repeat.

    `still_wanted` is asked beside our own flag before every side effect; it raises Cancelled.
    """

    engine: AsyncEngine
    session_id: UUID
    fence: Fence
    actor: Actor
    site: str
    project_key: str
    address_of: Callable[[str], str]
    still_wanted: Callable[[], Awaitable[None]] = nobody_else

    async def require_my_turn(self) -> None:
        """Before a side effect: raises when a person asked to stop, or another attempt has taken over."""
        await self.still_wanted()
        async with session_scope(self.engine) as session:
            if await SessionRepository(session).cancel_requested(self.session_id):
                raise CancelRequested("A person asked for the export to stop.")
            fence = self.fence
            if not await TaskRepository(session).holds(self.session_id, fence.task_id, fence.attempt):
                raise StaleAttempt("Another attempt has taken over.")

    async def account(self) -> str | None:
        """The account that the session belongs to."""
        async with session_scope(self.engine) as session:
            return (await SessionRepository(session).get(self.session_id)).jira_user_id

    async def require_account(self, account_id: str, account_name: str) -> None:
        """Raises when the session belongs to another account or site than the one that we would send with."""
        async with session_scope(self.engine) as session:
            await SessionRepository(session).bind_account(
                self.session_id, self.site, account_id, account_name, actor=self.actor
            )

    async def tickets(self) -> list[Ticket]:
        """All tickets of the session, in the order of work."""
        async with session_scope(self.engine) as session:
            return await TicketRepository(session).list_tickets(self.session_id)

    async def dependencies(self) -> dict[str, list[str]]:
        """Per ticket what it waits for."""
        async with session_scope(self.engine) as session:
            found = await TicketRepository(session).dependencies(self.session_id)
        return {str(ticket): [str(other) for other in others] for ticket, others in found.items()}

    async def known_issues(self) -> dict[str, UUID]:
        """The tickets that are in Jira, by the id of their issue and by the key that it was created with."""
        async with session_scope(self.engine) as session:
            return await DeliveryRepository(session).known_issues(self.session_id)

    # Files

    async def pending_uploads(self) -> list[PendingUpload]:
        """Files that are not on their issues yet."""
        async with session_scope(self.engine) as session:
            return await DeliveryRepository(session).pending_uploads(self.session_id)

    async def upload_starts(self, file: PendingUpload) -> None:
        """From now on the file may be on its issue."""
        await self.require_my_turn()
        async with session_scope(self.engine) as session:
            await DeliveryRepository(session).upload_starts(
                self.session_id, file.attachment_id, actor=self.actor
            )

    async def upload_uncertain(self, file: PendingUpload, search_again_after: float) -> None:
        """Nobody knows whether the file is on its issue: look at the issue once more later."""
        after = timedelta(seconds=search_again_after)
        async with session_scope(self.engine) as session:
            await DeliveryRepository(session).search_again(
                self.session_id, file.ticket_id, after, actor=self.actor
            )

    async def uploaded(self, file: PendingUpload, jira_attachment_id: str) -> None:
        """The file is on its issue."""
        status = JiraUploadStatus.UPLOADED
        async with session_scope(self.engine) as session:
            await DeliveryRepository(session).store_upload(
                self.session_id, file.attachment_id, status, jira_attachment_id, actor=self.actor
            )

    async def upload_refused(self, file: PendingUpload, reason: str) -> None:
        """Jira does not take the file."""
        action = f"Attach the file {file.filename} by hand. {reason}"
        fix = ManualFix(field="attachment", wanted=file.filename, action=action)
        async with session_scope(self.engine) as session:
            await DeliveryRepository(session).store_upload(
                self.session_id, file.attachment_id, JiraUploadStatus.FAILED, actor=self.actor
            )
            await self._store_fixes(session, {file.ticket_id: [fix]})

    async def file_goes(self, ticket_id: UUID, filename: str, jira_attachment_id: str) -> None:
        """The second copy of a file is about to be deleted."""
        async with session_scope(self.engine) as session:
            await AuditRepository(session).write(
                self.actor,
                "attachment.deletion_started",
                EventCategory.JIRA_EXPORT,
                session_id=self.session_id,
                entity_type="ticket",
                entity_id=ticket_id,
                description=f"Deleting the second {filename}",
                event_data={"jira_attachment_id": jira_attachment_id},
            )

    # Links

    async def pending_links(self) -> list[PendingLink]:
        """Dependencies that are not links yet."""
        async with session_scope(self.engine) as session:
            return await DeliveryRepository(session).pending_links(self.session_id)

    async def linked(self, links: Sequence[PendingLink]) -> None:
        """These dependencies are links now."""
        edges = [(link.ticket_id, link.depends_on) for link in links]
        async with session_scope(self.engine) as session:
            await DeliveryRepository(session).store_links(self.session_id, edges, actor=self.actor)

    async def count_links(self) -> int:
        """How many dependencies are links."""
        async with session_scope(self.engine) as session:
            return await DeliveryRepository(session).count_links(self.session_id)

    # What a person has to do

    async def needs_a_hand(self, fixes: Fixes) -> None:
        """A person has to do this in Jira."""
        if not fixes:
            return
        async with session_scope(self.engine) as session:
            await self._store_fixes(session, fixes)

    async def had_unknown_outcomes(self) -> bool:
        """Whether anything was ever sent of which nobody knew for a while what became of it."""
        async with session_scope(self.engine) as session:
            return await DeliveryRepository(session).had_unknown_outcomes(self.session_id)

    async def name_surplus(self, surplus: Sequence[tuple[UUID, str]]) -> None:
        """Tickets have a second issue: both are named, and a person deletes one of them."""
        for ticket_id, second in surplus:
            async with session_scope(self.engine) as session:
                ticket = await TicketRepository(session).get(ticket_id)
                first = ticket.jira_ticket_key
                action = f"{first} and {second} are the same ticket. Delete {second} in Jira."
                fix = ManualFix(field=SURPLUS, wanted=f"only {first}, not {second}", action=action)
                if await self._store_fixes(session, {ticket_id: [fix]}):
                    message = f"“{ticket.title}” is in Jira twice: {first} and {second}."
                    await self._warn(
                        session, ticket_id, "surplus-issue", message, f"Delete {second} in Jira."
                    )

    async def _store_fixes(self, session: AsyncSession, fixes: Fixes) -> set[UUID]:
        plain = {ticket_id: [fix.model_dump() for fix in each] for ticket_id, each in fixes.items()}
        return await DeliveryRepository(session).store_fixes(self.session_id, plain, actor=self.actor)

    async def _warn(
        self, session: AsyncSession, ticket_id: UUID, code: str, message: str, action: str
    ) -> None:
        await ErrorRepository(session).record(
            self.session_id,
            category=ErrorCategory.USER_FIXABLE,
            severity=ErrorSeverity.WARNING,
            stage=SessionStage.JIRA_EXPORT,
            code=code,
            message=message,
            recovery_actions=[action],
            related_ticket_id=ticket_id,
            actor=self.actor,
        )


def outgoing(ticket: Ticket) -> Outgoing:
    """A stored ticket as it leaves us; its hash is taken from exactly what is sent."""
    file = ticket.attachment
    attachment = AttachmentFile(filename=file.filename, content=file.content) if file else None
    return Outgoing(
        ticket_id=str(ticket.id),
        key=ticket.key,
        rows=tuple(row_identity(row) for row in ticket.plan.get("rows", ())),
        title=ticket.title,
        description=ticket.description,
        content_hash=content_hash(ticket.title, ticket.description, attachment),
        attachment=attachment,
        issue_type=ticket.issue_type,
        labels=tuple(ticket.labels),
        components=tuple(ticket.components),
        priority=ticket.priority,
        assignee=ticket.assignee,
        sprint=ticket.sprint,
    )
