"""Image styles with their variants and effects, and responsive image styles."""

from collections.abc import Sequence

from tasks.core.tickets.facts import Fact, grouped, label, of_type, value
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

VISITOR = "site visitor"
_NOTE = 200


def image_style(ticket: PlannedTicket) -> Text:
    """A style with its variants; effects alone where the style exists already, or nowhere in the spec."""
    styles, effects = of_type(ticket, "image_styles"), of_type(ticket, "image_effects")
    if ticket.action == "removal":
        return removal(ticket, whole=bool(styles))
    lines = within([*map(_noted, styles), *_effects(effects)], 5)
    kept = "" if ticket.action == "build" else unchanged(ticket)
    first = (
        f"Each image style of the table can be chosen where images are shown: {_labels(styles)}."
        if styles
        else ""
    )
    criteria = [first or f"The effects of the table apply to {thing(ticket)}.", *lines, kept, EXPORTED]
    story = story_of_change(
        ticket, VISITOR, f"images in {thing(ticket)}", "they fit their place and load fast"
    )
    return Text(headline(ticket, whole=bool(styles)), *story, tuple(filter(None, criteria)))


def responsive_style(ticket: PlannedTicket) -> Text:
    """A responsive image style: breakpoints, fallback, and the styles it chooses from."""
    if ticket.action == "removal":
        return removal(ticket, whole=True)
    row = ticket.rows[0]
    first = "" if ticket.action == "build" else unchanged(ticket)
    exists = f"{capital(thing(ticket))} can be chosen where images are shown."
    criteria = [
        first or exists,
        _said(row, "breakpoint_group", "It uses the breakpoint group {}."),
        _said(row, "breakpoints", "It has an image style for each of the breakpoints {}."),
        _said(row, "style_groups", "It chooses from the image styles {}."),
        _said(row, "fallback_style", "A browser that knows no responsive images gets {}."),
        _said(row, "notes", "As the spec notes: {}."),
        EXPORTED,
    ]
    story = story_of_change(
        ticket, VISITOR, f"images in {thing(ticket)}", "each screen gets an image of its size"
    )
    return Text(headline(ticket, whole=True), *story, tuple(filter(None, criteria)))


def _said(row: Fact, column: str, sentence: str) -> str:
    said = spoken(value(row, column), _NOTE)
    return sentence.format(quoted(said)) if said else ""


def _noted(row: Fact) -> str:
    told = [spoken(value(row, column), _NOTE).rstrip(" .") for column in ("effects", "dimensions", "notes")]
    return f"{quoted(label(row))} gives an image with: {listed(told)}." if any(told) else ""


def _effects(effects: Sequence[Fact]) -> list[str]:
    return [
        f"{quoted(spoken(style) or 'The style')} applies, in this order: {listed(_effect(row) for row in rows)}."
        for (style,), rows in grouped(effects, "image_style").items()
    ]


def _effect(row: Fact) -> str:
    summary = spoken(value(row, "summary"))
    return f"{label(row)} ({summary})" if summary else label(row)


def _labels(rows: Sequence[Fact]) -> str:
    return listed(dict.fromkeys(quoted(label(row)) for row in rows))
