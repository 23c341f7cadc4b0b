"""Looking for what must not be there: a second issue or file, made when an assumption about Jira failed."""

from collections.abc import Sequence
from uuid import UUID

from blocks.jira_answers import AttachmentInfo
from blocks.jira_client import JiraClient
from blocks.jira_errors import JiraRefused
from db.models import Ticket
from tasks.core.errors import AdminRequired
from tasks.core.tickets.payload import PROPERTY, ManualFix, session_label
from tasks.export_ledger import SURPLUS, Ledger
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


def what_is_left(tickets: Sequence[Ticket], doubtful: bool) -> list[str]:
    """What has to be said of an export that is complete: second issues first, then the rest."""
    fixes = [fix for ticket in tickets for fix in ticket.manual_fixes]
    said = [fix["action"] for fix in fixes if fix["field"] == SURPLUS]
    if fixes:
        said.append(f"{len(fixes)} things need a hand.")
    if doubtful:
        said.append(
            "What became of a request was unknown for a while: Jira is searched for second issues later."
        )
    return said


async def _second_issues(client: JiraClient, ledger: Ledger) -> list[tuple[UUID, str]]:
    known = await ledger.known_issues()
    found = await client.search_label(session_label(str(ledger.session_id)))
    unknown = [issue.key for issue in found if issue.id not in known and issue.key not in known]
    others = await client.fetch(unknown, properties=[PROPERTY])
    in_jira = {str(ticket): ticket for ticket in known.values()}
    claimed = by_ticket(others, str(ledger.session_id))
    return [(in_jira[t], issue.key) for t, issues in claimed.items() if t in in_jira for issue in issues]


async def _delete_second_files(client: JiraClient, ledger: Ledger) -> None:
    account = await ledger.account()
    ours = [(t.jira_ticket_key, t.id, t.attachment) for t in await ledger.tickets()]
    present = await client.attachments(key for key, _, file in ours if key and file)
    for key, ticket_id, file in ours:
        if key and file:
            found = copies(present.get(key, ()), file.filename, file.content, account)
            await keep_oldest(client, ledger, ticket_id, found)


def copies(
    present: Sequence[AttachmentInfo], filename: str, content: str, account: str | None
) -> list[AttachmentInfo]:
    """The files on an issue that are this one and were put there by our account, the oldest first."""
    ours = (filename, len(content.encode()), account)
    same = (file for file in present if (file.filename, file.size, file.author_id) == ours)
    return sorted(same, key=lambda file: int(file.id))


async def keep_oldest(
    client: JiraClient, ledger: Ledger, ticket_id: UUID, found: Sequence[AttachmentInfo]
) -> None:
    """Delete all copies of a file but the first; where that is not allowed, a person does."""
    for copy in found[1:]:
        await ledger.file_goes(ticket_id, copy.filename, copy.id)
        try:
            await client.delete_attachment(copy.id)
        except (AdminRequired, JiraRefused) as error:
            action = f"Delete the second {copy.filename}. {error.message}"
            fix = ManualFix(field="attachment", wanted=f"{copy.filename} once", action=action)
            await ledger.needs_a_hand({ticket_id: [fix]})
