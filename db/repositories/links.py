"""Which dependencies of a session are links in Jira."""

import uuid
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import aliased

from db.models import Ticket, TicketDependency
from db.repositories.base import Repository


@dataclass(frozen=True, slots=True)
class IssueLink:
    """An issue and another one that must be built first; `linked` when Jira shows it."""

    issue: str
    waits_for: str
    linked: bool


class LinkRepository(Repository):
    """The links between the issues of a session."""

    async def of_session(self, session_id: uuid.UUID) -> list[IssueLink]:
        """All of them in the order of work, where both ends are in Jira."""
        waiting, first = aliased(Ticket), aliased(Ticket)
        query = (
            select(waiting.jira_ticket_key, first.jira_ticket_key, TicketDependency.linked_at)
            .join(waiting, waiting.id == TicketDependency.ticket_id)
            .join(first, first.id == TicketDependency.depends_on_ticket_id)
            .where(
                waiting.session_id == session_id,
                waiting.jira_ticket_key.is_not(None),
                first.jira_ticket_key.is_not(None),
            )
            .order_by(waiting.user_order, waiting.key, first.user_order, first.key)
        )
        rows = await self.session.execute(query)
        return [IssueLink(issue, waits_for, linked_at is not None) for issue, waits_for, linked_at in rows]
