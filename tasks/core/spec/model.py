"""The values that the intake passes on: files as read, tables as understood, rows as written.

Tables are kept by column: a spec of 100,000 rows is checked without an object per row; rows are made when asked for.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from db.enums import ErrorSeverity
from tasks.core.findings import Finding
from tasks.core.settings import RowAction
from tasks.core.spec.column import Column
from tasks.core.spec.names import header_key

# Columns that are never facts about the site: the code of what to do, the free id, and initials.
BOOKKEEPING = frozenset({"x", "id", "dev", "qa"})

# What a spreadsheet shows instead of a value.
FORMULA_ERRORS = frozenset(
    {
        "#N/A", "#VALUE!", "#REF!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!", "#ERROR!", "#SPILL!", "#CALC!", "#FIELD!",
        "#BLOCKED!", "#CONNECT!", "#GETTING_DATA", "#UNKNOWN!",
    }
)  # fmt: skip
NO_FACT = FORMULA_ERRORS | {""}
NO_VALUE = NO_FACT | {"-"}


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file as it was handed in."""

    filename: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a file; `number` counts the header of the file as 1, whatever lines it spans."""

    number: int
    cells: tuple[str, ...]  # as long as the header; edge whitespace trimmed, line breaks are \n


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """A file as read: header and records by column, before anyone knows what tab it is."""

    filename: str
    header: tuple[str, ...]  # as written; names may repeat, a nameless column with cells is ""
    data: tuple[Column, ...]  # one per column of the header
    numbers: Sequence[int]  # record number of each row

    @property
    def records(self) -> Iterator[Record]:
        """The records one by one."""
        return (
            Record(number, cells)
            for number, cells in zip(self.numbers, zip(*self.data, strict=True), strict=True)
        )


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the spec, under the names of the registry.

    `values` maps canonical column names (`machine_name`, `bundle`, ...) to text, derived lookup values included;
    `cells` holds the file's own header names and cells, in order: what the fact lock is about. A header may stand
    there twice.
    """

    file: str
    record: int
    csv_type: str
    x: str  # the code, lower case; "" where blank or where the file has no X column
    action: RowAction
    values: Mapping[str, str]
    cells: tuple[tuple[str, str], ...]  # without X, ID, Dev and QA
    derived: frozenset[str] = frozenset()  # canonical names that were filled in by code

    def __getitem__(self, column: str) -> str:
        """The value under a canonical name; "" where there is none, where it is `-` or a formula error."""
        value = self.values.get(column, "")
        return "" if value in NO_VALUE else value

    def __hash__(self) -> int:
        return hash(self.place)

    @property
    def place(self) -> tuple[str, int]:
        """What identifies the row within its session."""
        return self.file, self.record

    def facts(self) -> Iterator[tuple[str, str]]:
        """Header and cell of everything that must stand in the ticket, as the fact lock defines it."""
        return ((header, cell) for header, cell in self.cells if cell not in NO_FACT)


@dataclass(frozen=True, slots=True)
class Held:
    """A row that gets no ticket now, and why."""

    file: str
    record: int
    x: str
    reason: str


@dataclass(frozen=True)
class Table:
    """One file whose type is known, by column; separator rows are left out."""

    filename: str
    csv_type: str
    confidence: float
    reasons: tuple[str, ...]
    header: tuple[str, ...]
    columns: Mapping[str, int]  # canonical name -> position in the header
    data: tuple[Column, ...]  # one per column of the header
    numbers: Sequence[int]  # record number of each row
    codes: Sequence[str]  # the X of each row, lower case
    actions: Sequence[RowAction]
    has_x: bool
    unknown_codes: frozenset[str] = frozenset()  # codes of X that the session's scope does not know
    derived: Mapping[str, Mapping[int, str]] = field(
        default_factory=dict
    )  # canonical name -> row index -> value
    implied: Mapping[str, str] = field(
        default_factory=dict
    )  # what a column that is not there would say throughout

    def __len__(self) -> int:
        return len(self.numbers)

    def column(self, name: str) -> Column:
        """The cells under a canonical name as they stand; what is implied where the file has no such column."""
        position = self.columns.get(name)
        return (
            Column.alike(self.implied.get(name, ""), len(self)) if position is None else self.data[position]
        )

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """The rows one by one."""
        return tuple(self._make_rows())

    def _make_rows(self) -> Iterator[Row]:
        facts = [(at, name) for at, name in enumerate(self.header) if header_key(name) not in BOOKKEEPING]
        columns = tuple(self.columns.items())
        for index, cells in enumerate(zip(*self.data, strict=True)):
            filled = {name: there[index] for name, there in self.derived.items() if index in there}
            values = {**self.implied, **{name: cells[at] for name, at in columns}, **filled}
            yield Row(
                file=self.filename,
                record=self.numbers[index],
                csv_type=self.csv_type,
                x=self.codes[index],
                action=self.actions[index],
                values=values,
                cells=self._cells(facts, cells, filled),
                derived=frozenset(filled),
            )

    def _cells(
        self, facts: Sequence[tuple[int, str]], cells: Sequence[str], filled: Mapping[str, str]
    ) -> tuple[tuple[str, str], ...]:
        """Header and cell of a row; a lookup that was filled in stands in its column, if the file has one."""
        if not filled:
            return tuple([(name, cells[at]) for at, name in facts])
        instead = {self.columns[name]: value for name, value in filled.items() if name in self.columns}
        return tuple([(name, instead.get(at, cells[at])) for at, name in facts])


_TICKETS = frozenset({RowAction.BUILD, RowAction.CHANGE, RowAction.REMOVE})
_WHY_HELD = {
    RowAction.BUILT: "the row is built already",
    RowAction.SKIP: "the session's scope makes no ticket of it",
}


def _why_held(table: Table, at: int) -> str:
    code = table.codes[at]
    if not code:
        return "X is blank while other rows of the file have one: undecided"
    if code in table.unknown_codes:
        return f"“{code}” is no code of the session's scope"
    return f"X is “{code}”: {_WHY_HELD.get(table.actions[at], 'the row waits')}"


@dataclass(frozen=True)
class Spec:
    """All files of a session, understood and checked together."""

    tables: tuple[Table, ...]
    findings: tuple[Finding, ...] = ()
    scope_counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # csv_type -> code -> rows

    @cached_property
    def held(self) -> tuple[Held, ...]:
        """All filled rows that get no ticket by their X: they wait, are built already, or are to be deleted."""
        return tuple(
            Held(table.filename, table.numbers[at], table.codes[at], _why_held(table, at))
            for table in self.tables
            for at, action in enumerate(table.actions)
            if action not in _TICKETS
        )

    def rows(self, csv_type: str) -> list[Row]:
        """All filled rows of one tab type, over all its files."""
        return [row for table in self.tables if table.csv_type == csv_type for row in table.rows]

    @property
    def blocking(self) -> list[Finding]:
        """The findings that make a correct ticket impossible."""
        return [finding for finding in self.findings if finding.severity is ErrorSeverity.BLOCKING]
