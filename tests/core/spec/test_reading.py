"""Reading: every cell as the text it is, under the right record number, however the file was exported."""

import codecs

import pytest

from db.enums import ErrorSeverity
from tasks.core.spec.model import ParsedFile, SourceFile
from tasks.core.spec.reading import Reading, read
from tests.builders.spec import csv_file, csv_text

HEADER = ["ID", "Name", "Machine name", "X", "Notes"]
ROWS = [
    ["", "Café – 5×5", "cafe", "a", "one\ntwo"],
    ["", "007", "1e5", "NA", "null"],
    ["", "TRUE", "2024-01-05", "", '"x"'],
]


def read_text(text: str | bytes) -> Reading:
    return read(SourceFile("Userroles.csv", text.encode() if isinstance(text, str) else text))


def parsed(text: str | bytes) -> ParsedFile:
    found = read_text(text).parsed
    assert found is not None
    return found


def cells(text: str | bytes) -> list[tuple[str, ...]]:
    return [record.cells for record in parsed(text).records]


def codes(reading: Reading) -> list[str]:
    return [finding.code for finding in reading.findings]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_every_export_reads_the_same(delimiter: str, newline: str, encoding: str) -> None:
    file = csv_file("Userroles.csv", [HEADER, *ROWS], delimiter=delimiter, newline=newline, encoding=encoding)
    assert list(parsed(file.content).header) == HEADER
    assert [list(row) for row in cells(file.content)] == ROWS


def test_values_stay_the_text_they_are() -> None:
    wild = [
        "007",
        "1e5",
        "NA",
        "null",
        "TRUE",
        "2024-01-05",
        "N/A",
        "nan",
        "-0",
        "1,000",
        "#N/A",
        "  ".strip(),
    ]
    rows = [["", value, "m", "a", value] for value in wild]
    assert [row[1] for row in cells(csv_text([HEADER, *rows]))] == wild


def test_edge_whitespace_goes_and_inner_whitespace_stays() -> None:
    assert cells(csv_text([HEADER, [" ", " a  b ", "\tm\t", "a\n", " x\r\ny \r z "]]))[0] == (
        "",
        "a  b",
        "m",
        "a",
        "x\ny \n z",
    )


def test_records_are_counted_not_lines() -> None:
    text = (
        csv_text([HEADER, ["", "a", "m", "a", "1\n2\n3"], ["", "b", "m", "a", ""]])
        + "\r\n"
        + csv_text([["", "c", "m", "a", ""]])
    )
    found = parsed(text)
    assert [(record.number, record.cells[1]) for record in found.records] == [
        (2, "a"),
        (3, "b"),
        (4, ""),
        (5, "c"),
    ]


def test_a_title_above_the_header_is_skipped_and_the_header_is_record_one() -> None:
    found = parsed('"Roles of the site\nsecond line",,,,\r\n,,,,\r\n' + csv_text([HEADER, *ROWS]))
    assert list(found.header) == HEADER
    assert [record.number for record in found.records] == [2, 3, 4]


def test_a_separator_declaration_of_excel_is_a_title() -> None:
    assert cells("sep=;\n" + csv_text([HEADER, *ROWS], delimiter=";"))[1][1] == "007"


def test_trailing_empty_columns_go() -> None:
    assert parsed(csv_text([[*HEADER, "", ""], *([*row, "", " "] for row in ROWS)])).header == tuple(HEADER)


def test_a_nameless_column_with_cells_stays() -> None:
    found = parsed(csv_text([[*HEADER, ""], [*ROWS[1], "kept"]]))
    assert found.header == (*HEADER, "")
    assert next(found.records).cells[-1] == "kept"


def test_headers_may_repeat() -> None:
    assert parsed(csv_text([[*HEADER, "Notes"], [*ROWS[1], "second"]])).header == (*HEADER, "Notes")


def test_ragged_records_keep_all_their_cells() -> None:
    reading = read_text("Name,Machine name,Notes\na,b\nc,d,e,extra,\nf,g,h\n\n")
    assert reading.parsed is not None
    assert [record.cells for record in reading.parsed.records] == [
        ("a", "b", "", ""), ("c", "d", "e", "extra"), ("f", "g", "h", ""), ("", "", "", ""),
    ]  # fmt: skip
    assert {finding.code: finding.records for finding in reading.findings} == {
        "cells-beyond-header": (3,),
        "record-short": (2,),
    }


def test_control_characters_go_with_a_finding() -> None:
    reading = read_text(
        csv_text([HEADER, ["", "a\x00b", "m", "a", "\x07x\x85"], ["", "ok", "m", "a", "\x9f"]])
    )
    assert reading.parsed is not None
    assert [record.cells[1] + record.cells[4] for record in reading.parsed.records] == ["abx", "ok"]
    assert [(finding.column, finding.records) for finding in reading.findings] == [
        ("Name", (2,)),
        ("Notes", (2, 3)),
    ]


def test_a_stray_quote_costs_its_own_record_only() -> None:
    reading = read_text('Name,Machine name,Notes\na,b,"ok, fine"\nc,"d,e\nf,g,"h"\ni,"j\nk",l\n')
    assert reading.parsed is not None
    assert [record.cells for record in reading.parsed.records] == [
        ("a", "b", "ok, fine"), ("c", '"d', "e"), ("f", "g", "h"), ("i", "j\nk", "l"),
    ]  # fmt: skip
    assert [(finding.code, finding.records) for finding in reading.findings] == [("quotes-damaged", (3,))]


def test_a_record_that_lost_a_quote_around_its_line_break_stays_one_record() -> None:
    reading = read_text('Name,Machine name,Notes\na,first\nsecond",b\nc,d,e\n')
    assert reading.parsed is not None
    assert [record.cells for record in reading.parsed.records] == [
        ("a", "first\nsecond", "b"),
        ("c", "d", "e"),
    ]
    assert codes(reading) == ["quotes-damaged"]


@pytest.mark.parametrize(
    "damaged",
    [
        ' ""view\nedit",role_x,"a"',  # an opening quote became a text
        '"view\nedit"x,role_x,"a","b"',  # a closing one as well, and there is a cell more
        '"view\ned"it",role_x,"a"',  # one too many
    ],
)
def test_a_damaged_record_of_several_lines_counts_as_one(damaged: str) -> None:
    reading = read_text(f'Name,Machine name,Notes\n"a\nb",c,"d"\n{damaged}\n"e\nf",g,"h"\ni,j,k\n')
    assert reading.parsed is not None
    assert [(record.number, record.cells[:3]) for record in reading.parsed.records if record.number != 3] == [
        (2, ("a\nb", "c", "d")), (4, ("e\nf", "g", "h")), (5, ("i", "j", "k")),
    ]  # fmt: skip
    assert [finding.records for finding in reading.findings if finding.code == "quotes-damaged"] == [(3,)]


def test_a_lost_quote_swallows_no_other_record() -> None:
    reading = read_text('Name,Machine name,Notes\na,b,"c, d\ne,f,"\n- one, two\n- three"\ng,h,i\n')
    assert reading.parsed is not None
    assert [(record.number, record.cells[:3]) for record in reading.parsed.records if record.number != 2] == [
        (3, ("e", "f", "- one, two\n- three")), (4, ("g", "h", "i")),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "record",
    [
        ',Role,r,a,"x\ny"',  # without its last, empty cells
        ',Role,r,a,"x, ""q""\n, y, z, a, b, c"',
        ',Role,r,a,"x\ny",n,extra',
        ',5" pipe,r,a,"x\ny"',
        ',5" pipe,r',
        '"Section"',
    ],
)
def test_records_of_any_width_are_whole_however_many_there_are(record: str) -> None:
    text = "ID,Name,Machine name,X,Permissions,Notes\n" + f',Role,r,a,"x\ny",\n{record}\n' * 1_500
    reading = read_text(text)
    assert reading.parsed is not None
    assert len(list(reading.parsed.records)) == 3_000
    assert "quotes-damaged" not in codes(reading)


def test_windows_1252_is_read_and_said() -> None:
    reading = read_text("Name,Machine name\nCafé,cafe\n".encode("cp1252"))
    assert reading.parsed is not None
    assert next(reading.parsed.records).cells[0] == "Café"
    assert codes(reading) == ["encoding-guessed"]


def test_damaged_utf8_keeps_what_is_readable() -> None:
    reading = read_text(
        "Name,Machine name\nCafé,cafe\nÄrger – viel,a\n".encode().replace("Ä".encode(), b"\xc3")
    )
    assert reading.parsed is not None
    assert [record.cells[0] for record in reading.parsed.records] == ["Café", "\ufffdrger – viel"]
    assert [(finding.code, finding.records) for finding in reading.findings] == [
        ("characters-unreadable", (3,))
    ]


def test_a_few_unreadable_bytes_do_not_make_another_encoding_of_the_rest() -> None:
    reading = read_text("Name,Machine name\nCafé,cafe\nA###B,a\n".encode().replace(b"#", b"\xff"))
    assert reading.parsed is not None
    assert [record.cells[0] for record in reading.parsed.records] == ["Café", "A\ufffd\ufffd\ufffdB"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file-empty"),
        (b" \r\n \n", "file-empty"),
        (codecs.BOM_UTF8, "file-empty"),
        (codecs.BOM_UTF16_LE, "file-empty"),
        (b"PK\x03\x04rest", "file-unreadable"),
        (b"%PDF-1.7", "file-unreadable"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "file-unreadable"),
        (bytes(range(32)) * 50, "file-unreadable"),
    ],
)
def test_what_is_no_text_blocks_with_one_clear_finding(content: bytes, code: str) -> None:
    reading = read_text(content)
    assert reading.parsed is None
    assert [(finding.code, finding.severity) for finding in reading.findings] == [
        (code, ErrorSeverity.BLOCKING)
    ]
    assert reading.findings[0].actions


def test_a_cell_may_be_longer_than_the_csv_module_allows() -> None:
    long = "word " * 40_000
    assert cells(csv_text([HEADER, ["", "a", "m", "a", long + 'and "quotes"']]))[0][4].startswith("word word")
    assert len(cells("Name,Machine name\na,b,c\nd," + "x" * 200_000 + "\n")[1][1]) == 200_000
