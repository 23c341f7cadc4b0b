"""Tickets of a later spec that are in Jira already: found by their rows, named before anything is sent twice."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from db.enums import ErrorSeverity
from tasks.core.findings import Finding
from tasks.core.tickets.model import Frozen, PlannedTicket
from tasks.core.tickets.row_identity import row_identity


class KnownIssue(Frozen):
    """An issue that was made of a row, by an earlier session."""

    row: str
    key: str
    content_hash: str


class InJira(Frozen):
    """The issues that hold a ticket's rows already, and whether one of them says exactly the same."""

    issues: tuple[str, ...]
    unchanged: bool


def by_row(known: Iterable[KnownIssue]) -> dict[str, list[KnownIssue]]:
    """The issues of each row."""
    found: dict[str, list[KnownIssue]] = {}
    for issue in known:
        found.setdefault(issue.row, []).append(issue)
    return found


def in_jira(
    rows: Iterable[Mapping[str, Any]], known: Mapping[str, Sequence[KnownIssue]], content_hash: str = ""
) -> InJira | None:
    """What holds these rows already; None when nothing does."""
    found = [issue for row in rows for issue in known.get(row_identity(row), ())]
    if not found:
        return None
    issues = tuple(dict.fromkeys(issue.key for issue in found))
    return InJira(issues=issues, unchanged=any(issue.content_hash == content_hash for issue in found))


def already_in_jira(
    tickets: Iterable[PlannedTicket], known: Mapping[str, Sequence[KnownIssue]]
) -> tuple[Finding, ...]:
    """One finding for each planned ticket whose rows are in Jira already."""
    held = ((ticket, in_jira(ticket.rows, known)) for ticket in tickets)
    return tuple(_finding(ticket, there) for ticket, there in held if there is not None)


def _finding(ticket: PlannedTicket, there: InJira) -> Finding:
    issues = ", ".join(there.issues)
    return Finding(
        code="already-in-jira",
        severity=ErrorSeverity.WARNING,
        message=f"The {ticket.subject} “{ticket.name}” is in Jira already as {issues}; this makes another issue of it.",
        file=ticket.sources[0].file,
        records=ticket.sources[0].records,
        value=issues,
        actions=(
            "If it is built or on its way there: set X of these rows to “x” and upload the file again.",
            f"If it is new work on it: set X to “c”, and name {issues} in the notes of the ticket.",
        ),
    )
