"""The records of a CSV text, by column.

A text whose quotes are in order goes through pandas. Any other goes record by record, so that damage stays in the
records it touched: a quote that never closes must not swallow the rest of the file.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tasks.core.spec.layout import MOST_COLUMNS

_QUOTE = '"'
# A cell may be as long as its file; the limit of the csv module is far below that.
csv.field_size_limit(2**31 - 1)
# A record with quoted line breaks may span this many lines before its quote counts as stray.
_MOST_LINES = 2_000
_MOST_FRAGMENTS = 60
_MOST_EFFORT = 300_000  # lines looked at in vain
_MOST_CELLS = 20_000_000  # a record far too long makes all others as long


@dataclass(frozen=True, slots=True)
class Records:
    """The cells of a file by column, header first, and the numbers of records that were not in order."""

    data: tuple[list[str], ...]
    damaged: tuple[int, ...] = ()  # quotes out of order
    longer: tuple[int, ...] = ()  # more cells than the header
    shorter: tuple[int, ...] = ()  # fewer cells than the header


def read_records(data: bytes, delimiter: str, width: int) -> Records:
    """All records of a text whose first record is a header of `width` columns."""
    outside = _outside_quotes(data, delimiter)
    if outside is not None:
        columns = _read_regular(data, delimiter, width)
        if columns is not None and outside.count(delimiter.encode()) == len(columns[0]) * (width - 1):
            return Records(columns)
    return _read_carefully(data.decode(), delimiter, width)


def _outside_quotes(data: bytes, delimiter: str) -> bytes | None:
    """What stands outside of quotes; None where not every quote opens or closes a whole cell."""
    if b"\0" in data:
        return None  # pandas ends a cell there
    parts = data.split(b'"')
    if len(parts) % 2 == 0:
        return None
    outside = b"\0".join(parts[::2])
    stray = re.compile(rb"\0(?:[^%b\n\0]|(?<=[^%b\n\0]\0))" % (delimiter.encode(), delimiter.encode()))
    return None if stray.search(outside) else outside


def _read_regular(data: bytes, delimiter: str, width: int) -> tuple[list[str], ...] | None:
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
    return tuple([frame[column].tolist() for column in frame.columns])


def _read_carefully(text: str, delimiter: str, width: int) -> Records:
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    most = max(width + 1, min(MOST_COLUMNS, _MOST_CELLS // max(1, len(lines))))
    rows: list[list[str]] = []
    damaged = []
    for cells, sound in _CarefulReader(lines, delimiter, width):
        rows.append(cells if len(cells) <= most else [*cells[: most - 1], delimiter.join(cells[most - 1 :])])
        if not sound:
            damaged.append(len(rows))
    longer = tuple(number for number, row in enumerate(rows, 1) if any(map(str.strip, row[width:])))
    shorter = tuple(number for number, row in enumerate(rows, 1) if 1 < len(row) < width)
    data = _by_column(rows, width if not longer else max(map(len, rows)))
    return Records(data, tuple(damaged), longer, shorter)


def _by_column(rows: Sequence[list[str]], width: int) -> tuple[list[str], ...]:
    full = [row[:width] + [""] * (width - len(row)) for row in rows]
    return tuple([list(column) for column in zip(*full, strict=True)])


class _CarefulReader:
    """Reads record by record; a record out of order costs itself only.

    Looking ahead in vain costs effort. Where it is used up, nothing but damage is left, and lines are taken one by one.
    """

    def __init__(self, lines: Sequence[str], delimiter: str, width: int) -> None:
        self._lines = lines
        self._delimiter = delimiter
        self._dialect: dict[str, Any] = {"delimiter": delimiter, "strict": True}
        self._width = width
        self._effort = _MOST_EFFORT

    def __iter__(self) -> Iterator[tuple[list[str], bool]]:
        at = 0
        while at < len(self._lines):
            cells, taken, sound = self._record(at)
            yield cells, sound
            at += taken

    def _record(self, at: int) -> tuple[list[str], int, bool]:
        """The cells of the record that starts at a line, how many lines it takes, and whether it is in order."""
        line = self._lines[at]
        literal = line.split(self._delimiter)
        if _QUOTE not in line:
            rejoined = self._rejoined(at, literal) if line and len(literal) < self._width else None
            return (*rejoined, False) if rejoined else (literal, 1, True)
        strict, taken = self._strict(at)
        if strict is not None and (taken == 1 or len(strict) == self._width):
            return strict, taken, True
        self._effort -= taken
        if len(literal) != self._width:
            if rejoined := self._rejoined(at, literal):
                return *rejoined, False
            if strict is not None:
                return strict, taken, True
        return literal, 1, False

    def _strict(self, at: int) -> tuple[list[str] | None, int]:
        """The record that starts here, if its quotes are in order, and how many lines that took to see."""
        until = min(len(self._lines), at + (_MOST_LINES if self._effort > 0 else 1))
        reader = csv.reader((self._lines[line] + "\n" for line in range(at, until)), **self._dialect)
        try:
            return next(reader), reader.line_num
        except (csv.Error, StopIteration):
            return None, reader.line_num

    def _rejoined(self, at: int, cells: list[str]) -> tuple[list[str], int] | None:
        """A record that lost a quote around its line breaks: fragments that add up to the header's width."""
        cells = list(cells)
        for line in range(at + 1, min(len(self._lines), at + _MOST_FRAGMENTS)):
            self._effort -= 2
            if self._effort < 0 or len(cells) >= self._width or self._is_whole(line):
                return None
            first, *rest = self._lines[line].split(self._delimiter)
            cells[-1] += f"\n{first}"
            cells += rest
            if rest and len(cells) == self._width:
                lost = "".join(self._lines[at : line + 1]).count(_QUOTE) % 2
                return (cells, line + 1 - at) if lost else None
        return None

    def _is_whole(self, at: int) -> bool:
        """Whether a full record starts at this line."""
        if _QUOTE not in self._lines[at]:
            return len(self._lines[at].split(self._delimiter)) == self._width
        strict, taken = self._strict(at)
        self._effort -= taken
        return strict is not None and len(strict) == self._width
