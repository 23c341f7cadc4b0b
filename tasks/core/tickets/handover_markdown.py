"""All tickets as a folder of Markdown: an index in the order of work, and a file for each."""

import re
import unicodedata
from collections.abc import Iterable

from tasks.core.tickets import gfm
from tasks.core.tickets.handover import Handed, Handover
from tasks.core.tickets.markdown import to_markdown

INDEX = "README.md"
ATTACHMENTS = "attachments"
LONGEST_SLUG = 60
_NO_WORD = re.compile(r"[^a-z0-9]+")


def markdown_files(handover: Handover) -> dict[str, bytes]:
    """The files by name, their attachments among them."""
    names = ticket_names(handover)
    files = {INDEX: _index(handover, names)}
    files |= {names[ticket.key]: _ticket(ticket, handover, names) for ticket in handover.tickets}
    return {name: text.encode() for name, text in files.items()} | attachment_files(handover)


def attachment_files(handover: Handover) -> dict[str, bytes]:
    """The files beside the tickets, each under the number of its ticket."""
    return {
        attachment_name(number, ticket): ticket.attachment.content.encode()
        for number, ticket in enumerate(handover.tickets, start=1)
        if ticket.attachment
    }


def attachment_name(number: int, ticket: Handed) -> str:
    """Where the file beside a ticket lies."""
    filename = ticket.attachment.filename if ticket.attachment else ""
    stem, _, ending = filename.rpartition(".")
    return f"{ATTACHMENTS}/{number:03}-{_slug(stem or filename)}.{_slug(ending) or 'md'}"


def ticket_names(handover: Handover) -> dict[str, str]:
    """A file name for each ticket: its number and the words of its title."""
    return {
        ticket.key: f"{number:03}-{_slug(ticket.title)}.md"
        for number, ticket in enumerate(handover.tickets, start=1)
    }


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return _NO_WORD.sub("-", plain).strip("-")[:LONGEST_SLUG].strip("-") or "ticket"


def _index(handover: Handover, names: dict[str, str]) -> str:
    head = f"# {gfm.escape(handover.site_name)}: {len(handover.tickets)} tickets\n"
    rows = [
        [str(number), f"[{gfm.escape(t.title)}]({names[t.key]})", t.group, _waits(t, handover, names)]
        for number, t in enumerate(handover.tickets, start=1)
    ]
    return f"{head}\nIn the order of work.\n\n{gfm.rows(['', 'Ticket', 'Group', 'Build after'], rows)}\n"


def _ticket(ticket: Handed, handover: Handover, names: dict[str, str]) -> str:
    number = handover.numbers()[ticket.key]
    facts = [f"- {name}: {value}" for name, value in _facts(ticket, number, handover, names)]
    return "\n\n".join([f"# {gfm.escape(ticket.title)}", "\n".join(facts), to_markdown(ticket.description)])


def _facts(
    ticket: Handed, number: int, handover: Handover, names: dict[str, str]
) -> Iterable[tuple[str, str]]:
    link = f"[{ticket.jira_key}]({ticket.jira_url})" if ticket.jira_key else ""
    parts = {
        "Issue": link,
        "Type": gfm.escape(ticket.issue_type),
        "Group": ticket.group,
        "Priority": gfm.escape(ticket.priority or ""),
        "Assignee": gfm.escape(ticket.assignee or ""),
        "Sprint": gfm.escape(ticket.sprint or ""),
        "Labels": gfm.escape(", ".join(ticket.labels)),
        "Components": gfm.escape(", ".join(ticket.components)),
        "Build after": _waits(ticket, handover, names),
        "Source": gfm.escape("; ".join(ticket.sources)),
        "File": f"[{gfm.escape(ticket.attachment.filename)}]({attachment_name(number, ticket)})"
        if ticket.attachment
        else "",
    }
    return ((name, value) for name, value in parts.items() if value)


def _waits(ticket: Handed, handover: Handover, names: dict[str, str]) -> str:
    titles = {other.key: other.title for other in handover.tickets}
    return ", ".join(
        f"[{gfm.escape(titles[key])}]({names[key]})" for key in ticket.depends_on if key in titles
    )
