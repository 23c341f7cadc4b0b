"""Reference tables: cells copied from the spec by code. The fact lock is kept here.

One table for each file of each tab, its columns under the file's own headers. A column without any value is left
out; one that is equal in all rows stands once above the table.
"""

from collections.abc import Sequence

from tasks.core.spec.model import FORMULA_ERRORS, Row
from tasks.core.spec.registry import tab_type
from tasks.core.tickets.model import ReferenceTable, Source


def reference_tables(rows: Sequence[Row]) -> tuple[ReferenceTable, ...]:
    """The tables of a ticket, in the order in which its rows first name tab and file."""
    parts: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        parts.setdefault((row.csv_type, row.file), []).append(row)
    return tuple(_table(csv_type, file, part) for (csv_type, file), part in parts.items())


def sources(rows: Sequence[Row]) -> tuple[Source, ...]:
    """The files and records that a ticket is made from, each file once."""
    records: dict[str, list[int]] = {}
    for row in rows:
        records.setdefault(row.file, []).append(row.record)
    return tuple(Source(file=file, records=tuple(sorted(numbers))) for file, numbers in records.items())


def _table(csv_type: str, file: str, rows: Sequence[Row]) -> ReferenceTable:
    header = [name for name, _ in rows[0].cells]
    columns = list(zip(*([_fact(cell) for _, cell in row.cells] for row in rows), strict=True))
    filled = [(name, cells) for name, cells in zip(header, columns, strict=True) if any(cells)]
    equal = [(name, cells[0]) for name, cells in filled if len(set(cells)) == 1]
    different = [(name, cells) for name, cells in filled if len(set(cells)) > 1]
    return ReferenceTable(
        title=f"{tab_type(csv_type).title}, from {file}",
        constants=tuple(equal),
        columns=tuple(name for name, _ in different),
        rows=tuple(zip(*(cells for _, cells in different), strict=True)) or ((),) * len(rows),
        records=tuple(row.record for row in rows),
        file=file,
    )


def _fact(cell: str) -> str:
    return "" if cell in FORMULA_ERRORS else cell
