"""Descriptions as people read them in a terminal."""

from markdown_it import MarkdownIt

from tasks.core.tickets import adf
from tasks.core.tickets.markdown import to_markdown
from tests.builders.tickets import article, described


def of(*blocks: adf.Node) -> str:
    return to_markdown(adf.document(blocks)).rstrip("\n")


def test_the_nodes_of_our_descriptions() -> None:
    assert (
        of(adf.heading(2, "Title"), adf.paragraph(adf.prose("Some `code`\nhere.")))
        == "## Title\n\nSome `code`\nhere."
    )
    assert of(adf.bullets([adf.verbatim("one"), adf.verbatim("two\nlines")])) == "- one\n- two\n  lines"
    table = adf.table([[adf.header_cell("A"), adf.header_cell("B")], [adf.cell("1 | 2"), adf.cell("x\ny")]])
    assert of(table) == "| A | B |\n| --- | --- |\n| 1 \\| 2 | x<br>y |"
    named = adf.table([[adf.header_cell("Name"), adf.cell("Article")]])
    assert of(named) == "|  |  |\n| --- | --- |\n| Name | Article |"


def test_nodes_that_people_bring_with_an_edit() -> None:
    bold = {"type": "text", "text": "bold", "marks": [{"type": "strong"}]}
    link = {"type": "text", "text": "here", "marks": [{"type": "link", "attrs": {"href": "https://a.b"}}]}
    item = {"type": "listItem", "content": [adf.paragraph([bold]), adf.bullets([[link]])]}
    assert of({"type": "orderedList", "content": [item, item]}) == (
        "1. **bold**\n   - [here](https://a.b)\n2. **bold**\n   - [here](https://a.b)"
    )
    assert of({"type": "blockquote", "content": [adf.paragraph([bold])]}) == "> **bold**"
    assert of({"type": "codeBlock", "content": [{"type": "text", "text": "a < b"}]}) == "```\na < b\n```"
    assert of({"type": "rule"}) == "---"
    assert of({"type": "unknown", "content": [adf.paragraph([link])]}) == "[here](https://a.b)"


def test_text_that_looks_like_markdown_is_shown_as_text() -> None:
    for text in (
        "# no heading",
        "- no list",
        "1. no list",
        "> no quote",
        "<b>no tag</b>",
        "*no* `code` _here_",
    ):
        html = MarkdownIt("commonmark").render(of(adf.paragraph(adf.verbatim(text))))
        assert html == f"<p>{text.replace('<', '&lt;').replace('>', '&gt;')}</p>\n"


def test_a_whole_ticket_can_be_read() -> None:
    shown = to_markdown(described(article({"label": "Body"})).adf)
    assert "### Fields, from Fields.csv" in shown
    assert "| Machine name | field_body |" in shown
    assert "- Field “Body” (`field_body`) exists" in shown
