"""Markdown as a carrier: what is written can be read back to the letter, by a person's viewer as well."""

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tasks.core.tickets import gfm
from tests.core.tickets.wild import NASTY
from tests.fact_lock import CONTROL, markdown_cells

# Cells as the intake leaves them.
CELLS = st.one_of(st.sampled_from(NASTY), st.text(st.characters(exclude_categories=["Cs"]), max_size=30)).map(
    lambda cell: CONTROL.sub("", cell.replace("\r", "\n")).strip()
)


def test_plain_cells_look_plain() -> None:
    assert gfm.cell("field_image") == "field_image"
    assert gfm.cell("*") == "*"
    assert gfm.cell("Text (formatted, long)") == "Text (formatted, long)"
    assert (
        gfm.cell("academics/[node:field_college]/[node:title]")
        == "academics/[node:field_college]/[node:title]"
    )
    assert gfm.cell("<strong>Size</strong>\n| 10px") == r"\<strong>Size\</strong><br>\| 10px"


@given(st.lists(CELLS, min_size=1, max_size=4))
def test_the_rules_in_the_file_read_every_cell_back(cells: list[str]) -> None:
    assert markdown_cells(gfm.table(cells, []).split("\n")[0]) == cells


@given(st.lists(CELLS, min_size=1, max_size=4))
def test_a_markdown_viewer_shows_every_cell_as_it_is(cells: list[str]) -> None:
    shown = MarkdownIt("commonmark").enable("table").parse(gfm.table(["h"] * len(cells), [cells]))
    assert [_text(token) for token in shown if token.type == "inline"][len(cells) :] == cells


def _text(inline: Token) -> str:
    parts = {"html_inline": "\n", "softbreak": "\n"}
    return "".join(parts.get(child.type, child.content) for child in inline.children or ())
