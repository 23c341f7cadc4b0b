"""Reading, for any table of any text and any damage: nothing is lost, nothing crashes, nothing hangs."""

import csv
import io
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.core.settings import SessionSettings
from tasks.core.spec.load import load_spec
from tasks.core.spec.model import SourceFile
from tasks.core.spec.reading import read
from tests.builders.spec import HEADERS, UWEC, csv_file

SLOW = 5_000  # milliseconds that one case may take
HEADER = ["ID", "Name", "Machine name", "X", "Permissions", "Notes"]
# Everything but what a CSV file in any encoding cannot hold, and the control characters that must go.
texts = st.text(
    st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\r\t\"',;|#-é–"), max_size=12
)
rows = st.lists(st.lists(texts, min_size=len(HEADER), max_size=len(HEADER)), max_size=6)
exports = st.fixed_dictionaries(
    {
        "delimiter": st.sampled_from(",;\t|"),
        "newline": st.sampled_from(["\n", "\r\n"]),
        "encoding": st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    }
)
BAD_CHARACTERS = str.maketrans("", "", "\ufffe\uffff\x85")


def tidied(cell: str) -> str:
    return cell.translate(BAD_CHARACTERS).replace("\r\n", "\n").replace("\r", "\n").strip()


@settings(deadline=SLOW)
@given(rows, exports)
def test_reading_what_was_written_gives_it_back(table: list[list[str]], export: dict[str, str]) -> None:
    found = read(csv_file("Userroles.csv", [HEADER, *table], **export)).parsed
    assert found is not None
    wanted = [tuple(tidied(cell) for cell in row) for row in table]
    kept = [at for at, name in enumerate(HEADER) if name in found.header]
    assert [record.cells for record in found.records] == [tuple(row[at] for at in kept) for row in wanted]
    assert [record.number for record in found.records] == list(range(2, len(table) + 2))


@settings(deadline=SLOW, max_examples=50)
@given(st.binary(max_size=400))
def test_any_bytes_give_findings_or_a_table(content: bytes) -> None:
    load_spec([SourceFile("Fields.csv", content)], SessionSettings())


tables = st.lists(st.lists(texts, max_size=20), max_size=8)


@settings(deadline=SLOW)
@given(st.sampled_from(sorted(HEADERS)), tables, st.data())
def test_any_cells_under_any_header_load(name: str, table: list[list[str]], data: st.DataObject) -> None:
    load_any_cells(name, table, data)


@pytest.mark.long
@settings(max_examples=10_000, deadline=SLOW, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(HEADERS)), tables, st.data())
def test_any_cells_under_any_header_load_ten_thousand_times(
    name: str, table: list[list[str]], data: st.DataObject
) -> None:
    load_any_cells(name, table, data)


def load_any_cells(name: str, table: list[list[str]], data: st.DataObject) -> None:
    header = next(csv.reader([HEADERS[name]]))
    kept = data.draw(st.lists(st.sampled_from(header), min_size=1, max_size=len(header)))
    spec = load_spec([csv_file(f"{name}.csv", [kept, *table])], SessionSettings())
    for table_ in spec.tables:
        assert all(dict(row.values) is not None and list(row.facts()) is not None for row in table_.rows)


KINDS = [
    ["", "Site Admin", "a", "", "one line, with comma"],
    ["", "Editor", "a", "view\nedit", 'says "hello", twice'],
    ['"quoted"', "Writer", "", "one, two", "- item, one\n\n- item two"],
    ['a "q"\nb "r"', "Reader", "w", 'see "x"\ny, z', "-"],
]
damages = st.text(st.sampled_from('",;\t\x00\x0cabé\n '), min_size=1, max_size=3)
ways = st.sampled_from(["insert", "delete", "replace"])


@settings(deadline=SLOW)
@given(st.data(), ways, damages)
def test_damage_stays_in_the_record_that_it_touched(data: st.DataObject, how: str, what: str) -> None:
    damage_a_record(data, how, what)


@pytest.mark.long
@settings(max_examples=10_000, deadline=SLOW)
@given(st.data(), ways, damages)
def test_damage_stays_in_the_record_that_it_touched_ten_thousand_times(
    data: st.DataObject, how: str, what: str
) -> None:
    damage_a_record(data, how, what)


def damage_a_record(data: st.DataObject, how: str, what: str) -> None:
    """Damage one record of a table anywhere; all others are read, equal, under their own numbers."""
    kinds = data.draw(st.lists(st.sampled_from(KINDS), min_size=3, max_size=12))
    table = [[*kind[:2], "role_" + "abcdefghijkl"[at] * 5, *kind[2:]] for at, kind in enumerate(kinds)]
    lines = [written(row) for row in [HEADER, *table]]
    hit = data.draw(st.integers(1, len(table)))
    lines[hit] = damaged(lines[hit], data.draw(st.integers(0, len(lines[hit]) - 2)), how, what)
    shifts = range(lines[hit].count("\n")) if breaks_apart(lines[hit], how, what) else (0,)
    found = read(SourceFile("Userroles.csv", "".join(lines).encode())).parsed
    assert found is not None
    read_back = {record.cells[found.header.index("Machine name")]: record for record in found.records}
    for number, row in enumerate(table, 2):
        if number - 1 != hit:
            record = read_back[row[2]]
            assert record.number - number in (shifts if number - 1 > hit else (0,))
            cells = dict(zip(found.header, record.cells, strict=True))
            assert {name: cells.get(name, "") for name in HEADER} == dict(
                zip(HEADER, map(tidied, row), strict=True)
            )


def damaged(line: str, at: int, how: str, what: str) -> str:
    """A line with something done to it; the line break at its end stays, being the next record's as well."""
    kept = {"insert": at, "delete": at + len(what), "replace": at + 1}[how]
    return line[:at] + ("" if how == "delete" else what) + line[:-1][kept:] + "\n"


def breaks_apart(record: str, how: str, what: str) -> bool:
    """Whether damage makes several records of one for any reader.

    It put a line break there; or it left a whole record on one side of one, or a full one where it opened the quotes
    around it: a line beside a full record is a record, as a title between records is.
    """
    lines = record.splitlines()
    return ("\n" in what and how != "delete") or any(
        is_whole(side) or (is_full(side) and not is_one_record([*lines[:at], '"']))
        for at in range(1, len(lines))
        for side in (lines[:at], lines[at:])
    )


def is_one_record(lines: list[str]) -> bool:
    try:
        return len(list(csv.reader([f"{line}\n" for line in lines], strict=True))) == 1
    except csv.Error:
        return False


def is_full(lines: list[str]) -> bool:
    return "\n".join(lines).count(",") >= len(HEADER) - 1


def is_whole(lines: list[str]) -> bool:
    text = "".join(f"{line}\n" for line in lines)
    cells = next(csv.reader(io.StringIO(text)), [])
    return len(cells) == len(HEADER) and written(cells) == text


@pytest.mark.parametrize(
    "body",
    [
        '"\n',
        '"a\n',
        'a"\n',
        '"',
        ",",
        "\n",
        "a\n",
        'a,b\nc"\n',
        'x,"\n',
        '",',
        '","\n',
        '"a"b"c,d"\n',
        '"a\nb","c\nd",e\n',
        "a,b,c\r",
    ],
)
def test_nothing_takes_long(body: str) -> None:
    text = "Name,Machine name,Notes\n" + body * (300_000 // len(body))
    started = time.process_time()
    load_spec([SourceFile("Userroles.csv", text.encode())], SessionSettings())
    assert time.process_time() - started < 5


def test_a_header_of_a_million_columns_is_refused() -> None:
    spec = load_spec([SourceFile("Userroles.csv", b"Name," * 1_000_000)], SessionSettings())
    assert [finding.code for finding in spec.findings] == ["file-unreadable"]


def test_one_endless_record_does_not_make_all_others_as_long() -> None:
    text = "Name,Machine name,Notes\n" + "a,b,c\n" * 50_000 + "x," * 100_000 + "y\n"
    spec = load_spec([SourceFile("Userroles.csv", text.encode())], SessionSettings())
    (table,) = spec.tables
    assert len(table.header) <= 500
    assert table.data[-1][-1].endswith("x,y")


def written(row: list[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(row)
    return out.getvalue()


@pytest.mark.skipif(not UWEC.is_dir(), reason="../shared/data/uwec is not here")
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=SLOW, max_examples=30)
@given(st.data())
def test_a_damaged_real_spec_loads(data: st.DataObject) -> None:
    files = []
    for path in sorted(UWEC.glob("*.csv")):
        content = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(0, 3))):
            at = data.draw(st.integers(0, len(content) - 1))
            content[at : at + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=20))
        files.append(SourceFile(path.name, bytes(content)))
    spec = load_spec(files, SessionSettings())
    assert all(table.rows is not None for table in spec.tables)
