"""The spec's own files with the keys in them: the ID cells change, and not a byte else."""

import csv
import io
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from tasks.core.settings import Limits
from tasks.core.spec.workbook import sheets_of
from tasks.core.tickets.results import Filled, fill_in, id_column
from tasks.core.tickets.results_bytes import locate, read_cells, view_of
from tests.core.spec.test_workbook import workbook

HEADER = ["Name", "ID", "Machine name", "X", "Notes"]
texts = st.text(
    st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\r\t\"',;|#-é–"), max_size=12
)
tables = st.lists(st.lists(texts, min_size=len(HEADER), max_size=len(HEADER)), max_size=6)
numbers = st.dictionaries(
    st.integers(2, 8), st.lists(st.sampled_from(["LAKE-1", "LAKE-23", "L-4"]), max_size=3), max_size=5
)
ways = st.fixed_dictionaries(
    {
        "delimiter": st.sampled_from(",;\t|"),
        "lineterminator": st.sampled_from(["\n", "\r\n"]),
        "quoting": st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    }
)
encodings = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252"])


def file_of(rows: Sequence[Sequence[str]], way: Mapping[str, object], encoding: str = "utf-8") -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, **way).writerows(rows)  # type: ignore[arg-type]
    return out.getvalue().encode(encoding, errors="replace")


def put_back(after: bytes, original: bytes) -> bytes:
    """The file with its ID cells as they were."""
    before, view, cells = view_of(original), view_of(after), read_cells(original)
    assert before is not None
    assert view is not None
    assert cells is not None
    at = id_column(cells)
    text, done = "", 0
    for old, new in zip(locate(original, before), locate(after, view), strict=True):
        if at is not None and old is not None and new is not None and len(old) > at:
            text += view.text[done : new[at].start] + before.text[old[at].start : old[at].end]
            done = new[at].end
    return view.with_text(text + view.text[done:])


@settings(deadline=None)  # the first one loads pandas
@given(tables, ways, encodings, numbers)
@example([["a", "", "b", "c", "d"]], {"delimiter": ","}, "utf-8", {2: ["LAKE-1", "L-4"]})
def test_the_cells_change_and_changing_them_back_gives_the_file(
    table: list[list[str]], way: dict[str, object], encoding: str, keys: dict[int, list[str]]
) -> None:
    content = file_of([HEADER, *table], way, encoding)
    done = fill_in(content, keys)
    if done.said:
        assert done.content == content
        return
    assert put_back(done.content, content) == content
    wanted = {number for number, some in keys.items() if some and number <= len(table) + 1}
    assert done.rows + len(done.left) == len(wanted)


# Where a lone carriage return ends a record, programs disagree.
agreed = tables.map(lambda rows: [[cell.replace("\r", "\n") for cell in row] for row in rows])


@settings(deadline=None)
@given(agreed, ways, numbers)
def test_what_another_program_reads_is_the_same_but_for_the_keys(
    table: list[list[str]], way: dict[str, object], keys: dict[int, list[str]]
) -> None:
    content = file_of([HEADER, *table], way)
    done = fill_in(content, keys)
    assume(not done.said and not done.left)
    before, after = (
        list(csv.reader(io.StringIO(each.decode(), newline=""), delimiter=str(way["delimiter"])))
        for each in (content, done.content)
    )
    for number, (old, new) in enumerate(zip(before, after, strict=True), start=1):
        assert [cell for at, cell in enumerate(old) if at != 1] == [
            cell for at, cell in enumerate(new) if at != 1
        ]
        if keys.get(number):
            assert set(keys[number]) <= set(new[1].replace(",", " ").replace(";", " ").split())
        else:
            assert old[1:2] == new[1:2]


@settings(max_examples=60)
@given(st.binary(max_size=300) | tables.map(lambda table: file_of([HEADER, *table], {})[3:-2]), numbers)
def test_a_damaged_file_is_changed_for_certain_or_not_at_all(
    content: bytes, keys: dict[int, list[str]]
) -> None:
    done = fill_in(content, keys)
    assert done.said == "" or done.content == content
    if done.rows:
        assert put_back(done.content, content) == content


@pytest.mark.parametrize(
    ("before", "keys", "after"),
    [
        (b"ID,Name\n,a\n", ["L-1"], b"ID,Name\nL-1,a\n"),
        (b"ID,Name\n,a\n", ["L-1", "L-2"], b'ID,Name\n"L-1, L-2",a\n'),
        (b"ID;Name\n;a\n", ["L-1", "L-2"], b"ID;Name\nL-1, L-2;a\n"),
        (b'"ID","Name"\r\n"","a"\r\n', ["L-1"], b'"ID","Name"\r\n"L-1","a"\r\n'),
        (b"Name,ID\na,\n", ["L-1"], b"Name,ID\na,L-1\n"),
        (b"Name,ID\na,", ["L-1"], b"Name,ID\na,L-1"),
        (b"ID,Name\nREQ 7,a\n", ["L-1"], b'ID,Name\n"REQ 7, L-1",a\n'),
        (b"ID,Name\nL-1,a\n", ["L-1"], b"ID,Name\nL-1,a\n"),
        (b"ID,Name\n  ,a\n", ["L-1"], b"ID,Name\nL-1,a\n"),
        (b"Of a site\nID,Name,Machine name\n,a,b\n", ["L-1"], b"Of a site\nID,Name,Machine name\nL-1,a,b\n"),
        (b"\xef\xbb\xbfID,Name\n,caf\xe9\n", ["L-1"], b"\xef\xbb\xbfID,Name\nL-1,caf\xe9\n"),
    ],
)  # fmt: skip
def test_a_cell_is_quoted_where_it_was_or_has_to_be(before: bytes, keys: list[str], after: bytes) -> None:
    assert fill_in(before, {2: keys}) == Filled(after, 1)


def test_a_record_of_several_lines_is_one_record() -> None:
    before = b'ID,Name,Notes\n,a,"one\n\ntwo"\n,b,c\n'
    assert fill_in(before, {3: ["L-1"]}).content == b'ID,Name,Notes\n,a,"one\n\ntwo"\nL-1,b,c\n'


def test_a_file_without_an_id_column_stays_and_says_so() -> None:
    done = fill_in(b"Name,Machine name\na,b\n", {2: ["L-1"]})
    assert done == Filled(b"Name,Machine name\na,b\n", 0, said="it has no ID column")


def test_a_record_that_ends_before_its_id_cell_is_named_and_left() -> None:
    before = b"Name,Machine name,ID\na,b\nc,d,\n"
    assert fill_in(before, {2: ["L-1"], 3: ["L-2"]}) == Filled(
        b"Name,Machine name,ID\na,b\nc,d,L-2\n", 1, (2,)
    )


def test_a_sheet_of_a_workbook_becomes_the_csv_that_was_read() -> None:
    bundles = ("Bundles", [["ID", "Name", "Machine name", "Type"], ["", "A", "a", "Content type"]])
    (sheet,) = sheets_of(workbook(bundles, ("Old", [["nothing"]])), Limits())
    assert sheet.content.startswith(b"drupal-tickets sheet")
    done = fill_in(sheet.content, {2: ["L-1"]})
    assert done.content == b"ID,Name,Machine name,Type\nL-1,A,a,Content type\n"
