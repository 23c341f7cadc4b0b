"""From a file to its table: encoding, delimiter, where the header stands, and every cell as the text it is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from db.enums import ErrorSeverity
from tasks.core.findings import Finding
from tasks.core.spec.cells import is_clean, tidy
from tasks.core.spec.decoding import Decoded, binary_kind, decode, put_back
from tasks.core.spec.layout import MOST_COLUMNS, find_layout
from tasks.core.spec.model import ParsedFile, SourceFile
from tasks.core.spec.records import Records, read_records
from tasks.core.spec.sheet_notes import notes_findings, take_notes


@dataclass(frozen=True, slots=True)
class Reading:
    """A file as read, if it could be, and what was noticed on the way."""

    parsed: ParsedFile | None
    findings: tuple[Finding, ...] = ()


def read(source: SourceFile) -> Reading:
    """Read one CSV file; what is wrong with it comes out as findings, never as an exception."""
    kind = binary_kind(source.content)
    if kind is not None:
        return Reading(None, (_blocking(source.filename, "file-unreadable", f"is {kind}, not a CSV file"),))
    decoded = decode(source.content)
    notes, data = take_notes(decoded.data)
    if not data or data.isspace():
        return Reading(None, (_blocking(source.filename, "file-empty", "is empty"),))
    layout = find_layout(data)
    if layout.width > MOST_COLUMNS:
        return Reading(
            None, (_blocking(source.filename, "file-unreadable", f"has more than {MOST_COLUMNS} columns"),)
        )
    records = read_records(layout.body(data), layout.delimiter, layout.width)
    if decoded.held_breaks:
        records = replace(records, data=tuple([cells.map(put_back) for cells in records.data]))
    noticed = [*_encoding_findings(source.filename, decoded)]
    if notes is not None:
        noticed += notes_findings(source.filename, notes)
    return _parsed(source.filename, records, noticed, clean=is_clean(data))


def _parsed(filename: str, records: Records, noticed: Sequence[Finding], *, clean: bool) -> Reading:
    """The table of a file from its records, header first; `clean` says that no cell has to be looked through."""
    header, data, findings = tidy(filename, records.data, clean=clean)
    numbers = range(2, len(records.data[0]) + 1)
    parsed = ParsedFile(filename, header, data, numbers)
    return Reading(parsed, (*noticed, *findings, *_record_findings(filename, records)))


def _blocking(filename: str, code: str, what: str) -> Finding:
    return Finding(
        code=code,
        severity=ErrorSeverity.BLOCKING,
        message=f"“{filename}” {what}.",
        file=filename,
        actions=(
            "Export the tab again as CSV (File > Download > Comma-separated values).",
            "Or leave the file out.",
        ),
    )


def _encoding_findings(filename: str, decoded: Decoded) -> list[Finding]:
    if not decoded.guessed:
        return []
    return [
        Finding(
            code="encoding-guessed",
            severity=ErrorSeverity.INFO,
            message=f"“{filename}” is not UTF-8; it was read as {decoded.encoding}.",
            file=filename,
            actions=("Look whether special characters came out right; else save the file as UTF-8.",),
        )
    ]


def _record_findings(filename: str, records: Records) -> list[Finding]:
    said = (
        ("quotes-damaged", ErrorSeverity.WARNING, records.damaged,
         "quotes out of order: these records were read as well as they could be"),
        ("cells-beyond-header", ErrorSeverity.WARNING, records.longer,
         "more cells than the header has columns: what stands there is kept without a column name"),
        ("record-short", ErrorSeverity.INFO, records.shorter,
         "fewer cells than the header has columns: the missing ones count as empty"),
    )  # fmt: skip
    return [
        Finding(
            code=code,
            severity=severity,
            message=f"“{filename}” has {what}.",
            file=filename,
            records=numbers,
            actions=("Compare these records with the sheet and export it again.",),
        )
        for code, severity, numbers, what in said
        if numbers
    ]
