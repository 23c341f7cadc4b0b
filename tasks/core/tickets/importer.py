"""The CSV that Jira's own importer takes: one row per ticket, in the order of work, with parents and links.

Named as Jira names these columns in its own CSV: the importer's wizard knows them. Labels, components and links that a
ticket has several of stand in columns of the same name. A link names the Issue ID of another row, as a parent does.
https://support.atlassian.com/jira-software-cloud/docs/create-issues-using-the-csv-importer/
"""

import csv
import io
from collections.abc import Sequence

from tasks.core.tickets.handover import Handed, Handover
from tasks.core.tickets.importer_wiki import to_wiki

SINGLE = (
    "Issue ID", "Parent", "Issue Type", "Summary", "Description", "Priority", "Assignee", "Sprint",
)  # fmt: skip
LINK = "Inward issue link ({})"


def importer_csv(handover: Handover) -> bytes:
    """UTF-8, commas, quotes where needed. Texts stand as they are: what guards a spreadsheet would be seen in Jira."""
    numbers = handover.numbers()
    rows = [_single(ticket, numbers[ticket.key], handover.parent_key) for ticket in handover.tickets]
    several: dict[str, list[Sequence[str]]] = {
        "Labels": [_labels(ticket) for ticket in handover.tickets],
        "Components": [ticket.components for ticket in handover.tickets],
        LINK.format(handover.link_type): [_links(ticket, numbers) for ticket in handover.tickets],
    }
    header = [name for name in SINGLE if any(row[name] for row in rows)]
    widths = {name: max(len(cells) for cells in values) for name, values in several.items()}
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([*header, *(name for name, width in widths.items() for _ in range(width))])
    for at, row in enumerate(rows):
        repeated = (cell for name, width in widths.items() for cell in _padded(several[name][at], width))
        writer.writerow([*(row[name] for name in header), *repeated])
    return out.getvalue().encode()


def _labels(ticket: Handed) -> list[str]:
    return [label.replace(" ", "-") for label in ticket.labels]


def _single(ticket: Handed, number: int, parent_key: str | None) -> dict[str, str]:
    """The columns that stand once; the importer needs an Issue ID to link by."""
    values = (
        str(number), parent_key, ticket.issue_type, ticket.title, to_wiki(ticket.description),
        ticket.priority, ticket.assignee, ticket.sprint,
    )  # fmt: skip
    return {name: value or "" for name, value in zip(SINGLE, values, strict=True)}


def _links(ticket: Handed, numbers: dict[str, int]) -> list[str]:
    """What blocks the ticket: the inward side of the link is the one that is built first."""
    return [str(numbers[key]) for key in ticket.depends_on if key in numbers]


def _padded(values: Sequence[str], width: int) -> list[str]:
    return [*values, *[""] * (width - len(values))]
