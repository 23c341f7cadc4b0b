"""All files of one tab type as one tab: a large site has its fields in seventeen files."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import accumulate, chain
from typing import TypeVar

from tasks.core.settings import RowAction
from tasks.core.spec.column import Column
from tasks.core.spec.model import Row, Table
from tasks.core.spec.registry import tab_type
from tasks.core.spec.tab_type import Reference, TabType

T = TypeVar("T")
BESIDE = "\x1f"  # stands in no cell


class Tab:
    """The rows of all tables of one type, numbered through, by column."""

    def __init__(self, tables: Sequence[Table]) -> None:
        self.tables = tables
        self.type: TabType = tab_type(tables[0].csv_type)
        self._ends = list(accumulate(len(table) for table in tables))
        self._columns: dict[str, Column] = {}

    def __len__(self) -> int:
        return self._ends[-1]

    def has(self, name: str) -> bool:
        """Whether any file has this column."""
        return any(name in table.columns or name in table.implied for table in self.tables)

    def column(self, name: str) -> Column:
        """The cells of all rows under a canonical name."""
        if name not in self._columns:
            parts = [table.column(name) for table in self.tables]
            self._columns[name] = parts[0] if len(parts) == 1 else Column.of(chain.from_iterable(parts))
        return self._columns[name]

    def named_by(self, reference: Reference) -> Column:
        """The cells of a reference column, each with the cell that tells things of one name apart, if there is one."""
        cells = self.column(reference.column)
        if not reference.beside or not self.has(reference.beside):
            return cells
        return Column.of(map(BESIDE.join, zip(cells, self.column(reference.beside), strict=True)))

    @cached_property
    def actions(self) -> Sequence[RowAction]:
        """What is done with each row."""
        return _joined([list(table.actions) for table in self.tables])

    @cached_property
    def numbers(self) -> Sequence[int]:
        """The record number of each row in its file."""
        return _joined([list(table.numbers) for table in self.tables])

    def filename(self, index: int) -> str:
        """The file that a row stands in."""
        return (self.tables[0] if len(self.tables) == 1 else self.at(index)[0]).filename

    def at(self, index: int) -> tuple[Table, int]:
        """The table a row stands in, and where."""
        number = bisect_right(self._ends, index)
        return self.tables[number], index - (self._ends[number - 1] if number else 0)

    def row(self, index: int) -> Row:
        """One row."""
        table, local = self.at(index)
        return table.rows[local]

    def header(self, name: str, index: int) -> str | None:
        """What the file of a row calls a column."""
        table, _ = self.at(index)
        position = table.columns.get(name)
        return None if position is None else table.header[position]


def beside_of(cell: str) -> str:
    """What stands beside a reference, in a cell of `Tab.named_by`."""
    return cell.partition(BESIDE)[2]


def tabs_of(tables: Iterable[Table]) -> dict[str, Tab]:
    """The tabs of a session by type."""
    grouped: dict[str, list[Table]] = {}
    for table in tables:
        grouped.setdefault(table.csv_type, []).append(table)
    return {csv_type: Tab(found) for csv_type, found in grouped.items()}


def _joined(parts: Sequence[list[T]]) -> list[T]:
    return parts[0] if len(parts) == 1 else list(chain.from_iterable(parts))
