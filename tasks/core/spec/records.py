"""The records of a CSV text, by column.

A text whose quotes are in order goes through pandas. Any other goes record by record, so that damage stays in the
records it touched: a quote that never closes must not swallow the rest of the file.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from tasks.core.spec.column import Column
from tasks.core.spec.layout import MOST_COLUMNS

_QUOTE = '"'
# A cell may be as long as its file; the limit of the csv module is far below that.
csv.field_size_limit(2**31 - 1)
# A record with quoted line breaks may span this many lines before its quote counts as stray.
_MOST_LINES = 2_000
_MOST_FRAGMENTS = 20
_MOST_CHANGES = 30  # places in a record where a quote may be missing or stray
_MOST_EFFORT = 200_000  # readings and lines looked at in vain
_MOST_CELLS = 20_000_000  # a record far too long makes all others as long


@dataclass(frozen=True, slots=True)
class Records:
    """The cells of a file by column, header first, and the numbers of records that were not in order."""

    data: tuple[Column, ...]
    damaged: tuple[int, ...] = ()  # quotes out of order
    longer: tuple[int, ...] = ()  # more cells than the header
    shorter: tuple[int, ...] = ()  # fewer cells than the header


def read_records(data: bytes, delimiter: str, width: int) -> Records:
    """All records of a text whose first record is a header of `width` columns."""
    delimiters = _delimiters(data, delimiter)
    if delimiters is not None:
        columns = _read_regular(data, delimiter, width)
        if columns is not None and delimiters == len(columns[0]) * (width - 1):
            return Records(columns)
    return _read_carefully(data.decode(), delimiter, width)


def record_lines(lines: Sequence[str], delimiter: str, width: int) -> Iterator[tuple[list[str], int]]:
    """The records of lines one by one: the cells of each, and how many lines it takes."""
    return ((cells, taken) for cells, taken, _ in _CarefulReader(lines, delimiter, width))


def _delimiters(data: bytes, delimiter: str) -> int | None:
    """How many delimiters stand outside of quotes; None where not every quote opens or closes a whole cell."""
    if b"\0" in data:
        return None  # pandas ends a cell there
    parts = data.split(b'"')
    if len(parts) % 2 == 0:
        return None
    outside = b"\0".join(parts[::2])
    stray = re.compile(rb"\0(?:[^%b\n\0]|(?<=[^%b\n\0]\0))" % (delimiter.encode(), delimiter.encode()))
    return None if stray.search(outside) else outside.count(delimiter.encode())


def _read_regular(data: bytes, delimiter: str, width: int) -> tuple[Column, ...] | None:
    """The columns; None where a record has more cells than the header."""
    from pandas import read_csv  # takes a second to load
    from pandas.errors import ParserError

    try:
        frame = read_csv(
            io.BytesIO(data),
            sep=delimiter,
            header=None,
            names=range(width),
            index_col=False,
            dtype=object,
            na_filter=False,
            skip_blank_lines=False,
            engine="c",
        )
    except ParserError:
        return None
    return tuple([Column.of(cells.to_numpy()) for _, cells in frame.items()])


def _read_carefully(text: str, delimiter: str, width: int) -> Records:
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    most = max(width + 1, min(MOST_COLUMNS, _MOST_CELLS // max(1, len(lines))))
    rows: list[list[str]] = []
    damaged = []
    for cells, _, sound in _CarefulReader(lines, delimiter, width):
        rows.append(cells if len(cells) <= most else [*cells[: most - 1], delimiter.join(cells[most - 1 :])])
        if not sound:
            damaged.append(len(rows))
    longer = tuple(number for number, row in enumerate(rows, 1) if any(map(str.strip, row[width:])))
    shorter = tuple(number for number, row in enumerate(rows, 1) if 1 < len(row) < width)
    data = _by_column(rows, width if not longer else max(map(len, rows)))
    return Records(data, tuple(damaged), longer, shorter)


def _by_column(rows: Sequence[list[str]], width: int) -> tuple[Column, ...]:
    full = [row[:width] + [""] * (width - len(row)) for row in rows]
    return tuple(map(Column.of, zip(*full, strict=True)))


class _CarefulReader:
    """Reads record by record; a record out of order costs itself only.

    Looking for another reading costs effort. Where it is used up, nothing but damage is left, and what is out of order
    is taken line by line.
    """

    def __init__(self, lines: Sequence[str], delimiter: str, width: int) -> None:
        self._lines = lines
        self._delimiter = delimiter
        self._width = width
        self._effort = _MOST_EFFORT
        cell = f'(?:"[^"]*(?:""[^"]*)*"|[^"{re.escape(delimiter)}]*)'
        self._ordered = re.compile(f"{cell}(?:{re.escape(delimiter)}{cell})*")

    def __iter__(self) -> Iterator[tuple[list[str], int, bool]]:
        at = 0
        while at < len(self._lines):
            cells, taken, sound = self._record(at)
            yield cells, taken, sound
            at += taken

    def _record(self, at: int) -> tuple[list[str], int, bool]:
        """The cells of the record that starts at a line, how many lines it takes, and whether it is in order."""
        line = self._lines[at]
        if _QUOTE not in line:
            literal = line.split(self._delimiter)
            mended = self._mended(at, 2) if 1 < len(literal) < self._width and self._goes_on(at + 1) else None
            return (*mended, False) if mended else (literal, 1, True)
        strict, taken = self._strict(at)
        if strict is not None and self._ends_before(at + taken, strict, taken):
            return strict, taken, True
        self._effort -= taken
        if any(map(self._is_whole, range(at + 1, at + taken))):
            strict = None  # it swallowed another
        if strict is not None and len(strict) == self._width:
            return strict, taken, True
        least = taken + 1 if strict is not None and self._in_order(at) else 1
        if mended := self._mended(at, least):
            return *mended, False
        return (line.split(self._delimiter), 1, False) if strict is None else (strict, taken, True)

    def _strict(self, at: int) -> tuple[list[str] | None, int]:
        """The record that starts here, if its quotes are in order, and how many lines that took to see."""
        until = min(len(self._lines), at + (_MOST_LINES if self._effort > 0 else _MOST_FRAGMENTS))
        return self._parse(self._lines[line] + "\n" for line in range(at, until))

    def _parse(self, lines: Iterable[str]) -> tuple[list[str] | None, int]:
        reader = csv.reader(lines, delimiter=self._delimiter, strict=True)
        try:
            return next(reader), reader.line_num
        except (csv.Error, StopIteration):
            return None, reader.line_num

    def _mended(self, at: int, least: int = 1) -> tuple[list[str], int] | None:
        """A reading of a damaged record that a whole record follows, best with as many cells as the header has.

        It takes so many lines at least.
        """
        if self._effort < 0:
            return None
        second: tuple[list[str], int] | None = None
        third: tuple[list[str], int] | None = None
        for end in range(at + least, min(len(self._lines), at + _MOST_FRAGMENTS) + 1):
            lines = self._lines[at:end]
            cells = next(self._readings(lines), None)
            whole_next = end == len(self._lines) or self._is_whole(end)
            if cells is not None and whole_next:
                return cells, end - at
            second = second or ((cells, end - at) if cells is not None else None)
            if whole_next:
                third = self._closed(lines)
            if whole_next or self._effort < 0:
                break
        return third or second

    def _closed(self, lines: Sequence[str]) -> tuple[list[str], int] | None:
        """Lines as one record of any width, if they are one."""
        if not self._hold_together(lines):
            return None
        cells: list[str] = []
        for part in "\n".join(lines).split(self._delimiter):
            if cells and cells[-1].count(_QUOTE) % 2:
                cells[-1] += self._delimiter + part
            else:
                cells.append(part)
        return [_unquoted(cell) for cell in cells], len(lines)

    def _hold_together(self, lines: Sequence[str]) -> bool:
        """Whether every line break stands in quotes, seen from before it or from behind it."""
        return all(
            self._is_one([*lines[:at], _QUOTE]) or self._is_one([_QUOTE, *lines[at:]])
            for at in range(1, len(lines))
        )

    def _is_one(self, lines: Sequence[str]) -> bool:
        """Whether lines are one record in order, the first or last being what stands beside a line break."""
        self._effort -= len(lines)
        cells, taken = self._parse(line + "\n" for line in lines)
        return cells is not None and taken == len(lines)

    def _ends_before(self, at: int, cells: Sequence[str], taken: int) -> bool:
        """Whether a record ends where it seems to: what follows is in order, and is no rest of it."""
        if len(cells) == self._width and taken == 1:
            return True
        effort = self._effort
        if self._goes_on(at):
            return False
        self._effort = effort  # where all is in order, nothing is looked at in vain
        return True

    def _readings(self, lines: Sequence[str]) -> Iterator[list[str]]:
        """Ways to read lines as one record of the header's width: as they stand, with a quote more, with one less."""
        text = "\n".join(lines)
        literal = text.split(self._delimiter)
        if len(lines) == 1 and len(literal) == self._width:
            yield literal
        for changed in (*self._with_a_quote_more(text), *_with_a_quote_less(text)):
            self._effort -= len(lines)
            cells, taken = self._parse(line + "\n" for line in changed.split("\n"))
            if cells is not None and taken == len(lines) and len(cells) == self._width:
                yield cells
        if len(lines) > 1 and len(literal) == self._width and self._hold_together(lines):
            yield literal

    def _with_a_quote_more(self, text: str) -> Iterator[str]:
        """The text with a quote put where a cell begins or ends."""
        edges = [
            found.start() for found in islice(re.finditer(re.escape(self._delimiter), text), _MOST_CHANGES)
        ]
        places = {0, len(text), *edges, *(edge + 1 for edge in edges)}
        return (text[:place] + _QUOTE + text[place:] for place in sorted(places))

    def _goes_on(self, at: int) -> bool:
        """Whether lines may be the rest of a record that lost a quote: the first quote in them is out of order."""
        for line in range(at, min(len(self._lines), at + _MOST_FRAGMENTS)):
            if self._effort < 0 or self._is_whole(line):
                return False
            if _QUOTE in self._lines[line]:
                return self._in_order(line) is None
        return False

    def _is_whole(self, at: int) -> bool:
        """Whether a full record starts at this line."""
        if _QUOTE not in self._lines[at]:
            return self._lines[at].count(self._delimiter) == self._width - 1
        cells = self._in_order(at)
        return cells is not None and len(cells) == self._width

    def _in_order(self, at: int) -> list[str] | None:
        """The record that starts at this line, if quotes stand around whole cells only, and in pairs within."""
        strict, taken = self._strict(at)
        self._effort -= taken
        text = "\n".join(self._lines[at : at + taken])
        return strict if self._ordered.fullmatch(text) else None


def _unquoted(cell: str) -> str:
    inner = cell[1:-1] if len(cell) > 1 and cell[0] == cell[-1] == _QUOTE else cell
    return inner.replace(_QUOTE * 2, _QUOTE)


def _with_a_quote_less(text: str) -> Iterator[str]:
    quotes = (found.start() for found in islice(re.finditer(_QUOTE, text), _MOST_CHANGES))
    return (text[:place] + text[place + 1 :] for place in quotes)
