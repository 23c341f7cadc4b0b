"""The links between the issues: "blocks" runs from what is built first to what waits for it."""

from collections.abc import Sequence
from uuid import UUID

from blocks.jira_client import JiraClient
from blocks.jira_errors import JiraRefused
from blocks.jira_project import require_access
from db.repositories.delivery import PendingLink
from tasks.concurrency import together
from tasks.core.tickets.payload import ManualFix, Target
from tasks.export_ledger import Ledger

STORE_EVERY = 25


class Linker:
    """Makes the links of one session. Jira ignores a link that is there already, so a repetition is harmless."""

    def __init__(self, client: JiraClient, ledger: Ledger, link_type: str) -> None:
        self.client, self.ledger, self.link_type = client, ledger, link_type
        self._made: list[PendingLink] = []

    async def link(self, links: Sequence[PendingLink]) -> None:
        """Make all links; one that Jira refuses becomes a manual fix."""
        try:
            await together(*(self._link(link) for link in links))
        finally:
            await self._store()

    async def _link(self, pending: PendingLink) -> None:
        try:
            await self.client.link(self.link_type, source=pending.blocker_key, target=pending.jira_key)
        except JiraRefused as error:
            await require_access(self.client, self.ledger.project_key, "LINK_ISSUES")
            wanted = f"{pending.blocker_key} {self.link_type} {pending.jira_key}"
            fix = ManualFix(field="link", wanted=wanted, action=f"Link the issues: {wanted}. {error.message}")
            await self.ledger.needs_a_hand({pending.ticket_id: [fix]})
            return
        self._made.append(pending)
        if len(self._made) >= STORE_EVERY:
            await self._store()

    async def _store(self) -> None:
        made, self._made = self._made, []
        await self.ledger.linked(made)


def link_fixes(target: Target, links: Sequence[PendingLink]) -> dict[UUID, list[ManualFix]]:
    """What a person has to do where Jira has no such kind of link: change it, or make it."""
    wanted, used = target.link_wanted, target.link_type
    if used is not None and used.casefold() == wanted.casefold():
        return {}
    fixes: dict[UUID, list[ManualFix]] = {}
    for link in links:
        meant = f"{link.blocker_key} {wanted} {link.jira_key}"
        action = f"There is no link type {wanted}: " + (
            f"change {used} to it." if used else "link them by hand."
        )
        fixes.setdefault(link.ticket_id, []).append(ManualFix(field="link", wanted=meant, action=action))
    return fixes
