"""What the reading of a workbook leaves to say, carried in the first record of the CSV that a sheet becomes.

A sheet is stored as CSV, like any tab. What was left out of its workbook, and which of its cells were no text, is
known only when the workbook is opened; the first record, above the header, keeps it with the sheet.
"""

import csv
import io
from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, ValidationError

from db.enums import ErrorSeverity
from tasks.core.findings import Finding
from tasks.core.spec.reporting import quoted

_MARK = "drupal-tickets sheet"


class SheetNotes(BaseModel):
    """Where a sheet comes from and what is to be said about it."""

    model_config = ConfigDict(frozen=True)

    workbook: str
    left_out: tuple[tuple[str, str], ...] = ()  # sheets that are no tabs, and why
    typed: tuple[
        tuple[str, tuple[int, ...]], ...
    ] = ()  # column, records of cells whose look had to be guessed

    def as_record(self) -> list[str]:
        """The notes as a record to stand above the header."""
        return [_MARK, self.model_dump_json()]


def take_notes(data: bytes) -> tuple[SheetNotes | None, bytes]:
    """The notes at the head of a file, if there are any, and the rest."""
    if not data.startswith(_MARK.encode()):
        return None, data
    first, _, rest = data.partition(b"\n")
    record = next(csv.reader(io.StringIO(first.decode(errors="replace"))), [])
    try:
        return SheetNotes.model_validate_json(record[1]), rest
    except (IndexError, ValidationError):
        return None, data


def notes_findings(filename: str, notes: SheetNotes) -> Iterable[Finding]:
    """The notes as findings."""
    if notes.left_out:
        yield Finding(
            code="sheets-left-out",
            severity=ErrorSeverity.INFO,
            message=f"Sheets of “{notes.workbook}” were left out: "
            f"{', '.join(f'“{name}” ({why})' for name, why in notes.left_out)}.",
            file=filename,
            actions=("Show a sheet, or give it a header of a spec tab, if it belongs to the spec.",),
        )
    for column, records in notes.typed:
        yield Finding(
            code="cell-typed",
            severity=ErrorSeverity.WARNING,
            message=f"Cells of {quoted([column])} are numbers or dates, not text; the sheet may show them otherwise.",
            file=filename,
            records=records,
            column=column,
            actions=("Compare these cells with the sheet, and format them as plain text.",),
        )
