"""Where the header of a file stands and what separates its cells, judged by what tabs are called everywhere."""

import csv
import io
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from tasks.core.spec.names import header_key
from tasks.core.spec.registry import TAB_TYPES

_DELIMITERS = ",;\t|"
_PREVIEW_ROWS = 30
_PREVIEW_BYTES = 65_536
_KNOWN = [frozenset(name for column in tab.columns for name in column.names) for tab in TAB_TYPES]
MOST_COLUMNS = 500  # no tab has so many
_ENOUGH = 2  # one known word is a coincidence


@dataclass(frozen=True, slots=True)
class Layout:
    """How a CSV file is laid out."""

    delimiter: str
    title_lines: int  # physical lines above the header
    width: int  # columns of the header

    def body(self, data: bytes) -> bytes:
        """The file from the header on."""
        return data.split(b"\n", self.title_lines)[self.title_lines] if self.title_lines else data


def known_names(cells: Iterable[str]) -> int:
    """How many of these cells are column names of one and the same tab type."""
    keys = {header_key(cell) for cell in cells if cell and len(cell) < 60}  # noqa: PLR2004
    return max(len(keys & names) for names in _KNOWN)


def header_row(rows: Sequence[Sequence[str]]) -> tuple[int, int]:
    """Which of the first rows is the header, and how many names in it are known."""
    scores = [known_names(row) for row in rows]
    best = max(scores, default=0)
    if best >= _ENOUGH:
        return scores.index(best), best
    widest = max((_filled(row) for row in rows), default=0)
    return next((at for at, row in enumerate(rows) if _filled(row) >= min(2, widest) > 0), 0), best


def find_layout(data: bytes) -> Layout:
    """Try every delimiter and take the one under which a header is best known."""
    text = data[:_PREVIEW_BYTES].decode(errors="ignore")
    usual, *others = tuple(_DELIMITERS)
    delimiters = [usual, *(other for other in others if other in text)]
    best = max((_try(text, delimiter) for delimiter in delimiters), key=lambda found: found[0])
    return best[1]


def _filled(row: Sequence[str]) -> int:
    return sum(1 for cell in row if cell.strip())


def _try(text: str, delimiter: str) -> tuple[tuple[int, int], Layout]:
    reader = csv.reader(io.StringIO(text, newline="\n"), delimiter=delimiter)
    rows: list[list[str]] = []
    starts: list[int] = []
    with suppress(csv.Error):  # what comes before is preview enough
        for row in islice(reader, _PREVIEW_ROWS):
            starts.append(reader.line_num)
            rows.append(row[: MOST_COLUMNS + 1])
    at, known = header_row(rows)
    above = starts[at - 1] if at else 0
    width = max(1, len(rows[at])) if rows else 1
    alike = sum(1 for row in rows if len(row) == width) if width > 1 else 0
    return (known if known >= _ENOUGH else 0, alike), Layout(delimiter, above, width)
