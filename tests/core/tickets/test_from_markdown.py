"""What people write becomes a document that Jira takes, says all they said, and can do nothing but be read."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.core.tickets.from_markdown import to_blocks
from tasks.core.tickets.model import Description
from tasks.core.tickets.validation import problems

Node = dict[str, Any]


def document(markdown: str) -> Node:
    return {"version": 1, "type": "doc", "content": to_blocks(markdown)}


def nodes(node: Node) -> list[Node]:
    return [node, *(below for child in node.get("content", ()) for below in nodes(child))]


def text_of(markdown: str) -> str:
    return "".join(
        node.get("text", "\n" if node["type"] == "hardBreak" else "") for node in nodes(document(markdown))
    )


def links_of(markdown: str) -> list[str]:
    marks = [mark for node in nodes(document(markdown)) for mark in node.get("marks", ())]
    return [mark["attrs"]["href"] for mark in marks if mark["type"] == "link"]


def kinds(markdown: str) -> list[str]:
    return [block["type"] for block in to_blocks(markdown)]


def test_the_usual_marks_are_understood() -> None:
    found = {
        node["text"]: [mark["type"] for mark in node["marks"]]
        for node in nodes(document("**b** *e* ~~s~~ `c`"))
        if "marks" in node
    }
    assert found == {"b": ["strong"], "e": ["em"], "s": ["strike"], "c": ["code"]}


def test_blocks_are_understood() -> None:
    code, table = "```\nx < y\nz\n```", "| a | b |\n|---|---|\n| 1 | 2 |"
    markdown = "\n\n".join(["# Title", "- a\n  - b", "1. one", "> quoted", code, table, "---"])
    assert kinds(markdown) == [
        "heading",
        "bulletList",
        "orderedList",
        "blockquote",
        "codeBlock",
        "table",
        "rule",
    ]
    assert not problems(Description(adf=document(markdown)), "title")


def test_headings_stand_below_ours() -> None:
    assert [block["attrs"]["level"] for block in to_blocks("# One\n\n###### Six")] == [3, 6]


def test_a_line_break_stays_one() -> None:
    assert text_of("first\nsecond") == "first\nsecond"


def test_code_keeps_its_lines_as_they_are() -> None:
    assert text_of("```\na\n  b  \nc\n```") == "a\n  b  \nc"


@pytest.mark.parametrize(
    "html", ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "a < b > c", "<!-- x -->"]
)
def test_html_is_text(html: str) -> None:
    assert text_of(html) == html
    assert set(kinds(html)) == {"paragraph"}


@pytest.mark.parametrize("href", ["https://drupal.org", "http://x.org/a?b=c", "mailto:a@b.org"])
def test_links_to_the_web_and_to_mail_are_kept(href: str) -> None:
    assert links_of(f"[here]({href}) and <{href}>") == [href, href]


@pytest.mark.parametrize(
    "href",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "//evil.org",
        "/local",
        " javascript:x",
    ],
)
def test_any_other_link_is_its_text(href: str) -> None:
    assert links_of(f"[here]({href})") == []
    assert "here" in text_of(f"[here]({href})")


def test_an_image_is_a_link_to_it() -> None:
    assert (text_of("![plan](https://x.org/p.png)"), links_of("![plan](https://x.org/p.png)")) == (
        "plan",
        ["https://x.org/p.png"],
    )
    assert links_of("![plan](javascript:x)") == []


def test_a_mention_is_text() -> None:
    assert text_of("@dana and [~accountid:123]") == "@dana and [~accountid:123]"


def test_emoji_and_right_to_left_text_stay() -> None:
    assert text_of("🚀 שלום 👩‍👩‍👧 \u202eabc") == "🚀 שלום 👩‍👩‍👧 \u202eabc"


def test_a_list_of_tasks_is_a_list() -> None:
    assert text_of("- [ ] open\n- [x] done") == "[ ] open[x] done"


def test_nothing_is_nothing() -> None:
    assert to_blocks(" \n \n") == []


def test_a_control_character_stays_to_be_named_by_validation() -> None:
    assert any("U+0007" in problem for problem in problems(Description(adf=document("bell \x07")), "title"))


@pytest.mark.parametrize(
    "pattern", ["*", ">", "[", "`", "_a ", "![", "<a ", "- ", "1. ", "\\", "[a](http://x ", "|", "    "]
)
def test_forty_thousand_characters_of_anything_end(pattern: str) -> None:
    found = problems(Description(adf=document((pattern * 40_000)[:40_000])), "title")
    assert all("shorten" in problem or "one text of" in problem for problem in found)


PIECES = st.sampled_from(
    [
        "# ",
        "- ",
        "  - ",
        "> ",
        "1. ",
        "```\n",
        "`",
        "**",
        "*",
        "_",
        "~~",
        "[x](http://a.b)",
        "[x](javascript:a)",
        "![i](http://a)",
        "| a | b |\n|---|---|\n",
        "| 1 |\n",
        "\n",
        "\n\n",
        "<b>",
        "</b>",
        "<http://a.b>",
        "&amp;",
        "word",
        " ",
        "é",
        "🚀",
        "\ue000",
        "- [ ] ",
        "---\n",
        "    ",
        "[",
        "]",
        "(",
        ")",
        "\\",
    ]
)


@given(
    st.lists(PIECES, max_size=40).map("".join)
    | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=200)
)
@example("> # h\n> | a | b |\n> |---|---|\n> | 1 |")
@example("- > q\n- # h\n- ```\n  x\n  ```")
def test_whatever_people_write_jira_takes_it(markdown: str) -> None:
    found = document(markdown)
    if found["content"]:
        assert not problems(Description(adf=found), "title")
    assert all(href.startswith(("http://", "https://", "mailto:")) for href in links_of(markdown))


@given(st.lists(st.text("abc é🚀<&@", min_size=1, max_size=8).filter(str.strip), min_size=1, max_size=8))
def test_every_word_is_still_there(words: list[str]) -> None:
    shown = text_of(" ".join(words))
    assert all(word in shown for part in words for word in part.split())
