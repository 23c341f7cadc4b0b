"""The fact lock, held by a reader that knows nothing of ours: the csv module on one side, ADF or Markdown on the other.

Every cell of a ticket's rows, but for X, ID, Dev, QA and formula errors, stands verbatim in the ticket's tables, and
nothing stands there that is not in the spec. One thing may stand where the row's own cell is blank: in a lookup column,
the machine name that the sheet's formula would have fetched from another row.
"""

import csv
import html
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

Place = tuple[str, int]  # file and record number; the header is record 1
Cells = Counter[tuple[str, str]]  # (header, value)
Ticket = tuple[
    Iterable[Mapping[str, Any]], Mapping[str, Any], str | None
]  # sources, ADF, text of the attachment

LOOKUPS = {"bundle machine name", "bundle id", "view id", "view machine name", "fallback machine name"}
BOOKKEEPING = {"x", "id", "dev", "qa"}
FORMULA_ERROR = re.compile(r"#(N/A|VALUE!|REF!|NAME\?|DIV/0!|NUM!|NULL!|ERROR!|SPILL!)")
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
TABLE_OF = re.compile(r".*, from (.+)", re.DOTALL)
CELL = re.compile(r"((?:\\.|[^\\|])*)\|")
ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])|(<br>)|(&#x[0-9A-Fa-f]+;)")


def assert_fact_lock(spec_folder: Path, tickets: Iterable[Ticket]) -> None:
    """Hold every ticket against the CSV files; no row may stand in two tickets."""
    spec = read_spec(spec_folder)
    names = {cell for cells in spec.values() for name, cell in cells if _key(name) == "machine name"}
    seen: dict[Place, int] = {}
    for number, (sources, adf, attachment) in enumerate(tickets):
        found = read_tables(adf, attachment)
        records = {source["file"]: list(source["records"]) for source in sources}
        assert set(found) == set(records), f"ticket {number}: tables of {set(found)}, sources {set(records)}"
        for file, rows in found.items():
            places = [(file, record) for record in records[file]]
            _assert_rows(rows, places, spec, names)
            twice = [(place, seen[place]) for place in places if place in seen]
            assert not twice, f"{twice} stand in ticket {number} as well"
            seen |= dict.fromkeys(places, number)


def _assert_rows(
    rows: list[Cells], places: list[Place], spec: Mapping[Place, Cells], names: set[str]
) -> None:
    # A table whose columns are all equal in all rows says everything once.
    said = rows * len(places) if len(rows) == 1 else rows
    assert len(said) == len(places), f"{len(said)} rows for {places}"
    for place, row in zip(places, said, strict=True):
        cells = spec[place]
        filled = {name for name, _ in cells}
        invented = [
            (name, cell)
            for name, cell in row - cells
            if not (_key(name) in LOOKUPS and name not in filled and cell in names)
        ]
        assert (cells - row, invented) == (Counter(), []), (
            f"{place}: missing {cells - row}, invented {invented}"
        )


def rows_by_code(spec_folder: Path) -> dict[str, set[Place]]:
    """The filled rows of a spec by their X, lower case."""
    codes: dict[str, set[Place]] = {}
    for file, header, number, record in _records(spec_folder):
        if _cells(header, record):
            code = next(
                (
                    cell.strip().lower()
                    for name, cell in zip(header, record, strict=False)
                    if _key(name) == "x"
                ),
                "",
            )
            codes.setdefault(code, set()).add((file, number))
    return codes


def read_spec(spec_folder: Path) -> dict[Place, Cells]:
    """What must stand in a ticket, for every record of every file."""
    return {(file, number): _cells(header, record) for file, header, number, record in _records(spec_folder)}


def read_tables(adf: Mapping[str, Any], attachment: str | None) -> dict[str, list[Cells]]:
    """The rows of a ticket's tables by file, wherever they stand."""
    tables = dict(_adf_tables(adf["content"]))
    if attachment is not None:
        assert not tables or "## Configuration" not in attachment, "tables stand in two places"
        tables |= dict(_markdown_tables(attachment))
    return tables


def _records(spec_folder: Path) -> Iterator[tuple[str, list[str], int, list[str]]]:
    for path in sorted(spec_folder.glob("*.csv")):
        records = csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""))
        header = [name.strip() for name in next(records)]
        for number, record in enumerate(records, start=2):
            yield path.name, header, number, record


def _cells(header: Sequence[str], record: Sequence[str]) -> Cells:
    tidy = (CONTROL.sub("", cell.replace("\r\n", "\n").replace("\r", "\n")).strip() for cell in record)
    return Counter(
        (name, cell)
        for name, cell in zip(header, tidy, strict=False)
        if cell and _key(name) not in BOOKKEEPING and not FORMULA_ERROR.fullmatch(cell)
    )


def _key(name: str) -> str:
    return name.strip().casefold()


def _adf_tables(blocks: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, list[Cells]]]:
    file: str | None = None
    constants: list[tuple[str, str]] = []
    rows: list[Cells] = []
    for block in [*blocks, {"type": "heading", "attrs": {"level": 1}, "content": []}]:
        if block["type"] == "table" and file is not None:
            constants, rows = _adf_rows(block, constants, rows)
        elif block["type"] == "heading":
            if file is not None and (constants or rows):
                yield file, [row + Counter(constants) for row in rows or [Counter[tuple[str, str]]()]]
            named = TABLE_OF.fullmatch(_text(block)) if block["attrs"]["level"] == 3 else None
            file, constants, rows = named[1] if named else None, [], []


def _adf_rows(
    table: Mapping[str, Any], constants: list[tuple[str, str]], rows: list[Cells]
) -> tuple[list[tuple[str, str]], list[Cells]]:
    grid = [[(cell["type"], _text(cell)) for cell in row["content"]] for row in table["content"]]
    if all(kind == "tableHeader" for kind, _ in grid[0]):
        header = [text for _, text in grid[0]]
        return constants, [_row(header, [text for _, text in row]) for row in grid[1:]]
    assert all([kind for kind, _ in row] == ["tableHeader", "tableCell"] for row in grid), (
        "an unknown kind of table"
    )
    return [(row[0][1], row[1][1]) for row in grid], rows


def _row(header: Sequence[str], cells: Sequence[str]) -> Cells:
    return Counter(pair for pair in zip(header, cells, strict=True) if pair[1])


def _text(node: Mapping[str, Any]) -> str:
    if node["type"] == "hardBreak":
        return "\n"
    return str(node.get("text", "")) + "".join(map(_text, node.get("content", ())))


def _markdown_tables(text: str) -> Iterator[tuple[str, list[Cells]]]:
    file: str | None = None
    lines: list[str] = []
    for line in [*text.split("\n"), "# end"]:
        if line.startswith("#"):
            if file is not None and lines:
                header, _, *rows = [markdown_cells(row) for row in lines]
                yield file, [_row(header, row) for row in rows]
            named = (
                TABLE_OF.fullmatch(_unescaped(line.removeprefix("### "))) if line.startswith("### ") else None
            )
            file, lines = named[1] if named else None, []
        elif line.startswith("|"):
            lines.append(line)


def markdown_cells(line: str) -> list[str]:
    """The cells between unescaped pipes, each with one space on either side."""
    return [_unescaped(cell[1:-1]) for cell in CELL.findall(line[1:])]


def _unescaped(text: str) -> str:
    return ESCAPED.sub(lambda found: found[1] or ("\n" if found[2] else html.unescape(found[3])), text)
