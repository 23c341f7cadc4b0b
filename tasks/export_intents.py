"""What the export writes down before a create request, and what it learns of its outcome."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from blocks.jira_answers import Issue
from db.engine import session_scope
from db.errors import Changed
from db.repositories.delivery import DeliveryRepository
from db.repositories.exports import ExportedRow, ExportRepository
from db.repositories.intents import IntentRepository, JiraIssue
from db.repositories.tickets import TicketRepository
from tasks.core.errors import UserFixable
from tasks.core.tickets.description import text_length
from tasks.core.tickets.payload import ManualFix, Outgoing
from tasks.export_ledger import Ledger
from tasks.review_content import rebuild, waits_for

LOST = "Nobody knows whether Jira created it."


class IntentLedger(Ledger):
    """The ledger of whoever creates issues."""

    async def unsure(self) -> set[str]:
        """Tickets without a key that may be in Jira all the same."""
        async with session_scope(self.engine) as session:
            return {str(ticket) for ticket in await DeliveryRepository(session).unsure(self.session_id)}

    async def open_intents(
        self, tickets: Sequence[Outgoing], fixes: Sequence[Sequence[ManualFix]] = (), *, again: bool = False
    ) -> None:
        """Permit one request for these tickets and keep what it leaves out, in one transaction.

        `again` when Jira was asked and does not know them, or knows them with another text.
        """
        await self.still_wanted()
        items = [(UUID(ticket.ticket_id), ticket.content_hash) for ticket in tickets]
        left_out = {item[0]: each for item, each in zip(items, fixes, strict=False) if each}
        async with session_scope(self.engine) as session:
            await IntentRepository(session).open_intents(
                self.session_id, self.fence, items, actor=self.actor, again=again
            )
            await self._store_fixes(session, left_out)

    async def created(self, tickets: Sequence[Outgoing], found: Mapping[str, Sequence[Issue]]) -> None:
        """Store the issues that are proven to be these tickets', and the export record; name every surplus."""
        issues = {ticket.ticket_id: self._issue(ticket, found[ticket.ticket_id][0]) for ticket in tickets}
        rows = [
            ExportedRow(row, ticket.key, ticket.content_hash, issues[ticket.ticket_id].key)
            for ticket in tickets
            for row in ticket.rows
        ]
        async with session_scope(self.engine) as session:
            late = await IntentRepository(session).resolve(
                self.session_id, list(issues.values()), actor=self.actor
            )
            await ExportRepository(session).record(
                self.session_id, self.site, self.project_key, rows, actor=self.actor
            )
        others = [(UUID(t.ticket_id), issue.key) for t in tickets for issue in found[t.ticket_id][1:]]
        await self.name_surplus([*((issue.ticket_id, issue.key) for issue in late), *others])

    async def not_created(self, tickets: Sequence[Outgoing], reason: str) -> None:
        """Jira certainly did not create them."""
        reasons = {UUID(ticket.ticket_id): reason for ticket in tickets}
        async with session_scope(self.engine) as session:
            await IntentRepository(session).refuse(self.session_id, self.fence, reasons, actor=self.actor)

    async def refused(self, ticket: Outgoing, reason: str) -> None:
        """Trying again with the ticket as it is will not help: a person has to look at it."""
        message = f"Jira refused “{ticket.title}”: {reason}"
        action = "Change the ticket, validate, and export again."
        async with session_scope(self.engine) as session:
            await self._warn(session, UUID(ticket.ticket_id), "ticket-refused", message, action)

    async def shorten(self, ticket: Outgoing) -> bool:
        """Move more of a description that Jira finds too long into its file; nothing is cut.

        False when there is nothing left to move. The ticket has to be validated again.
        """
        try:
            async with session_scope(self.engine) as session:
                return await self._shorten(TicketRepository(session), UUID(ticket.ticket_id))
        except Changed:
            return True  # by a person, in this moment: it has to be validated again anyway
        except UserFixable:
            return False  # a shorter one could not be sent either

    async def _shorten(self, tickets: TicketRepository, ticket_id: UUID) -> bool:
        stored = await tickets.get(ticket_id)
        content = rebuild(stored, {}, await waits_for(tickets, stored), shorter=True)
        if text_length(dict(content.description)) >= text_length(stored.description):
            return False
        await tickets.edit(
            stored.id,
            self.session_id,
            {},
            revision=stored.revision,
            actor=self.actor,
            content=content,
            by_person=False,
        )
        return True

    async def uncertain(self, tickets: Sequence[Outgoing], search_again_after: float) -> None:
        """Nobody knows what became of these: they stay open, and Jira is searched once more later."""
        if not tickets:
            return
        async with session_scope(self.engine) as session:
            await IntentRepository(session).uncertain(
                self.session_id,
                [UUID(ticket.ticket_id) for ticket in tickets],
                LOST,
                search_again_after=timedelta(seconds=search_again_after),
                actor=self.actor,
            )

    async def seconds_since_intent(self, tickets: Sequence[Outgoing]) -> float:
        """How long ago the newest of these was permitted, by the database's clock."""
        async with session_scope(self.engine) as session:
            ids = [UUID(ticket.ticket_id) for ticket in tickets]
            return await IntentRepository(session).seconds_since(self.session_id, ids)

    def _issue(self, ticket: Outgoing, issue: Issue) -> JiraIssue:
        address = self.address_of(issue.key)
        return JiraIssue(UUID(ticket.ticket_id), issue.key, address, issue.id, ticket.content_hash)
