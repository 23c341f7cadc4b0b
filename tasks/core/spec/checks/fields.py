"""What is wrong with fields: storages that clash, list fields without options, fields without a type."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import compress

from tasks.core.findings import Finding
from tasks.core.spec.model import is_formula_error
from tasks.core.spec.names import kind_key, split_typed
from tasks.core.spec.references import Resolver, State, reference_cells
from tasks.core.spec.reporting import each, quoted, together
from tasks.core.spec.tabs import Tab

_STATED = re.compile(
    r"\b(options|values|choices|allowed|choose from|select from|one of)\b"  # says so
    r"|\|"  # key|Label
    r"|:\s*[^\s,;/][^,;/]*[,;/]"  # a list after a colon
    r"|\n.*\n",  # one option a line
    re.IGNORECASE,
)
_SHORT_LIST = re.compile(r"(\S+( \S+){0,3})([,;/]\s*\S+( \S+){0,3})+\.?")
_NO_STORAGE = frozenset({"", "-"})
_UNLIMITED = frozenset({"*", "unlimited", "-1", "n", "∞"})


Storage = tuple[str, str]  # kind of bundle, machine name


@dataclass(frozen=True, slots=True)
class _Clash:
    """One way in which the rows of a storage can disagree."""

    column: str
    code: str
    what: str


_TYPES = _Clash("field_type", "storage-type-clash", "different field types")
_VALUES = _Clash("values", "storage-cardinality-clash", "different numbers of values")
_BLANK = _Clash("values", "storage-cardinality-blank", "a number of values in one place and none in another")


def storages(tab: Tab, resolver: Resolver) -> Iterable[Finding]:
    """One storage serves all bundles of an entity type: it has one field type and one number of values."""
    storage = list(zip(_kinds(tab, resolver), tab.column("machine_name"), strict=True))
    types = _clean(tab.column("field_type"), str.casefold)
    values = _clean(tab.column("values"), _cardinality)
    said: dict[Storage, tuple[set[str], set[str]]] = {}
    for (kind, name), its_type, its_values in dict.fromkeys(zip(storage, types, values, strict=True)):
        if kind and name not in _NO_STORAGE:
            seen = said.setdefault((kind, name), (set(), set()))
            seen[0].add(its_type)
            seen[1].add(its_values)
    for clash, picked in ((_TYPES, 0), (_VALUES, 1)):
        clashing = [key for key, seen in said.items() if len(seen[picked] - {""}) > 1]
        yield from _clashes(tab, storage, clashing, clash)
    yield from _clashes(tab, storage, [key for key, seen in said.items() if _partly_blank(seen[1])], _BLANK)


def _partly_blank(values: set[str]) -> bool:
    return "" in values and len(values - {""}) == 1


def _clashes(
    tab: Tab, storage: Sequence[Storage], keys: Sequence[Storage], clash: _Clash
) -> Iterable[Finding]:
    rows: dict[Storage, list[int]] = {key: [] for key in keys}
    for at in compress(range(len(storage)), map(rows.__contains__, storage)) if rows else ():
        rows[storage[at]].append(at)
    cells = tab.column(clash.column)
    for (kind, name), found in rows.items():
        said = quoted(list(dict.fromkeys(cells[at] or "(blank)" for at in found)))
        yield together(
            tab,
            found,
            clash.code,
            f"“{name}” has {clash.what}: {said}. All bundles of the kind {kind} share one storage.",
            column=clash.column,
            actions=["Give all these rows the same value, or the odd ones a machine name of their own."],
        )


def _kinds(tab: Tab, resolver: Resolver) -> list[str]:
    """The kind of bundle each field is on; "" where nothing says so."""
    cells = reference_cells(tab, tab.type.references[0])
    kinds = {cell: _kind(tab, resolver, *cell) for cell in set(cells)}
    return [kinds[cell] for cell in cells]


def _kind(tab: Tab, resolver: Resolver, bundle: str, said: str) -> str:
    kind = split_typed(bundle)[1] or kind_key(said)
    if kind or "bundles" not in resolver.tabs:
        return kind
    named = resolver.cell(tab.type.references[0], bundle, said)
    found = len(named) == 1 and named[0].state is State.FOUND
    return resolver.index("bundles").qualifiers[named[0].rows[0]] if found else ""


def _clean(cells: Sequence[str], key: Callable[[str], str]) -> list[str]:
    """Cells as they are compared; `-` and formula errors are blank."""
    made = {cell: "" if cell == "-" or is_formula_error(cell) else key(cell) for cell in set(cells)}
    return [made[cell] for cell in cells]


def _cardinality(cell: str) -> str:
    folded = cell.casefold()
    return "*" if folded in _UNLIMITED else folded


def lists_without_options(tab: Tab) -> Iterable[Finding]:
    """List fields whose notes do not state their options."""
    if not tab.has("notes"):
        return  # such a template has no place to state them
    notes = tab.column("notes")
    yield from each(
        tab,
        [
            at
            for at, field_type in enumerate(tab.column("field_type"))
            if field_type[:4].casefold() == "list" and not _states_options(notes[at])
        ],
        "list-without-options",
        "A list field does not say which options it has.",
        column="field_label",
        actions=["Write the options into the notes, for example “Options: Left, Right”."],
    )


def _states_options(notes: str) -> bool:
    return bool(_STATED.search(notes) or _SHORT_LIST.fullmatch(notes))


def without_type(tab: Tab) -> Iterable[Finding]:
    """Fields that have no field type."""
    if not tab.has("field_type"):
        return
    yield from each(
        tab,
        [at for at, cell in enumerate(tab.column("field_type")) if not cell or cell == "-"],
        "field-type-missing",
        "A field has no field type.",
        column="field_label",
        actions=["Fill in the field type."],
    )
