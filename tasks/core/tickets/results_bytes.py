"""A CSV file as text of which every byte can be put back: which characters make up which cell."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tasks.core.spec.decoding import BOMS, HELD_BREAK, decode, record_end, utf16_without_mark
from tasks.core.spec.layout import find_layout
from tasks.core.spec.records import Records, read_records, record_lines
from tasks.core.spec.sheet_notes import take_notes

_SAMPLE = 2_048
_QUOTE = '"'


@dataclass(frozen=True, slots=True)
class View:
    """A file as characters: one per byte where the encoding keeps ASCII as it is, else what the encoding says."""

    mark: bytes
    text: str
    encoding: str

    def with_text(self, text: str) -> bytes:
        """The file with another text."""
        return self.mark + text.encode(
            self.encoding, "surrogatepass" if self.encoding != "latin-1" else "strict"
        )


def view_of(content: bytes) -> View | None:
    """The file as characters; None where it could not be put back byte for byte."""
    mark, encoding = next(
        ((bom, name) for bom, name in BOMS if content.startswith(bom)),
        (b"", utf16_without_mark(content[:_SAMPLE]) or "utf-8"),
    )
    if encoding == "utf-8":
        encoding = (
            "latin-1"  # delimiters, quotes and line ends are ASCII: whatever else stands there may stay
        )
    try:
        view = View(mark, content[len(mark) :].decode(encoding, "surrogatepass"), encoding)
        return view if view.with_text(view.text) == content else None
    except UnicodeError:
        return None


@dataclass(frozen=True, slots=True)
class Cell:
    """Where a cell stands in the text of its file, quotes included."""

    start: int
    end: int


def read_cells(content: bytes) -> Records | None:
    """The cells of a file as the intake reads them, header first, without the notes of a workbook's sheet."""
    _, data = take_notes(decode(content).data)
    if not data.strip():
        return None
    layout = find_layout(data)
    return read_records(layout.body(data), layout.delimiter, layout.width)


def delimiter_of(content: bytes) -> str:
    """What separates the cells of a file."""
    return find_layout(take_notes(decode(content).data)[1]).delimiter


def locate(content: bytes, view: View) -> Iterator[list[Cell] | None]:
    """The cells of each record, header first; None for a record whose cells cannot be told apart for certain."""
    whole = decode(content).data
    _, data = take_notes(whole)
    layout = find_layout(data)
    above = whole[: len(whole) - len(data)].count(b"\n") + layout.title_lines
    plain, breaks = _with_one_line_end(view)
    lines = plain.split("\n")
    at = sum(len(line) + 1 for line in lines[:above])
    lines = lines[above:]
    if lines[-1:] == [""]:
        lines.pop()
    number = 0
    for cells, taken in record_lines(lines, layout.delimiter, layout.width):
        text = "\n".join(lines[number : number + taken])
        found = _cells(text, layout.delimiter, cells)
        yield (
            None
            if found is None
            else [Cell(_origin(at + start, breaks), _origin(at + end, breaks)) for start, end in found]
        )
        at += len(text) + 1
        number += taken


def _with_one_line_end(view: View) -> tuple[str, Sequence[int]]:
    r"""The text as the intake sees it, and where in it stands a \n that was \r\n."""
    pieces = view.text.split("\r\n")
    breaks: list[int] = []
    length = 0
    for piece in pieces[:-1]:
        length += len(piece)
        breaks.append(length)
        length += 1
    text = "\n".join(pieces)
    if "\r" not in text:
        return text, breaks
    ends = record_end(text.encode("utf-8", "surrogatepass"))
    if ends is None:
        return text.replace("\r", "\n"), breaks
    end, other = ("\r", "\n") if ends == b"\r" else ("\n", "\r")
    return text.replace(other, HELD_BREAK).replace(end, "\n"), breaks


def _origin(place: int, breaks: Sequence[int]) -> int:
    return place + bisect_left(breaks, place)


def _cells(text: str, delimiter: str, cells: Sequence[str]) -> list[tuple[int, int]] | None:
    """Where the cells of a record stand, if what stands there is what was read."""
    for found in (_spans(text, delimiter), _literal_spans(text, delimiter)):
        if [_value(text[start:end]) for start, end in found] == list(cells):
            return found
        if [text[start:end] for start, end in found] == list(cells):
            return found
    return None


def _spans(text: str, delimiter: str) -> list[tuple[int, int]]:
    spans, at = [], 0
    while True:
        end = text.find(delimiter, _after_quotes(text, at))
        end = len(text) if end < 0 else end
        spans.append((at, end))
        if end == len(text):
            return spans
        at = end + 1


def _after_quotes(text: str, at: int) -> int:
    if not text.startswith(_QUOTE, at):
        return at
    at += 1
    while (close := text.find(_QUOTE, at)) >= 0:
        if not text.startswith(_QUOTE, close + 1):
            return close + 1
        at = close + 2
    return len(text)


def _literal_spans(text: str, delimiter: str) -> list[tuple[int, int]]:
    spans, at = [], 0
    for piece in text.split(delimiter):
        spans.append((at, at + len(piece)))
        at += len(piece) + 1
    return spans


def _value(raw: str) -> str:
    if len(raw) > 1 and raw[0] == raw[-1] == _QUOTE:
        return raw[1:-1].replace(_QUOTE * 2, _QUOTE)
    return raw
