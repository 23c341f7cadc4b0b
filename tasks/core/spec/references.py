"""Who refers to whom: cells that name rows of other tabs, by label, without regard to case.

A reference is a function of its text, so each text is resolved once however many rows have it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property
from typing import NamedTuple

from tasks.core.spec.index import LabelIndex
from tasks.core.spec.model import FORMULA_ERRORS, Row, Spec
from tasks.core.spec.names import KINDS, SEPARATORS, kind_key, split_typed
from tasks.core.spec.registry import tab_type
from tasks.core.spec.tab_type import Reference
from tasks.core.spec.tabs import BESIDE, Tab, tabs_of

_WILD = re.compile(r"(all|any|every|everything|multiple|various)\b", re.IGNORECASE)
_NOTHING = frozenset({"", "-", "–", "—", "n/a", "na", "none"})
# What an entity reference field may point to that is no bundle of the spec.
_NO_BUNDLES = frozenset(
    {
        "user",
        "users",
        "user account",
        "comment",
        "comments",
        "file",
        "files",
        "webform",
        "webforms",
        "view",
        "views",
        "menu",
        "menus",
        "menu link",
        "site",
        "site settings",
    }
)


class State(Enum):
    """What became of a reference."""

    FOUND = auto()
    WILD = auto()  # names everything, or a kind of things
    MISSING = auto()
    AMBIGUOUS = auto()  # several things of different kinds have this name
    UNCHECKED = auto()  # there is no file of the tab that it points to


class Named(NamedTuple):
    """One name in a cell and the rows it means, as positions in the tab it points to."""

    value: str
    state: State
    rows: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Links:
    """What the distinct cells of a reference column mean: nearly all name one row, and a look is enough to see it."""

    settled: Mapping[str, int]
    others: Mapping[str, tuple[Named, ...]]

    def rows(self) -> set[int]:
        """All rows that are named at all."""
        return {
            *self.settled.values(),
            *(row for named in self.others.values() for one in named for row in one.rows),
        }


class Resolver:
    """Resolves the texts of reference cells."""

    def __init__(self, tabs: Mapping[str, Tab]) -> None:
        self.tabs = tabs
        self._indexes: dict[str, LabelIndex] = {}
        self._links: dict[tuple[str, str], Links] = {}
        self._known: dict[tuple[str, str, str, str], tuple[Named, ...]] = {}

    def index(self, csv_type: str) -> LabelIndex:
        """The names of all rows of a tab that the session has."""
        if csv_type not in self._indexes:
            self._indexes[csv_type] = LabelIndex(self.tabs[csv_type])
        return self._indexes[csv_type]

    def links(self, tab: Tab, reference: Reference) -> Links:
        """What the distinct cells of a reference column mean."""
        key = (tab.type.name, reference.column)
        if key not in self._links:
            cells = set(tab.named_by(reference).texts) - {""}
            settled = {} if reference.family else self.index(reference.target).by_text.settle(cells)
            others = {
                cell: self.cell(reference, *cell.split(BESIDE, 1)) for cell in cells if cell not in settled
            }
            self._links[key] = Links(settled, others)
        return self._links[key]

    def cell(self, reference: Reference, text: str, beside: str = "") -> tuple[Named, ...]:
        """The names in a cell and what they mean; `beside` is the cell that tells things of one name apart."""
        key = (reference.column, reference.target, text, beside)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = tuple(self._resolve(reference, text, beside))
        return found

    def _resolve(self, reference: Reference, text: str, beside: str) -> Iterable[Named]:
        if text.casefold() in _NOTHING or text in FORMULA_ERRORS:
            return
        if reference.target not in self.tabs:
            yield Named(text, State.UNCHECKED)
            return
        index = self.index(reference.target)
        whole = _look_up(reference, index, text, beside)
        if whole.state is not State.MISSING or not (reference.many and SEPARATORS.search(text)):
            yield whole
        else:
            parts = filter(None, map(str.strip, SEPARATORS.split(text)))
            yield from (_look_up(reference, index, part, beside) for part in parts)


def _look_up(reference: Reference, index: LabelIndex, value: str, beside: str) -> Named:
    if reference.family:
        rows, ambiguous = index.family(value), False
    else:
        rows, ambiguous = index.find(value, beside)
    if rows:
        return Named(value, State.AMBIGUOUS if ambiguous else State.FOUND, rows)
    return Named(value, State.WILD if _names_many(reference, value) else State.MISSING)


def _names_many(reference: Reference, value: str) -> bool:
    """Whether a text stands for all of a kind, or for what is no row of the spec."""
    if _WILD.match(value):
        return True
    name = value if split_typed(value)[1] else value.partition("(")[0].strip()
    return reference.target == "bundles" and (kind_key(value) in KINDS or name.casefold() in _NO_BUNDLES)


class References:
    """The references of rows: what a plan is made of."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._tabs = resolver.tabs

    def targets(self, row: Row, column: str) -> tuple[Row, ...]:
        """The rows that one cell names; none where it names nothing known, or everything."""
        references = [one for one in tab_type(row.csv_type).references if one.column == column]
        return tuple(dict_by_place(target for one in references for target in self._named(row, one)).values())

    def of(self, row: Row) -> tuple[Row, ...]:
        """All rows that a row refers to."""
        references = tab_type(row.csv_type).references
        return tuple(dict_by_place(target for one in references for target in self._named(row, one)).values())

    def parent(self, row: Row) -> Row | None:
        """The row that a row belongs to: the bundle of a field, the view of a display."""
        references = [one for one in tab_type(row.csv_type).references if one.parent]
        return next((target for one in references for target in self._named(row, one)), None)

    def children(self, row: Row) -> tuple[Row, ...]:
        """The rows that belong to a row, in the order of their tabs."""
        return tuple(self._children.get(row.place, ()))

    def _named(self, row: Row, reference: Reference) -> Iterable[Row]:
        beside = row[reference.beside] if reference.beside else ""
        for named in self._resolver.cell(reference, row[reference.column], beside):
            if named.state is State.FOUND:
                yield from (self._tabs[reference.target].row(at) for at in named.rows)

    @cached_property
    def _children(self) -> Mapping[tuple[str, int], Sequence[Row]]:
        found: dict[tuple[str, int], list[Row]] = {}
        for tab in self._tabs.values():
            if tab.type.parent is not None:
                for index in range(len(tab)):
                    row = tab.row(index)
                    parent = self.parent(row)
                    if parent is not None:
                        found.setdefault(parent.place, []).append(row)
        return found


def dict_by_place(rows: Iterable[Row]) -> dict[tuple[str, int], Row]:
    """Rows by their place, each once."""
    return {row.place: row for row in rows}


def resolve(spec: Spec) -> References:
    """The references of a spec."""
    return References(Resolver(tabs_of(spec.tables)))
