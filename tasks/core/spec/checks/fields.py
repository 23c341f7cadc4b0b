"""What is wrong with fields: storages that clash, list fields without options, fields without a type."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tasks.core.findings import Finding
from tasks.core.spec.column import of_two_minds
from tasks.core.spec.model import NO_VALUE
from tasks.core.spec.names import kind_key, split_typed
from tasks.core.spec.references import Resolver, State
from tasks.core.spec.reporting import each, quoted, together
from tasks.core.spec.tabs import BESIDE, Tab

_STATED = re.compile(
    r"\b(options|values|choices|allowed|choose from|select from|one of)\b"  # says so
    r"|\|"  # key|Label
    r"|:\s*[^\s,;/][^,;/]*[,;/]"  # a list after a colon
    r"|\n.*\n",  # one option a line
    re.IGNORECASE,
)
_SHORT_LIST = re.compile(r"(\S+( \S+){0,3})([,;/]\s*\S+( \S+){0,3})+\.?")
_UNLIMITED = frozenset({"*", "unlimited", "-1", "n", "∞"})


Storage = tuple[str, str]  # kind of bundle, machine name


@dataclass(frozen=True, slots=True)
class _Clash:
    """One way in which the rows of a storage can disagree."""

    column: str
    code: str
    what: str
    blank_code: str = ""  # where some rows say nothing
    blank_what: str = ""


_TYPES = _Clash("field_type", "storage-type-clash", "different field types")
_VALUES = _Clash(
    "values",
    "storage-cardinality-clash",
    "different numbers of values",
    "storage-cardinality-blank",
    "a number of values in one place and none in another",
)


def storages(tab: Tab, resolver: Resolver) -> Iterable[Finding]:
    """One storage serves all bundles of an entity type: it has one field type and one number of values."""
    names = tab.column("machine_name")
    types, values = tab.column("field_type").map(_type), tab.column("values").map(_cardinality)
    odd = names.where(of_two_minds(names, (types, values)) - NO_VALUE)
    bundles = tab.named_by(tab.type.references[0])
    kinds: dict[str, str] = {}
    rows: dict[Storage, list[int]] = {}
    for at, name, bundle in zip(odd, names.at(odd), bundles.at(odd), strict=True):
        if bundle not in kinds:
            kinds[bundle] = _kind(tab, resolver, *bundle.split(BESIDE))
        if kinds[bundle]:
            rows.setdefault((kinds[bundle], name), []).append(at)
    for storage, same in rows.items():
        yield from _clash(tab, storage, same, types.at(same), _TYPES)
        yield from _clash(tab, storage, same, values.at(same), _VALUES)


def _clash(
    tab: Tab, storage: Storage, rows: Sequence[int], said: Sequence[str], clash: _Clash
) -> Iterable[Finding]:
    different = set(said)
    stated = different - {""}
    if len(stated) > 1:
        code, what = clash.code, clash.what
    elif stated and len(different) > 1 and clash.blank_code:
        code, what = clash.blank_code, clash.blank_what
    else:
        return
    kind, name = storage
    cells = quoted([cell or "(blank)" for cell in dict.fromkeys(tab.column(clash.column).at(rows))])
    yield together(
        tab,
        rows,
        code,
        f"“{name}” has {what}: {cells}. All bundles of the kind {kind} share one storage.",
        column=clash.column,
        actions=["Give all these rows the same value, or the odd ones a machine name of their own."],
    )


def _kind(tab: Tab, resolver: Resolver, bundle: str, said: str = "") -> str:
    """The kind of bundle that a field is on; "" where nothing says so."""
    kind = split_typed(bundle)[1] or kind_key(said)
    if kind or "bundles" not in resolver.tabs:
        return kind
    named = resolver.cell(tab.type.references[0], bundle, said)
    found = len(named) == 1 and named[0].state is State.FOUND
    return resolver.index("bundles").qualifiers[named[0].rows[0]] if found else ""


def _type(cell: str) -> str:
    """A field type as it is compared; `-` and formula errors are blank."""
    return "" if cell in NO_VALUE else cell.casefold()


def _cardinality(cell: str) -> str:
    return "*" if cell.casefold() in _UNLIMITED else _type(cell)


def lists_without_options(tab: Tab) -> Iterable[Finding]:
    """List fields whose notes do not state their options."""
    if not tab.has("notes"):
        return  # such a template has no place to state them
    notes, types = tab.column("notes"), tab.column("field_type")
    lists = {field_type for field_type in types.texts if field_type[:4].casefold() == "list"}
    yield from each(
        tab,
        [at for at in types.where(lists) if not _states_options(notes[at])],
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
        tab.column("field_type").where(("", "-")),
        "field-type-missing",
        "A field has no field type.",
        column="field_label",
        actions=["Fill in the field type."],
    )
