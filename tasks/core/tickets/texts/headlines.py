"""Titles: what is done, to what, in the words of the spec."""

from collections import Counter

from tasks.core.spec.registry import REGISTRY
from tasks.core.tickets.facts import label
from tasks.core.tickets.model import PlannedTicket
from tasks.core.tickets.wording import clause, counted, listed, quoted, spoken

NAME = 120
VERBS = {"build": "Create", "extend": "Extend", "change": "Change", "removal": "Remove"}


def name(ticket: PlannedTicket) -> str:
    """What people call the ticket's thing; where that cannot be spoken, its first row."""
    return spoken(ticket.name, NAME) or (label(ticket.rows[0]) if ticket.rows else ticket.subject)


def clause_name(ticket: PlannedTicket) -> str:
    """The name as it may stand inside one sentence."""
    return quoted(clause(name(ticket), NAME) or ticket.subject)


def parts(ticket: PlannedTicket) -> str:
    """`43 fields`, `4 workflow states and 16 workflow transitions`: the rows, counted by what they are."""
    counts = Counter(REGISTRY.get(row["csv_type"], REGISTRY["custom"]).subject for row in ticket.rows)
    return listed(counted(number, subject) for subject, number in counts.items())


def headline(ticket: PlannedTicket, *, whole: bool) -> str:
    """The title; `whole` when the ticket holds the thing itself, not only parts of it."""
    thing = f"{ticket.subject}: {name(ticket)}"
    if ticket.action == "extend":
        return f"Extend {ticket.subject} {name(ticket)} with {parts(ticket)}"
    if whole:
        return f"{VERBS[ticket.action]} {thing}"
    verb = "Configure" if ticket.action == "build" else VERBS[ticket.action]
    where = "from" if ticket.action == "removal" else "on"
    return f"{verb} {parts(ticket)} {where} {name(ticket)} ({ticket.subject})"
