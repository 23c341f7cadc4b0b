"""How cells are spoken of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.tickets.wording import (
    FORBIDDEN,
    clause,
    code,
    is_invisible,
    listed,
    split_code,
    spoken,
    visible,
)


@given(st.text())
def test_a_machine_name_as_code_reads_back_as_it_is(name: str) -> None:
    if visible(name):
        assert split_code(f"The field {code(name)} exists.") == [
            (False, "The field "),
            (True, visible(name)),
            (False, " exists."),
        ]


@given(st.text())
def test_code_spans_lose_no_character_of_plain_text(text: str) -> None:
    if "`" not in text:
        assert "".join(piece for _, piece in split_code(text)) == text


@given(st.text(), st.integers(min_value=10, max_value=100))
def test_a_spoken_cell_holds_nothing_that_prose_may_not(text: str, limit: int) -> None:
    said = spoken(text, limit)
    assert len(said) <= limit
    assert not any(map(is_invisible, said))
    assert not any(pattern.search(said) for _, pattern in FORBIDDEN)
    assert "`" not in said


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("Academic Program", "Academic Program"),
        ("  two\nlines ", "two lines"),
        ("<strong>Size:</strong> 10px", "Size: 10px"),
        ("see https://example.com/x for more", "see for more"),
        ("TBD", ""),
        ("3 < 4", "3 4"),
        ("field\u200b_body", "field_body"),
    ],
)
def test_cells_are_spoken_without_markup_links_and_placeholders(cell: str, said: str) -> None:
    assert spoken(cell) == said


def test_long_cells_are_shortened_at_a_word_and_never_inside_a_machine_name() -> None:
    assert spoken("one two three four", 12) == "one two…"
    assert spoken("W" * 50, 10) == "W" * 9 + "…"
    assert spoken("very_long_name" * 10, 20) == ""


def test_a_clause_never_ends_the_sentence() -> None:
    assert clause("Lists of jobs. And more! Is it?") == "Lists of jobs And more Is it"
    assert clause("version 1.5 of St. Mary") == "version 1.5 of St Mary"


def test_lists_count_what_they_do_not_name() -> None:
    assert listed(["A"]) == "A"
    assert listed(["A", "B", "C"]) == "A, B and C"
    assert listed([str(number) for number in range(20)], limit=3) == "0, 1 and 18 more"
    assert listed([]) == ""
