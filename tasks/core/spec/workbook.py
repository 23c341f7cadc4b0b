"""Workbooks: every visible sheet that is a tab of a spec becomes a CSV file of its own.

The parts of a workbook are counted before they are read and may hold no document type, so that neither a zip bomb
nor an entity bomb gets to the XML parser.
"""

import csv
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from zipfile import ZipFile

from tasks.core.errors import UserFixable
from tasks.core.settings import Limits
from tasks.core.spec.cell_text import shown
from tasks.core.spec.detection import detect
from tasks.core.spec.layout import header_row
from tasks.core.spec.model import SourceFile
from tasks.core.spec.reading import read
from tasks.core.spec.sheet_notes import SheetNotes

if TYPE_CHECKING:
    from openpyxl.worksheet._read_only import ReadOnlyWorksheet

_PREVIEW_ROWS = 30
_ROW_COST = 10  # an empty row costs time as well
_UNPACKED = 25  # XML is that much larger than the text it holds, at most


@dataclass(slots=True)
class _Sheet:
    """The cells of a sheet as text, and those whose look had to be guessed."""

    name: str
    rows: list[list[str]] = field(default_factory=list)
    guessed: list[tuple[int, int]] = field(default_factory=list)  # row, column


def sheets_of(workbook: SourceFile, limits: Limits) -> list[SourceFile]:
    """The tabs of a workbook as CSV files, named by workbook and sheet."""
    _check_parts(workbook, limits)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what openpyxl cannot show is not needed here
            sheets, left_out = _read_sheets(workbook, limits)
    except UserFixable:
        raise
    except Exception as error:  # a parser of hostile input may fail with anything
        raise _refused(workbook, "is damaged") from error
    if not sheets:
        named = ", ".join(f"“{name}” ({why})" for name, why in left_out) or "it is empty"
        raise _refused(workbook, f"has no sheet with a header of a spec tab: {named}")
    return [
        _as_csv(workbook, sheet, tuple(left_out) if number == 0 else ())
        for number, sheet in enumerate(sheets)
    ]


def _check_parts(workbook: SourceFile, limits: Limits) -> None:
    """Refuse bombs: parts larger than they may be, and document types, which no workbook needs."""
    most = limits.file_bytes * _UNPACKED
    try:
        with ZipFile(io.BytesIO(workbook.content)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > most:
                raise _refused(workbook, f"unpacks to more than {most / 1_000_000:g} MB")
            for entry in archive.infolist():
                with archive.open(entry) as part:
                    head = part.read(4096).replace(b"\0", b"")  # in any encoding
                if b"<!DOCTYPE" in head or b"<!ENTITY" in head:
                    raise _refused(workbook, f"defines entities in “{entry.filename}”")
    except UserFixable:
        raise
    except Exception as error:  # whatever a damaged archive makes of it
        raise _refused(workbook, "is damaged or no workbook") from error


def _read_sheets(workbook: SourceFile, limits: Limits) -> tuple[list[_Sheet], list[tuple[str, str]]]:
    from openpyxl import load_workbook

    book = load_workbook(io.BytesIO(workbook.content), read_only=True, data_only=True, keep_links=False)
    kept: list[_Sheet] = []
    left_out: list[tuple[str, str]] = []
    left = limits.total_bytes
    for worksheet in book.worksheets:
        if worksheet.sheet_state != "visible":
            left_out.append((worksheet.title, "hidden"))
            continue
        sheet = _read_sheet(workbook, worksheet, min(limits.file_bytes, left))
        left -= sum(len(cell) + 1 for row in sheet.rows for cell in row)
        why = _why_no_tab(workbook, sheet)
        if why:
            left_out.append((sheet.name, why))
        else:
            kept.append(sheet)
    return kept, left_out


def _read_sheet(workbook: SourceFile, worksheet: "ReadOnlyWorksheet", most: int) -> _Sheet:
    """The cells of a sheet, as long as their text keeps the limit; what is empty at its end is not kept."""
    sheet = _Sheet(worksheet.title)
    worksheet.reset_dimensions()  # what the file says about its size may be wrong
    size = filled = 0
    for number, row in enumerate(worksheet.iter_rows()):
        cells = [shown(cell) for cell in row]
        sheet.rows.append([text for text, _ in cells])
        sheet.guessed += [(number, at) for at, (_, sure) in enumerate(cells) if not sure]
        size += sum(len(text) + 1 for text, _ in cells) + _ROW_COST
        _keep_limit(workbook, sheet, size, most)
        if any(text.strip() for text, _ in cells):
            filled = number + 1
    del sheet.rows[filled:]
    width = max((len(row) for row in sheet.rows), default=0)
    _keep_limit(workbook, sheet, width * len(sheet.rows), most)  # one cell at the far end makes all rows long
    sheet.rows = [[*row, *[""] * (width - len(row))] for row in sheet.rows]
    return sheet


def _keep_limit(workbook: SourceFile, sheet: _Sheet, size: int, most: int) -> None:
    if size > most:
        raise _refused(workbook, f"has more than {most / 1_000_000:g} MB in the sheet “{sheet.name}”")


def _why_no_tab(workbook: SourceFile, sheet: _Sheet) -> str | None:
    if not sheet.rows:
        return "empty"
    parsed = read(_as_csv(workbook, sheet, ())).parsed
    return None if parsed is not None and detect(parsed).csv_type else "no header of a spec tab"


def _as_csv(workbook: SourceFile, sheet: _Sheet, left_out: tuple[tuple[str, str], ...]) -> SourceFile:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    notes = SheetNotes(workbook=workbook.filename, left_out=left_out, typed=tuple(_guessed(sheet)))
    if notes.left_out or notes.typed:
        writer.writerow(notes.as_record())
    # A lone carriage return would not be quoted; within a cell it means a line break.
    writer.writerows([cell.replace("\r\n", "\n").replace("\r", "\n") for cell in row] for row in sheet.rows)
    return SourceFile(f"{workbook.filename}/{sheet.name}", out.getvalue().encode(errors="replace"))


def _guessed(sheet: _Sheet) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Columns with cells whose look had to be guessed, and their record numbers."""
    above, _ = header_row(sheet.rows[:_PREVIEW_ROWS]) if sheet.rows else (0, 0)
    columns: dict[int, list[int]] = {}
    for row, column in sheet.guessed:
        if above < row < len(sheet.rows):
            columns.setdefault(column, []).append(row - above + 1)
    for column, records in columns.items():
        yield sheet.rows[above][column].strip() or f"column {column + 1}", tuple(records)


def _refused(workbook: SourceFile, why: str) -> UserFixable:
    return UserFixable(
        f"The workbook “{workbook.filename}” {why}.",
        actions=["Download the sheet again as a workbook (.xlsx), or export its tabs as CSV."],
        code="workbook-refused",
    )
