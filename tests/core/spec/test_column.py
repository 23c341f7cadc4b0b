"""Columns: cells kept as the texts in them, and questions asked of a text instead of a cell."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.core.spec.column import Column, alike, of_two_minds

texts = st.sampled_from(["", "-", "a", "A", " a", "b", "#N/A"])
columns = st.lists(texts, min_size=1, max_size=9)


@settings(deadline=None)  # the first column loads pandas
@given(columns)
def test_a_column_is_its_cells(cells: list[str]) -> None:
    column = Column.of(cells)
    assert [*column] == cells
    assert [column[at] for at in range(len(column))] == cells
    assert sorted(column.texts) == sorted(set(cells))


@given(columns)
def test_what_is_below_the_first_cell_does_not_know_of_it(cells: list[str]) -> None:
    column = Column.of(cells).below()
    assert [*column] == cells[1:]
    assert sorted(column.texts) == sorted(set(cells[1:]))


@given(columns)
def test_a_text_is_asked_once(cells: list[str]) -> None:
    answers = iter(range(len(cells)))
    found = Column.of(cells).each(lambda text: (text, next(answers)))
    assert [text for text, _ in found] == cells
    assert len(set(found)) == len(set(cells))


@given(columns)
def test_changed_texts_that_are_the_same_are_one(cells: list[str]) -> None:
    column = Column.of(cells).map(lambda text: text.strip().lower())
    assert [*column] == [cell.strip().lower() for cell in cells]
    assert len(set(column.texts)) == len(column.texts)


@given(columns)
def test_rows_are_found_by_their_text_and_left_out(cells: list[str]) -> None:
    column = Column.of(cells)
    rows = [at for at, cell in enumerate(cells) if cell in ("", "-")]
    assert column.where(("", "-")) == rows
    assert column.at(rows) == [cells[at] for at in rows]
    assert [*column.without(rows)] == [cell for cell in cells if cell not in ("", "-")]


@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=9))
def test_another_column_stands_in_where_one_says_nothing(rows: list[tuple[str, str]]) -> None:
    names, labels = (Column.of(cells) for cells in zip(*rows, strict=True))
    found = names.instead(("", "-"), labels)
    assert [*found] == [label if name in ("", "-") else name for name, label in rows]
    assert len(set(found.texts)) == len(found.texts)


def test_rows_alike_are_found_group_by_group() -> None:
    bundles = Column.of(["Page", "News", "Page", "Page", "News", "Event"])
    names = Column.of(["body", "body", "body", "lead", "body", "body"])
    assert alike([bundles, names]) == [[0, 2], [1, 4]]


def test_a_name_is_of_two_minds_where_it_does_not_always_stand_beside_the_same() -> None:
    names = Column.of(["body", "lead", "body", "image", "lead"])
    types = Column.of(["Text", "Text", "Text", "Image", "List"])
    values = Column.of(["1", "1", "2", "1", "1"])
    assert of_two_minds(names, [types]) == {"lead"}
    assert of_two_minds(names, [types, values]) == {"body", "lead"}
