"""Looking for what must not be there: a second issue of one ticket, made when an assumption about Jira failed."""

from uuid import UUID

from blocks.jira_client import JiraClient
from tasks.core.tickets.payload import PROPERTY, session_label
from tasks.export_ledger import Ledger


async def find_surplus(client: JiraClient, ledger: Ledger) -> int:
    """Name every second issue of a ticket, in sessions where one is possible; returns how many were found."""
    if not await ledger.had_unknown_outcomes():
        return 0
    known = await ledger.known_keys()
    found = await client.search_label(ledger.project_key, session_label(str(ledger.session_id)))
    others = await client.fetch([i.key for i in found if i.key not in known], properties=[PROPERTY])
    in_jira = set(known.values())
    surplus = [
        (UUID(mark["ticket"]), issue.key)
        for issue in others
        if isinstance(mark := issue.properties.get(PROPERTY), dict)
        and mark.get("session") == str(ledger.session_id)
        and UUID(mark["ticket"]) in in_jira
    ]
    await ledger.name_surplus(surplus)
    return len(surplus)
