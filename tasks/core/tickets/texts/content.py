"""Bundles, their fields, and view modes."""

from collections.abc import Sequence

from tasks.core.tickets.facts import Fact, distinct, grouped, label, mention, of_type, value
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
from tasks.core.tickets.texts.headlines import clause_name, headline
from tasks.core.tickets.texts.model import Text
from tasks.core.tickets.wording import clause, counted, listed, quoted, spoken

EDITOR = "content editor"
FLAGS = {
    "moderation": "content moderation",
    "layout": "layout builder",
    "translatable": "translation",
    "migrated": "migrated content",
    "comments": "comments",
    "metatags": "meta tags",
    "scheduling": "scheduling",
    "search": "the search index",
    "revisions": "revisions",
    "sitemap": "the XML sitemap",
}
_YES, _NO = frozenset({"y", "yes"}), frozenset({"n", "no"})
_IMPERATIVES = frozenset(
    {"add", "create", "embed", "display", "define", "place", "highlight", "manage", "show"}
)
# By a word of the bundle's type: what shows that it exists, and what it is good for.
_TYPES = (
    (
        "content",
        "An editor with permission can create, edit and delete {} content.",
        "I can publish such pages",
    ),
    (
        "media",
        "An editor with permission can add {} to the media library.",
        "I can reuse such media across the site",
    ),
    (
        "paragraph",
        "An editor can add {} wherever a field of the spec allows it.",
        "I can compose pages with it",
    ),
    (
        "vocabulary",
        "A person with permission can add, edit and order terms of {}.",
        "content can be classified by it",
    ),
    (
        "block",
        "A person with permission can create {} blocks and place them.",
        "I can place it where it is needed",
    ),
)
_ANY_TYPE = ("", "A person with permission can create, edit and delete {}.", "I can work with it")


def bundle(ticket: PlannedTicket) -> Text:
    """A bundle, alone or with its fields."""
    if ticket.action == "removal":
        return removal(ticket, whole=True)
    row, fields = of_type(ticket, "bundles")[0], of_type(ticket, "fields")
    _, exists, benefit = _type_texts(value(row, "type"))
    criteria = [exists.format(quoted(label(row))) if ticket.action == "build" else unchanged(ticket)]
    criteria += [
        _alias(row),
        _answered(row, _YES, "Set up"),
        _answered(row, _NO, "Not set up"),
        _open(row),
    ]
    criteria += [_required(fields), _references(fields), EXPORTED]
    role, want, good = story_of_change(ticket, EDITOR, thing(ticket), _described(row) or benefit)
    return Text(headline(ticket, whole=True), role, want, good, tuple(filter(None, criteria)))


def fields(ticket: PlannedTicket) -> Text:
    """Fields of a bundle that another ticket builds, or that exists already."""
    if ticket.action == "removal":
        return removal(ticket, whole=False)
    rows = of_type(ticket, "fields")
    bundle_name = f"{clause_name(ticket)} ({clause(ticket.subject)})"
    criteria = [
        f"The form of {bundle_name} shows {_labels(rows)}.",
        "" if ticket.action == "build" else unchanged(ticket),
        _required(rows),
        _references(rows),
        *within([_several(rows), _reused(rows), _helped(rows), _groups(rows)], 3),
    ]
    want = f"{counted(len(rows), 'field')} on {thing(ticket)}"
    story = story_of_change(ticket, EDITOR, want, "everything that belongs to it has its place")
    return Text(headline(ticket, whole=False), *story, tuple(filter(None, [*criteria, EXPORTED])))


def view_modes(ticket: PlannedTicket) -> Text:
    """The view modes of one entity type."""
    if ticket.action == "removal":
        return removal(ticket, whole=False)
    rows = of_type(ticket, "view_modes")
    uses = [
        f"{_labels(group)} can be switched on under “Manage display” of {listed([spoken(used_on)])}."
        for (used_on,), group in grouped(rows, "used_on").items()
        if spoken(used_on)
    ]
    noted = [row for row in rows if value(row, "notes")]
    notes = f"What the table notes for {_labels(noted)} is set up." if noted else ""
    kept = "" if ticket.action == "build" else unchanged(ticket)
    first = f"{capital(thing(ticket))} has these view modes: {_labels(rows)}."
    want = f"{counted(len(rows), 'view mode')} on {thing(ticket)}"
    story = story_of_change(ticket, EDITOR, want, "the same content is shown in each place as designed")
    criteria = [first, *within(uses, 4), notes, kept, EXPORTED]
    return Text(headline(ticket, whole=False), *story, tuple(filter(None, criteria)))


def _type_texts(kind: str) -> tuple[str, str, str]:
    return next((texts for texts in _TYPES if texts[0] in kind.casefold()), _ANY_TYPE)


def _described(row: Fact) -> str:
    """The description as a benefit, where it says what a person does: “Add program pages for majors”."""
    words = clause(value(row, "description"), 160)
    first, _, rest = words.partition(" ")
    plain = first.casefold() in _IMPERATIVES and rest and not rest.startswith("to ")
    return f"I can {first.casefold()} {rest}" if plain else ""


def _alias(row: Fact) -> str:
    alias = value(row, "url_alias")
    return f"A new {quoted(label(row))} gets its address by the pattern {mention(alias)}." if alias else ""


def _answered(row: Fact, answers: frozenset[str], verb: str) -> str:
    names = [name for column, name in FLAGS.items() if value(row, column).casefold() in answers]
    return f"{verb}: {listed(names)}." if names else ""


def _open(row: Fact) -> str:
    """A blank is unanswered, never a no; an answer that is neither yes nor no is quoted."""
    marked = [
        f"{name} {quoted(spoken(value(row, column)))}"
        for column, name in FLAGS.items()
        if spoken(value(row, column)) and value(row, column).casefold() not in _YES | _NO
    ]
    unanswered = [name for column, name in FLAGS.items() if row.get(column) == ""]
    said = f"As the spec marks it: {listed(marked)}." if marked else ""
    silent = f"Left as it is until the spec answers: {listed(unanswered)}." if unanswered else ""
    return f"{said} {silent}".strip()


def _labels(rows: Sequence[Fact]) -> str:
    return listed(dict.fromkeys(quoted(label(row)) for row in rows))


def _naming(sentence: str, rows: Sequence[Fact]) -> str:
    return sentence.format(_labels(rows)) if rows else ""


def _required(rows: Sequence[Fact]) -> str:
    required = [row for row in rows if value(row, "required").casefold() in _YES]
    return _naming(
        "Saving is refused, with a message at the field, while one of these is empty: {}.", required
    )


def _references(rows: Sequence[Fact]) -> str:
    targets = [spoken(target) for target in distinct(rows, "ref_bundle")]
    return f"Reference fields offer only what the table allows: {listed(targets)}." if any(targets) else ""


def _several(rows: Sequence[Fact]) -> str:
    several = [row for row in rows if value(row, "values") not in ("", "1")]
    return _naming("More than one value can be entered, and no more than the table allows, in {}.", several)


def _reused(rows: Sequence[Fact]) -> str:
    reused = [row for row in rows if value(row, "reused").casefold() in _YES]
    return _naming("No new storage is created for the reused {}.", reused)


def _helped(rows: Sequence[Fact]) -> str:
    return _naming(
        "The form shows the help text of the table for {}.", [row for row in rows if value(row, "help_text")]
    )


def _groups(rows: Sequence[Fact]) -> str:
    names = [quoted(spoken(group)) for group in distinct(rows, "field_group") if spoken(group)]
    return f"The form shows these field groups with their fields: {listed(names)}." if names else ""
