"""Workbooks: a sheet is a tab, cells are the text that the sheet shows, and bombs are refused unparsed."""

import datetime
import io
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from tasks.core.errors import UserFixable
from tasks.core.settings import Limits, SessionSettings
from tasks.core.spec.load import load_spec
from tasks.core.spec.model import SourceFile, Spec
from tasks.core.spec.reading import read
from tasks.core.spec.workbook import sheets_of
from tasks.sources import read_local
from tests.builders.spec import coded, csv_file, files_of, lakeside, load, tickets_of, uwec_files

HEADER = ["ID", "Name", "Machine name", "X", "Notes"]
LIMITS = Limits()


def workbook(
    *sheets: tuple[str, Sequence[Sequence[object]]], change: Callable[[Workbook], None] | None = None
) -> SourceFile:
    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets:
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    if change:
        change(book)
    out = io.BytesIO()
    book.save(out)
    return SourceFile("spec.xlsx", out.getvalue())


def roles(*rows: Sequence[object], change: Callable[[Worksheet], None] | None = None) -> SourceFile:
    return workbook(
        ("User roles", [HEADER, *rows]), change=lambda book: change(book.worksheets[0]) if change else None
    )


def rows_of(spec: Spec) -> dict[tuple[str, int], list[tuple[str, str]]]:
    return {(row.csv_type, row.record): list(row.facts()) for table in spec.tables for row in table.rows}


def as_workbook(files: Sequence[SourceFile]) -> SourceFile:
    sheets = []
    for file in files:
        parsed = read(file).parsed
        assert parsed is not None
        records = [list(record.cells) for record in parsed.records]
        sheets.append((file.filename.removesuffix(".csv")[-31:], [list(parsed.header), *records]))
    return workbook(*sheets)


def test_a_real_spec_is_the_same_however_it_comes(tmp_path: Path) -> None:
    files = uwec_files()
    known = load(*files)
    with zipfile.ZipFile(tmp_path / "spec.zip", "w") as archive:
        for file in files:
            archive.writestr(f"uwec/{file.filename}", file.content)
    (tmp_path / "spec.xlsx").write_bytes(as_workbook(files).content)
    text = {file.filename: file.content.decode() for file in files}
    forms = {
        "zip": read_local([tmp_path / "spec.zip"], LIMITS),
        "xlsx": read_local([tmp_path / "spec.xlsx"], LIMITS),
        "utf-16": [SourceFile(name, content.encode("utf-16")) for name, content in text.items()],
        "crlf": [SourceFile(name, content.replace("\n", "\r\n").encode()) for name, content in text.items()],
        "semicolons": [_with_semicolons(file) for file in files],
    }
    for form, found in forms.items():
        assert rows_of(load(*found)) == rows_of(known), form
        assert tickets_of(load(*found)) == tickets_of(known), form


def _with_semicolons(file: SourceFile) -> SourceFile:
    parsed = read(file).parsed
    assert parsed is not None
    return csv_file(
        file.filename, [parsed.header, *(record.cells for record in parsed.records)], delimiter=";"
    )


def test_the_example_as_a_workbook() -> None:
    files = files_of(Path(__file__).parents[3] / "examples" / "lakeside")
    found = load(*sheets_of(as_workbook(files), LIMITS))
    assert rows_of(found) == rows_of(lakeside())
    assert {finding.code for finding in found.findings} == {finding.code for finding in lakeside().findings}


def test_sheets_that_are_no_tabs_are_left_out_and_said_so() -> None:
    def hide(book: Workbook) -> None:
        book["Lists"].sheet_state = "hidden"
        book["Secret"].sheet_state = "veryHidden"

    source = workbook(
        ("Overview", [["Welcome to the spec of Lakeside"], ["Read me first"]]),
        ("User roles", [HEADER, ["", "Editor", "editor", "a", ""]]),
        ("Lists", [HEADER, ["", "x", "y", "", ""]]),
        ("Secret", [HEADER]),
        ("Empty", []),
        change=hide,
    )
    (sheet,) = sheets_of(source, LIMITS)
    assert sheet.filename == "spec.xlsx/User roles"
    spec = load(sheet)
    assert [(row.record, row["name"]) for row in spec.rows("user_roles")] == [(2, "Editor")]
    (finding,) = coded(spec, "sheets-left-out")
    for said in (
        "“Overview” (no header of a spec tab)",
        "“Lists” (hidden)",
        "“Secret” (hidden)",
        "“Empty” (empty)",
    ):
        assert said in finding.message


@pytest.mark.parametrize(
    ("value", "number_format", "text", "sure"),
    [
        (7, "000", "007", True), (7, "General", "7", True), (7.0, "General", "7", True), (1.5, "General", "1.5", True),
        (0.1 + 0.2, "General", "0.3", True), (3, "0.00", "3.00", True), (0.5, "0%", "50%", True),
        (1234.5, "#,##0.00", "1,234.50", True), (True, "General", "TRUE", True), ("007", "General", "007", True),
        ("1e5", "@", "1e5", True), ("#N/A", "General", "#N/A", True), ("a\r\nb", "General", "a\nb", True),
        (5, '0 "hours"', "5", False), (datetime.date(2026, 1, 5), "yyyy-mm-dd", "2026-01-05", True),
        (datetime.date(2026, 1, 5), "d mmm yy", "2026-01-05", False), (datetime.time(9, 30), "h:mm", "09:30:00", False),
        (datetime.datetime(2026, 1, 5, 9, 30), "d mmm yy h:mm", "2026-01-05 09:30:00", False),
    ],
)  # fmt: skip
def test_cells_are_the_text_that_the_sheet_shows(
    value: object, number_format: str, text: str, sure: bool
) -> None:
    def style(sheet: Worksheet) -> None:
        sheet["E2"].number_format = number_format

    spec = load(*sheets_of(roles(["", "Editor", "editor", "a", value], change=style), LIMITS))
    assert spec.rows("user_roles")[0].values["notes"] == text
    assert [(finding.column, finding.records) for finding in coded(spec, "cell-typed")] == (
        [] if sure else [("Notes", (2,))]
    )


def test_a_title_above_the_header_and_blank_rows_keep_record_numbers_right() -> None:
    rows = [
        ["Roles of Lakeside"],
        [],
        HEADER,
        ["", "A", "a", "", ""],
        [],
        ["", "B", "b", "", "two\nlines"],
        [],
        [],
    ]
    spec = load(*sheets_of(workbook(("User roles", rows)), LIMITS))
    assert [(row.record, row["name"]) for row in spec.rows("user_roles")] == [(2, "A"), (4, "B")]


def test_a_workbook_without_a_tab_says_what_it_has() -> None:
    with pytest.raises(UserFixable, match="no sheet with a header") as error:
        sheets_of(workbook(("Prices", [["Colour", "Size"], ["red", 3]])), LIMITS)
    assert "“Prices”" in error.value.message


def repacked(source: SourceFile, part: str, change: Callable[[bytes], bytes]) -> SourceFile:
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(source.content)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for entry in old.infolist():
            content = old.read(entry)
            new.writestr(entry.filename, change(content) if entry.filename == part else content)
    return SourceFile(source.filename, out.getvalue())


SHEET = "xl/worksheets/sheet1.xml"
BOMB = b'<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'


@pytest.mark.parametrize(
    "change",
    [
        lambda content: BOMB + content,
        lambda content: b"<!--" + b" " * 10_000 + b"-->" + BOMB + content,
        lambda content: (BOMB + content).decode().encode("utf-16"),
        lambda content: content.replace(b"</sheetData>", b"<row/>" * 9_000_000 + b"</sheetData>"),
        lambda content: content.replace(
            b"</sheetData>", b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
        ),
        lambda content: content.replace(b"</sheetData>", b"<row><c>"),
        lambda content: content[:200],
        lambda content: b"",
    ],
    ids=[
        "entities",
        "entities after a comment",
        "entities in utf-16",
        "zip bomb",
        "a cell at the far end",
        "torn",
        "cut",
        "gone",
    ],
)
def test_bombs_and_damage_are_refused_in_one_line(change: Callable[[bytes], bytes]) -> None:
    source = repacked(roles(["", "Editor", "editor", "a", ""]), SHEET, change)
    with pytest.raises(UserFixable) as error:
        sheets_of(source, LIMITS)
    assert error.value.code == "workbook-refused"
    assert error.value.actions


@pytest.mark.parametrize("content", [b"", b"no workbook", b"PK\x03\x04", b"\xd0\xcf\x11\xe0" + bytes(500)])
def test_what_is_no_workbook_is_refused(content: bytes) -> None:
    with pytest.raises(UserFixable):
        sheets_of(SourceFile("spec.xlsx", content), LIMITS)


def test_limits_count_inside_a_workbook() -> None:
    source = roles(*(["", f"Role {at}", f"role_{at}", "a", "x" * 500] for at in range(100)))
    assert len(sheets_of(source, Limits(file_bytes=60_000))) == 1
    with pytest.raises(UserFixable, match="MB in the sheet"):
        sheets_of(source, Limits(file_bytes=40_000))


def test_damaged_bytes_anywhere_give_one_line_or_a_spec() -> None:
    whole = roles(["", "Editor", "editor", "a", "some notes"]).content
    for at in range(0, len(whole), 61):
        damaged = whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]
        try:
            load_spec(sheets_of(SourceFile("spec.xlsx", damaged), LIMITS), SessionSettings())
        except UserFixable as error:
            assert error.actions  # noqa: PT017


def test_notes_at_the_head_of_a_file_are_no_way_to_break_in() -> None:
    for head in (
        "drupal-tickets sheet",
        "drupal-tickets sheet,{",
        'drupal-tickets sheet,"{""workbook"": 3}"',
    ):
        spec = load(SourceFile("Userroles.csv", f"{head}\nName,Machine name,Notes\nA,a,b\n".encode()))
        assert [row["name"] for row in spec.rows("user_roles")] == ["A"]
