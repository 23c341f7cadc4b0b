"""The values that the intake passes on: files as read, tables as understood, rows as written."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from db.enums import ErrorSeverity
from tasks.core.findings import Finding
from tasks.core.settings import RowAction

# Columns that are never facts about the site: the code of what to do, the free id, and initials.
BOOKKEEPING = frozenset({"x", "id", "dev", "qa"})


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
    """A file as read: header and records, before anyone knows what tab it is."""

    filename: str
    header: tuple[str, ...]
    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the spec, under the names of the registry.

    `values` maps canonical column names (`machine_name`, `bundle`, ...) to text, derived lookup values included;
    `cells` holds the file's own header names and cells, in order: what the fact lock is about.
    """

    file: str
    record: int
    csv_type: str
    x: str  # the code, lower case; "" where blank or where the file has no X column
    action: RowAction
    values: Mapping[str, str]
    cells: tuple[tuple[str, str], ...]
    derived: frozenset[str] = frozenset()  # canonical names that were filled in by code

    def __getitem__(self, column: str) -> str:
        """The value under a canonical column name; "" where the file has no such column or the cell is `-`."""
        value = self.values.get(column, "")
        return "" if value == "-" else value

    def facts(self) -> Iterator[tuple[str, str]]:
        """Header and cell of everything that must stand in the ticket, as the fact lock defines it."""
        return ((header, cell) for header, cell in self.cells if cell)


@dataclass(frozen=True, slots=True)
class Held:
    """A row that gets no ticket now, and why."""

    file: str
    record: int
    x: str
    reason: str


@dataclass(frozen=True, slots=True)
class Table:
    """One file whose type is known."""

    filename: str
    csv_type: str
    confidence: float
    reasons: tuple[str, ...]
    header: tuple[str, ...]
    columns: Mapping[str, int]  # canonical name -> position in the header
    rows: tuple[Row, ...]  # separator rows left out
    has_x: bool


@dataclass(frozen=True, slots=True)
class Spec:
    """All files of a session, understood and checked together."""

    tables: tuple[Table, ...]
    findings: tuple[Finding, ...] = ()
    held: tuple[Held, ...] = ()
    scope_counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # csv_type -> code -> rows

    def rows(self, csv_type: str) -> list[Row]:
        """All filled rows of one tab type, over all its files."""
        return [row for table in self.tables if table.csv_type == csv_type for row in table.rows]

    @property
    def blocking(self) -> list[Finding]:
        """The findings that make a correct ticket impossible."""
        return [finding for finding in self.findings if finding.severity is ErrorSeverity.BLOCKING]
