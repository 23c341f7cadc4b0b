"""The criteria that code writes: one per row, naming its machine name and what its cells settle."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from tasks.core.settings import RowAction
from tasks.core.spec.registry import REGISTRY
from tasks.core.tickets.facts import Fact, called, value
from tasks.core.tickets.wording import quoted, spoken

_Phrase = Callable[[str], str]
_DETAIL = 160
_DIGITS = 6


def _says(before: str = "") -> _Phrase:
    return lambda cell: f"{before} {said}".strip() if (said := spoken(cell, _DETAIL).rstrip(" .")) else ""


def _flag(yes: str, no: str) -> _Phrase:
    def phrase(cell: str) -> str:
        return {"y": yes, "yes": yes, "n": no, "no": no}.get(cell.casefold()) or _says(f"{yes}:")(cell)

    return phrase


def _count(cell: str) -> str:
    if cell == "*":
        return "any number of values"
    if cell.isdecimal() and len(cell) <= _DIGITS:
        return "one value" if int(cell) == 1 else f"up to {cell} values"
    return _says("values:")(cell)


# Per tab type: which cells a criterion speaks of, and how. A blank cell says nothing.
_DETAILS: dict[str, tuple[tuple[str, _Phrase], ...]] = {
    "fields": (
        ("field_type", _says()),
        ("ref_bundle", _says("to")),
        ("required", _flag("required", "optional")),
        ("values", _count),
        ("widget", _says("widget")),
        ("reused", _flag("reusing existing storage", "with new storage")),
    ),
    "view_modes": (("used_on", _says("used on")), ("format", _says("format"))),
    "views": (("base_table", _says("base table")), ("status", _says("status"))),
    "view_displays": (("display_plugin", _says("display plugin")), ("path", _says("path"))),
    "image_styles": (("effects", _says()), ("dimensions", _says()), ("notes", _says())),
    "image_effects": (("summary", _says()),),
    "responsive_image_styles": (
        ("breakpoint_group", _says("breakpoint group")),
        ("fallback_style", _says("fallback")),
        ("style_groups", _says("image styles")),
    ),
    "workflows": (("type", _says("type")),),
    "workflow_states": (
        ("published", _flag("published", "not published")),
        ("default_revision", _flag("default revision", "not the default revision")),
    ),
    "workflow_transitions": (("from_state", _says("from")), ("to_state", _says("to"))),
    "migrations": (("source", _says("from")), ("destination", _says("to"))),
    "migration_mappings": (("destination", _says("to")), ("process", _says("by"))),
    "settings": (("value", _says()), ("path", _says("at"))),
}


def criteria(rows: Sequence[Fact]) -> tuple[str, ...]:
    """One criterion per row, in order; two that would read alike are told apart by record number."""
    sentences = [criterion(row) for row in rows]
    times = Counter(sentences)
    return tuple(
        sentence if times[sentence] == 1 else f"{sentence} (record {row['record']})"
        for sentence, row in zip(sentences, rows, strict=True)
    )


def criterion(row: Fact) -> str:
    """What must be true of one row when the ticket is done."""
    what = f"{_kind(row)} {called(row)}"
    if row["action"] == RowAction.REMOVE:
        return f"{what} no longer exists."
    if _is_entity_label(row):
        return f"The title of {_bundle(row)} is labelled {called(row)}; there is no field to create."
    verb = "is changed to match its row" if row["action"] == RowAction.CHANGE else "exists"
    details = _details(row)
    return f"{what} {verb}{': ' + details if details else ''}."


def _kind(row: Fact) -> str:
    kind = spoken(value(row, "type")) if row["csv_type"] == "bundles" else ""
    tab = REGISTRY.get(row["csv_type"], REGISTRY["custom"])
    return (kind or tab.subject).capitalize()


def _is_entity_label(row: Fact) -> bool:
    return row["csv_type"] == "fields" and value(row, "field_type").casefold() == "entity label"


def _bundle(row: Fact) -> str:
    return quoted(bundle) if (bundle := spoken(value(row, "bundle"))) else "the bundle"


def _details(row: Fact) -> str:
    phrases = ((phrase, value(row, column)) for column, phrase in _DETAILS.get(row["csv_type"], ()))
    return _joined(phrase(cell) for phrase, cell in phrases if cell)


def _joined(parts: Iterable[str]) -> str:
    return ", ".join(part for part in parts if part)
