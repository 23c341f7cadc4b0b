"""What Jira would refuse, found before anything is sent."""

import json
import time
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.tickets import adf
from tasks.core.tickets.model import AttachmentFile, Description
from tasks.core.tickets.validation import problems
from tests.builders.tickets import article_with, described

TITLE = "Create content type: Article"
ATLASSIAN = Path(__file__).parents[4] / "shared" / "jira" / "adf-schema.json"
Node = dict[str, Any]


def text(value: str, *marks: Node) -> Node:
    return {"type": "text", "text": value} | ({"marks": list(marks)} if marks else {})


def of(*blocks: Node, title: str = TITLE, attachment: AttachmentFile | None = None) -> list[str]:
    return problems(Description(adf=adf.document(blocks), attachment=attachment), title)


def saying(value: str, *marks: Node) -> Node:
    return {"type": "paragraph", "content": [text(value, *marks)]}


def link(href: str) -> Node:
    return {"type": "link", "attrs": {"href": href}}


def test_what_the_builder_makes_is_taken() -> None:
    blocks = [
        adf.heading(2, "Title"),
        adf.paragraph(adf.prose("Some `code` here\nand there")),
        adf.bullets([adf.verbatim("one"), adf.verbatim("")]),
        adf.table([[adf.header_cell("A"), adf.header_cell("")], [adf.cell(""), adf.cell("x\ny")]]),
    ]
    assert of(*blocks) == []


# The title


@pytest.mark.parametrize(
    ("title", "problem"),
    [
        ("", "title: it is empty"),
        ("  ", "title: it is empty"),
        ("x" * 256, "title: 256 characters, Jira takes 255"),
        ("\U0001f600" * 128, "title: 256 characters, Jira takes 255"),
        ("two\nlines", "title: it has a line break, Jira takes one line"),
        ("be\x07ll", "title: it holds the character U+0007, which Jira refuses"),
        ("half \ud83d", "title: it holds the character U+D83D, which Jira refuses"),
    ],
)
def test_titles_that_jira_refuses(title: str, problem: str) -> None:
    assert of(saying("x"), title=title) == [problem]


# Texts


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("two\nlines", "has a line break"),
        ("bell\x07", "U+0007"),
        ("carriage\r", "U+000D"),
        ("next\x85line", "U+0085"),
        ("half \ud83d", "U+D83D"),
        ("none \uffff", "U+FFFF"),
        ("x" * 32_768, "one text of 32768 characters"),
    ],
)
def test_texts_that_the_schema_accepts_and_jira_refuses(value: str, problem: str) -> None:
    assert any(problem in found for found in of(saying(value)))


@pytest.mark.parametrize(
    "value", ["tab\there", "שלום", "\U0001f468\u200d\U0001f469", "e\u0301", "\u202eabc\u202c"]
)
def test_every_other_character_is_taken(value: str) -> None:
    assert of(saying(value)) == []


def test_an_empty_text_is_refused() -> None:
    assert any("empty text node" in found for found in of(saying("")))


# Links, marks, nodes


@pytest.mark.parametrize("href", ["http://a.b", "https://a.b/c?d#e", "mailto:a@b.c", "HTTPS://A.B"])
def test_links_people_follow_are_taken(href: str) -> None:
    assert of(saying("here", link(href))) == []


@pytest.mark.parametrize(
    "href",
    ["javascript:alert(1)", "JavaScript:x", "data:text/html,x", "/relative", "", "file:///x", " https://a.b"],
)
def test_other_links_are_refused(href: str) -> None:
    assert any("is not http, https or mailto" in found for found in of(saying("here", link(href))))


@pytest.mark.parametrize(
    "node",
    [
        {"type": "decisionList", "attrs": {"localId": "1"}, "content": []},
        {"type": "layoutSection", "content": []},
        {"type": "extension", "attrs": {"extensionKey": "x", "extensionType": "y"}},
        {"type": "blockCard", "attrs": {"url": "https://a.b"}},
        {"type": "mediaGroup", "content": []},
    ],
)
def test_nodes_that_are_not_shown_in_issues_are_refused(node: Node) -> None:
    assert any(f"the node `{node['type']}` is not shown" in found for found in of(node))


def test_marks_that_are_not_shown_in_issues_are_refused() -> None:
    mark = {"type": "annotation", "attrs": {"id": "1", "annotationType": "inlineComment"}}
    assert any("the mark `annotation`" in found for found in of(saying("x", mark)))


def test_marks_that_do_not_go_together_are_refused_by_the_schema() -> None:
    assert any("schema" in found for found in of(saying("x", {"type": "code"}, {"type": "strong"})))


# Tables and structure


def test_ragged_tables_are_refused() -> None:
    assert any(
        "2 and 3 cells" in found for found in of(adf.table([[adf.cell("a")] * 2, [adf.cell("b")] * 3]))
    )


def test_cells_that_span_columns_count_as_many() -> None:
    wide = adf.cell("a") | {"attrs": {"colspan": 2}}
    assert of(adf.table([[wide], [adf.cell("b"), adf.cell("c")]])) == []


def test_rows_without_cells_are_refused() -> None:
    assert any("no cells" in found for found in of(adf.table([[]])))


def test_the_first_bad_block_is_named_by_its_place() -> None:
    found = of(
        adf.heading(2, "Success criteria"), saying("fine"), {"type": "paragraph", "content": "no list"}
    )
    assert found[0].startswith("description, block 3 (paragraph under “Success criteria”): ")


def test_what_is_nested_too_deep_is_refused_and_never_walked_to_the_end() -> None:
    block = adf.bullets([adf.verbatim("x")])
    for _ in range(5000):
        block = {
            "type": "bulletList",
            "content": [{"type": "listItem", "content": [adf.paragraph([]), block]}],
        }
    assert any("nested more than" in found for found in of(block))


@pytest.mark.parametrize(
    "document", [{}, {"type": "doc"}, {"type": "doc", "version": 1, "content": "x"}, {"type": "paragraph"}]
)
def test_what_is_no_document_is_refused(document: Node) -> None:
    assert problems(Description(adf=document), TITLE) != []


def test_a_document_of_another_version_is_refused() -> None:
    assert problems(Description(adf={"type": "doc", "version": 2, "content": []}), TITLE) != []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "content", "text", "marks", "attrs"]), inner, max_size=4)
    ),
    max_leaves=15,
)


@given(st.lists(JSON, max_size=3))
def test_no_document_makes_validation_fail_itself(blocks: list[Any]) -> None:
    assert isinstance(
        problems(Description(adf={"type": "doc", "version": 1, "content": blocks}), TITLE), list
    )


# Lengths


def test_text_and_json_are_both_counted() -> None:
    long = [saying("x" * 20_000), saying("y" * 13_000)]
    assert [found.split(";")[0] for found in of(*long)] == [
        "description: 33000 characters of text, Jira takes 32767",
        "description: 33156 characters as JSON, Jira takes 32767",
    ]


def test_attachments_over_a_megabyte_are_refused_with_what_to_do() -> None:
    (found,) = of(saying("x"), attachment=AttachmentFile(filename="a.md", content="é" * 500_001))
    assert found.startswith(
        "attachment a.md: 1,000,002 bytes, at most 1,000,000 are taken; make smaller tickets"
    )


def test_attachments_hold_no_character_that_cannot_be_written() -> None:
    (found,) = of(saying("x"), attachment=AttachmentFile(filename="a.md", content="line\nhalf \ud83d"))
    assert "U+D83D" in found


# The schema


def test_the_schema_in_use_is_atlassians_but_for_one_stricter_rule() -> None:
    if not ATLASSIAN.is_file():
        pytest.skip("../shared/jira/adf-schema.json is not here")
    ours = json.loads(
        resources.files("adf_bridge").joinpath("data", "adf-schema.json").read_text(encoding="utf-8")
    )
    theirs = json.loads(ATLASSIAN.read_text(encoding="utf-8"))
    colours = [
        schema["definitions"]["status_node"]["properties"]["attrs"]["properties"].pop("color")
        for schema in (ours, theirs)
    ]
    assert ours == theirs
    # A newer Atlassian schema lets a status have any colour; tickets have no status nodes.
    assert set(colours[0]["enum"]) == {"neutral", "purple", "blue", "red", "yellow", "green"}


def test_a_large_document_is_checked_in_milliseconds() -> None:
    description = described(article_with(20))
    problems(description, TITLE)
    started = time.process_time()
    for _ in range(20):
        problems(description, TITLE)
    assert time.process_time() - started < 1
