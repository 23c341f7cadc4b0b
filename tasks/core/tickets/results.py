"""The spec's own CSV files with the Jira keys in their ID column, and not a byte else changed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tasks.core.spec.names import header_key
from tasks.core.spec.records import Records
from tasks.core.spec.sheet_notes import take_notes
from tasks.core.tickets.results_bytes import Cell, View, delimiter_of, locate, read_cells, view_of

ID_COLUMN = "id"
BETWEEN = ", "
# One byte of a character may look like a space of Latin-1.
SPACE = " \t\r\n"
_WORD = re.compile(r"[^\s,;]+", re.ASCII)
_QUOTE = '"'


@dataclass(frozen=True, slots=True)
class Filled:
    """A file with keys in it, and what could not be done."""

    content: bytes
    rows: int  # that got a key
    left: tuple[int, ...] = ()  # records whose ID cell could not be told apart for certain
    said: str = ""  # why the whole file is as it was


def fill_in(content: bytes, keys: Mapping[int, Sequence[str]]) -> Filled:
    """The file with the issue keys of its records, by record number, in their ID cells.

    What stood there before stays, in front of the keys. A file that could not be changed for certain stays as it is.
    """
    content = without_notes(content)
    view, before = view_of(content), read_cells(content)
    if view is None or before is None:
        return Filled(content, 0, said="it cannot be put together again byte for byte")
    at = id_column(before)
    if at is None:
        return Filled(content, 0, said="it has no ID column")
    return _fill_in(content, view, before, at, keys)


def without_notes(content: bytes) -> bytes:
    """A sheet of a workbook without the record that we put above its header; any other file as it is."""
    notes, rest = take_notes(content)
    return content if notes is None else rest


def id_column(records: Records) -> int | None:
    """Where the ID column stands."""
    header = [header_key(column[0].strip()) for column in records.data]
    return header.index(ID_COLUMN) if ID_COLUMN in header else None


def _fill_in(
    content: bytes, view: View, before: Records, at: int, keys: Mapping[int, Sequence[str]]
) -> Filled:
    delimiter = delimiter_of(content)
    pieces: list[str] = []
    left, filled, done = [], {}, 0
    for number, cells in enumerate(locate(content, view), start=1):
        if not keys.get(number):
            continue
        if cells is None or len(cells) <= at:
            left.append(number)
            continue
        cell = cells[at]
        pieces += view.text[done : cell.start], new_cell(view.text, cell, keys[number], delimiter)
        filled[number], done = keys[number], cell.end
    after = view.with_text("".join([*pieces, view.text[done:]]))
    if not _only_keys_changed(before, read_cells(after), at, filled):
        return Filled(content, 0, said="its cells cannot be told apart for certain")
    return Filled(after, len(filled), tuple(left))


def new_cell(text: str, cell: Cell, keys: Sequence[str], delimiter: str) -> str:
    """The cell with the keys: quoted where it was, or where it has to be now."""
    raw = text[cell.start : cell.end]
    quoted = len(raw) > 1 and raw[0] == raw[-1] == _QUOTE
    inner = raw[1:-1] if quoted else raw.strip(SPACE)
    new = [key for key in dict.fromkeys(keys) if key not in _WORD.findall(inner)]
    if not new:
        return raw
    value = BETWEEN.join([*([inner] if inner.strip(SPACE) else []), *new])
    if quoted:
        return f"{_QUOTE}{value}{_QUOTE}"
    if any(character in value for character in (delimiter, _QUOTE, "\n", "\r")):
        return _QUOTE + value.replace(_QUOTE, _QUOTE * 2) + _QUOTE
    return value


def _only_keys_changed(
    before: Records, after: Records | None, at: int, filled: Mapping[int, Sequence[str]]
) -> bool:
    """Whether the intake reads all cells as before, but for the keys."""
    if after is None or len(after.data) != len(before.data):
        return False
    for column, (old, new) in enumerate(zip(before.data, after.data, strict=True)):
        if column != at and [*old] != [*new]:
            return False
    old, new = before.data[at], after.data[at]
    return len(old) == len(new) and all(
        set(filled[number]) <= set(_WORD.findall(now)) if number in filled else now == was
        for number, (was, now) in enumerate(zip(old, new, strict=True), start=1)
    )
