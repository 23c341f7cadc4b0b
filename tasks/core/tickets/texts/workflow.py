"""Workflows with their states and transitions."""

from collections.abc import Sequence

from tasks.core.tickets.facts import Fact, distinct, grouped, label, of_type, value
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
from tasks.core.tickets.wording import listed, quoted, spoken

EDITOR = "content editor"


def workflow(ticket: PlannedTicket) -> Text:
    """A workflow; its states and transitions alone where it exists already, or nowhere in the spec."""
    whole = of_type(ticket, "workflows")
    if ticket.action == "removal":
        return removal(ticket, whole=bool(whole))
    states, transitions = of_type(ticket, "workflow_states"), of_type(ticket, "workflow_transitions")
    criteria = [_exists(ticket, whole[0]) if whole else "", _states(states)]
    criteria += within([_transition(rows) for rows in _transitions(transitions)], 4)
    criteria += [_only(whole, transitions) if ticket.action == "build" else unchanged(ticket), EXPORTED]
    story = story_of_change(
        ticket, EDITOR, thing(ticket), "content is seen only in the states meant to be seen"
    )
    return Text(headline(ticket, whole=bool(whole)), *story, tuple(filter(None, criteria)))


def _exists(ticket: PlannedTicket, row: Fact) -> str:
    kind, notes = spoken(value(row, "type")), spoken(value(row, "notes"), 200).rstrip(" .")
    of_kind = f" with the type {quoted(kind)}" if kind else ""
    return f"{capital(thing(ticket))} exists{of_kind}{': ' + notes if notes else ''}."


def _states(states: Sequence[Fact]) -> str:
    return (
        f"Content can be in these states: {listed(quoted(label(row)) for row in states)}." if states else ""
    )


def _transitions(rows: Sequence[Fact]) -> list[list[Fact]]:
    """A transition is the group of rows with one name; each row is one state that it may start from."""
    return list(grouped(rows, "workflow", "machine_name", "label", "to_state").values())


def _transition(rows: Sequence[Fact]) -> str:
    come_from = listed([spoken(state) for state in distinct(rows, "from_state")])
    goes_to = spoken(value(rows[0], "to_state"))
    notes = listed([spoken(note, 120).rstrip(" .") for note in distinct(rows, "notes")])
    way = f"leads{' from ' + come_from if come_from else ''}{' to ' + goes_to if goes_to else ''}"
    return f"The transition {quoted(label(rows[0]))} {way}{' (' + notes + ')' if notes else ''}."


def _only(whole: Sequence[Fact], transitions: Sequence[Fact]) -> str:
    return "No other change of state is offered to anyone." if whole and transitions else ""
