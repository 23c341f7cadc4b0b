"""What is wrong with fields: storages that clash, list fields without options, fields without a type."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import compress

from tasks.core.findings import Finding
from tasks.core.spec.model import is_formula_error
from tasks.core.spec.names import kind_key, split_typed
from tasks.core.spec.references import Resolver, State
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
_UNLIMITED = frozenset({"*", "unlimited", "-1", "n", "∞"})


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
    several = _disagreeing(storage, values)
    yield from _clashes(tab, storage, _disagreeing(storage, types), _TYPES)
    yield from _clashes(tab, storage, several, _VALUES)
    yield from _clashes(tab, storage, _disagreeing(storage, values, blanks=True) - several, _BLANK)


def _disagreeing(
    storage: Sequence[tuple[str, str]], cells: Sequence[str], *, blanks: bool = False
) -> set[tuple[str, str]]:
    """The storages that have more than one of these cells."""
    first: dict[tuple[str, str], str] = {}
    return {
        key
        for key, cell in dict.fromkeys(zip(storage, cells, strict=True))
        if key[0] and key[1] not in ("", "-") and (cell or blanks) and first.setdefault(key, cell) != cell
    }


def _clashes(
    tab: Tab, storage: Sequence[tuple[str, str]], keys: set[tuple[str, str]], clash: _Clash
) -> Iterable[Finding]:
    if not keys:
        return
    rows: dict[tuple[str, str], list[int]] = {}
    for at in compress(range(len(storage)), map(keys.__contains__, storage)):
        rows.setdefault(storage[at], []).append(at)
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
    bundles, types = tab.column("bundle"), tab.column("type")
    pairs = list(zip(bundles, types, strict=True))
    kinds = {pair: _kind(tab, resolver, *pair) for pair in set(pairs)}
    return [kinds[pair] for pair in pairs]


def _kind(tab: Tab, resolver: Resolver, bundle: str, said: str) -> str:
    if "bundles" in resolver.tabs:
        named = resolver.cell(tab.type.references[0], bundle, said)
        if len(named) == 1 and named[0].state is State.FOUND:
            return resolver.index("bundles").qualifiers[named[0].rows[0]]
    return split_typed(bundle)[1] or kind_key(said)


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
