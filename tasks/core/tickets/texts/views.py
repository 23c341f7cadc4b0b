"""Views with their displays."""

from collections.abc import Sequence

from tasks.core.tickets.facts import Fact, grouped, label, mention, of_type, value
from tasks.core.tickets.model import PlannedTicket
from tasks.core.tickets.texts.common import (
    EXPORTED,
    capital,
    removal,
    story_of_change,
    thing,
    unchanged,
    within,
)
from tasks.core.tickets.texts.headlines import headline
from tasks.core.tickets.texts.model import Text
from tasks.core.tickets.wording import clause, listed, quoted, spoken

VISITOR = "site visitor"
_LISTS_OF = "Lists of "
_NOTE, _READABLE = 300, 4


def view(ticket: PlannedTicket) -> Text:
    """A view with its displays; displays alone where the view exists already, or nowhere in the spec."""
    views, displays = of_type(ticket, "views"), of_type(ticket, "view_displays")
    if ticket.action == "removal":
        return removal(ticket, whole=bool(views))
    criteria = [*(_base(ticket, row) for row in views[:1]), *within(_plugins(displays), 2), _paths(displays)]
    criteria += within(_notes(displays), 2)
    criteria += ["" if ticket.action == "build" else unchanged(ticket), EXPORTED]
    if len(list(filter(None, criteria))) == 1:
        criteria.insert(0, f"{capital(thing(ticket))} has what its rows say and nothing else.")
    story = story_of_change(ticket, VISITOR, thing(ticket), _benefit(views))
    return Text(headline(ticket, whole=bool(views)), *story, tuple(filter(None, criteria)))


def _base(ticket: PlannedTicket, row: Fact) -> str:
    base, status = spoken(value(row, "base_table")), spoken(value(row, "status"))
    said = listed(
        [f"shows {quoted(base)}" if base else "", f"has the status {quoted(status)}" if status else ""]
    )
    return f"{capital(thing(ticket))} {said or 'exists'}."


def _plugins(displays: Sequence[Fact]) -> list[str]:
    return [
        f"Of display type {quoted(spoken(plugin))} it has {_labels(rows)}."
        for (plugin,), rows in grouped(displays, "display_plugin").items()
        if spoken(plugin)
    ]


def _paths(displays: Sequence[Fact]) -> str:
    pages = [
        f"{quoted(label(row))} at {mention(value(row, 'path'))}" for row in displays if value(row, "path")
    ]
    return f"These displays have an address: {listed(pages)}." if pages else ""


def _notes(displays: Sequence[Fact]) -> list[str]:
    """What each display shows, in the words of the spec; where that is too much to read, that the table says it."""
    notes = [(row, spoken(value(row, "notes"), _NOTE).rstrip(" .")) for row in displays]
    noted = [(row, note) for row, note in notes if note]
    if len(noted) > _READABLE:
        names = _labels([row for row, _ in noted])
        return [f"What is shown, filtered and sorted is what the table notes for {names}."]
    return [f"{quoted(label(row))} is set up as the spec notes: {note}." for row, note in noted]


def _labels(rows: Sequence[Fact]) -> str:
    return listed(dict.fromkeys(quoted(label(row)) for row in rows))


def _benefit(views: Sequence[Fact]) -> str:
    described = clause(value(views[0], "description"), 160) if views else ""
    if described.startswith(_LISTS_OF):
        return f"I can find {described[0].lower()}{described[1:]}"
    return "I can find the content that it lists"
