"""Cells as they are kept: edge whitespace trimmed, control characters gone, columns without anything left out."""

import re
from collections.abc import Iterable, Sequence

from db.enums import ErrorSeverity
from tasks.core.findings import Finding
from tasks.core.spec.column import Column

# Control characters have no place in a ticket; U+FFFE and U+FFFF are no characters at all.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
_UNREADABLE = re.compile("\ufffd")
_CONTROL_BYTES = bytes([*(code for code in range(32) if code not in b"\t\n\r"), 0x7F])
_C1_BYTES = re.compile(rb"\xc2[\x80-\x9f]")  # U+0080 to U+009F; U+FFFD to U+FFFF begin with EF BF


def is_clean(data: bytes) -> bool:
    """Whether a file in UTF-8 has no character that must go or could not be read: cheap, and nearly always true."""
    if len(data.translate(None, _CONTROL_BYTES)) != len(data):
        return False
    return data.isascii() or not ((b"\xef" in data and b"\xef\xbf" in data) or _C1_BYTES.search(data))


def tidy(
    filename: str, raw: Sequence[Column], *, clean: bool
) -> tuple[tuple[str, ...], tuple[Column, ...], list[Finding]]:
    """Header, columns and findings of a file from its raw columns, each with the header first.

    A column without a name stays, nameless, if anything stands in it.
    """
    header, data, findings = [], [], []
    for column in raw:
        cells = column.map(str.strip)
        tidied = cells if clean else cells.map(_without_controls)
        name = tidied[0]
        if name or any(tidied.texts):
            header.append(name)
            data.append(tidied.below())
            findings += (
                [] if clean else [*_controls(filename, name, cells), *_unreadable(filename, name, tidied)]
            )
    return tuple(header), tuple(data), findings


def _without_controls(text: str) -> str:
    return _CONTROL.sub("", text).strip()


def _matching(pattern: re.Pattern[str], cells: Column) -> list[int]:
    return cells.where({text for text in cells.texts if pattern.search(text)})


def _controls(filename: str, name: str, cells: Column) -> Iterable[Finding]:
    places = _matching(_CONTROL, cells)
    if places:
        yield Finding(
            code="control-characters",
            severity=ErrorSeverity.WARNING,
            message=f"{len(places)} cells of “{name}” held control characters; they were removed.",
            file=filename,
            records=tuple(at + 1 for at in places),
            column=name or None,
            actions=("Look at these cells in the sheet and type them again.",),
        )


def _unreadable(filename: str, name: str, cells: Column) -> Iterable[Finding]:
    places = _matching(_UNREADABLE, cells)
    if places:
        yield Finding(
            code="characters-unreadable",
            severity=ErrorSeverity.WARNING,
            message=f"{len(places)} cells of “{name}” hold characters that could not be read; they stand as \ufffd.",
            file=filename,
            records=tuple(at + 1 for at in places),
            column=name or None,
            value=cells[places[0]],
            actions=("Save the file as UTF-8 and hand it in again.",),
        )
