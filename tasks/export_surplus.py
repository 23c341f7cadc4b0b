"""Looking for what must not be there: a second issue or file, made when an assumption about Jira failed."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from blocks.jira_answers import AttachmentInfo
from blocks.jira_client import JiraClient
from tasks.core.tickets.payload import PROPERTY, session_label
from tasks.export_ledger import Ledger
from tasks.export_marks import by_ticket


async def find_surplus(client: JiraClient, ledger: Ledger) -> int:
    """Name every second issue of a ticket and delete every second copy of a file, where there can be one.

    Returns how many second issues there are.
    """
    if not await ledger.had_unknown_outcomes():
        return 0
    surplus = await _second_issues(client, ledger)
    await ledger.name_surplus(surplus)
    await _delete_second_files(client, ledger)
    return len(surplus)


async def _second_issues(client: JiraClient, ledger: Ledger) -> list[tuple[UUID, str]]:
    known = await ledger.known_keys()
    found = await client.search_label(ledger.project_key, session_label(str(ledger.session_id)))
    others = await client.fetch([i.key for i in found if i.key not in known], properties=[PROPERTY])
    in_jira = {str(ticket): ticket for ticket in known.values()}
    claimed = by_ticket(others, str(ledger.session_id))
    return [(in_jira[t], issue.key) for t, issues in claimed.items() if t in in_jira for issue in issues]


async def _delete_second_files(client: JiraClient, ledger: Ledger) -> None:
    ours = {
        t.jira_ticket_key: t.attachment for t in await ledger.tickets() if t.attachment and t.jira_ticket_key
    }
    present = await client.attachments(key for key in ours if key)
    for key, file in ours.items():
        size = len(file.content.encode())
        for copy in copies(present, str(key), file.filename, size)[1:]:
            await client.delete_attachment(copy.id)


def copies(
    present: Mapping[str, Sequence[AttachmentInfo]], key: str, filename: str, size: int
) -> list[AttachmentInfo]:
    """The files on an issue that are this one, the oldest first."""
    same = (file for file in present.get(key, ()) if (file.filename, file.size) == (filename, size))
    return sorted(same, key=lambda file: int(file.id))
