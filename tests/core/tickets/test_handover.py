"""Tickets without Jira: the CSV of its importer, Markdown and HTML, of any text."""

import csv
import io
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tasks.core.tickets import adf
from tasks.core.tickets.handover import Handed, Handover, arranged
from tasks.core.tickets.handover_html import html_page
from tasks.core.tickets.handover_markdown import INDEX, markdown_files
from tasks.core.tickets.importer import importer_csv
from tasks.core.tickets.importer_wiki import escape, to_wiki
from tasks.core.tickets.model import AttachmentFile
from tests.builders.tickets import article, described
from tests.core.tickets.wild import NASTY

texts = st.sampled_from([text for text in NASTY if text.strip()]) | st.text(
    st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30
)


def handed(key: str, **changed: Any) -> Handed:
    given = {
        "key": key,
        "title": f"Create {key}",
        "description": adf.document([adf.paragraph(adf.verbatim(f"About {key}"))]),
        "group": "content",
        "issue_type": "Task",
    }
    return Handed.model_validate(given | changed)


def handover(*tickets: Handed, **changed: Any) -> Handover:
    given: dict[str, Any] = {"site_name": "Lakeside", "project_key": "LAKE", "link_type": "Blocks"}
    return Handover.model_validate(given | {"parent_key": None, "tickets": arranged(tickets)} | changed)


def table_of(made: Handover) -> list[list[str]]:
    return list(csv.reader(io.StringIO(importer_csv(made).decode(), newline=""), strict=True))


def test_the_importer_gets_its_rows_in_the_order_of_work_with_links_and_parent() -> None:
    made = handover(
        handed("view", depends_on=("page", "media")),
        handed("page", labels=("Phase 1", "drupal"), components=("CMS",), priority="High"),
        handed("media", assignee="Dana", sprint="Sprint 7"),
        parent_key="LAKE-7",
    )
    header, *rows = table_of(made)
    assert header == [
        "Issue ID", "Parent", "Issue Type", "Summary", "Description", "Priority", "Assignee", "Sprint",
        "Labels", "Labels", "Components", "Inward issue link (Blocks)", "Inward issue link (Blocks)",
    ]  # fmt: skip
    assert [row[3] for row in rows] == ["Create page", "Create media", "Create view"]
    assert {row[1] for row in rows} == {"LAKE-7"}
    assert rows[0] == [
        "1", "LAKE-7", "Task", "Create page", "About page", "High", "", "", "Phase-1", "drupal", "CMS", "", "",
    ]  # fmt: skip
    assert rows[2][-2:] == ["1", "2"]
    assert {len(row) for row in rows} == {len(header)}


def test_columns_that_nobody_fills_are_left_out() -> None:
    assert table_of(handover(handed("a")))[0] == ["Issue ID", "Issue Type", "Summary", "Description"]


def test_what_looks_like_a_formula_stays_as_it_is() -> None:
    made = handover(
        handed("a", title="=1+1", description=adf.document([adf.paragraph(adf.verbatim("@SUM(A1)"))]))
    )
    assert table_of(made)[1][2:] == ["=1+1", "@SUM(A1)"]


@given(texts, texts)
def test_any_text_is_one_cell_of_one_row(title: str, text: str) -> None:
    description = adf.document([adf.paragraph(adf.verbatim(text))])
    made = handover(handed("a", title=title, description=description), handed("b"))
    header, first, second = table_of(made)
    assert first[header.index("Summary")] == title
    assert second[header.index("Summary")] == "Create b"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("field_hero_image", "field_hero_image"),
        ("a - b", "a - b"),
        ("*bold* and _em_", r"\*bold\* and \_em\_"),
        ("{macro} [link|x]", r"\{macro\} \[link\|x\]"),
        ("-struck- +new+", r"\-struck\- \+new\+"),
        ("!picture.png!", r"\!picture.png!"),
        ("h1. no heading", r"\h1. no heading"),
        ("# no list", r"\# no list"),
        ("good :) (!)", r"good \:) \(\!)"),
        ("C:\\temp", r"C:\\temp"),
    ],
)  # fmt: skip
def test_wiki_markup_shows_the_text_and_does_not_obey_it(text: str, shown: str) -> None:
    assert escape(text) == shown


def test_a_description_in_wiki_markup() -> None:
    nested = adf.bullets([adf.verbatim("inner")])
    item = {"type": "listItem", "content": [adf.paragraph(adf.verbatim("outer")), nested]}
    link = {"type": "text", "text": "here", "marks": [{"type": "link", "attrs": {"href": "https://a.b"}}]}
    document = adf.document(
        [
            adf.heading(2, "Title"),
            adf.paragraph(adf.prose("Some `code_x`\nnext line")),
            adf.table([[adf.header_cell("A"), adf.header_cell("B")], [adf.cell("1|2"), adf.cell("x\ny")]]),
            {"type": "bulletList", "content": [item]},
            adf.paragraph([link]),
            {"type": "codeBlock", "content": [{"type": "text", "text": "a {b}"}]},
        ]
    )
    assert to_wiki(document) == (
        "h2. Title\n\nSome {{code_x}}\nnext line\n\n||A||B||\n|1\\|2|x \\\\ y|\n\n* outer\n** inner\n\n"
        "[here|https://a.b]\n\n{noformat}\na {b}\n{noformat}"
    )


class Page(HTMLParser):
    """The tags of a page, their attributes, and its text."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@given(texts, texts)
def test_no_text_becomes_a_tag_or_an_attribute_of_the_page(title: str, text: str) -> None:
    def page(given_title: str, given_text: str) -> Page:
        description = adf.document([adf.paragraph(adf.verbatim(given_text.replace("\n", " ")))])
        file = AttachmentFile(filename="table.md", content=given_text)
        ticket = handed(
            "a", title=given_title, description=description, attachment=file, assignee=f"A{given_text}"
        )
        return Page(html_page(handover(ticket)))

    wild, tame = page(title, text), page("title", "text")
    assert [tag for tag in wild.tags if tag != "br"] == tame.tags
    assert [name for name, _ in wild.attributes] == [name for name, _ in tame.attributes]


def test_the_page_loads_and_runs_nothing() -> None:
    link = {
        "type": "text",
        "text": "x",
        "marks": [{"type": "link", "attrs": {"href": "javascript:alert(1)"}}],
    }
    page = html_page(handover(handed("a", description=adf.document([adf.paragraph([link])])))).decode()
    assert "default-src 'none'" in page
    assert not re.search(r"<script|javascript:|\son\w+=|src=|@import|url\(", page)


def test_everything_that_a_ticket_says_is_on_the_page() -> None:
    ticket = article({"label": "Body"})
    text = " ".join(Page(html_page(handover(handed("a", description=described(ticket).adf)))).texts)
    for fact in ("field_body", "Article (Content type)", "Success criteria", "Row by row"):
        assert fact in text


def test_the_folder_has_an_index_and_a_file_for_each_ticket_and_its_links_lead_there() -> None:
    file = AttachmentFile(filename="Reference table.md", content="# Table\n")
    made = handover(
        handed("view", title="Build the view: Ärzte & <b>more</b>", depends_on=("page",)),
        handed("page", attachment=file, sources=("Bundles.csv: 2",)),
    )
    files = markdown_files(made)
    assert list(files) == [
        INDEX, "001-create-page.md", "002-build-the-view-arzte-b-more-b.md", "attachments/001-reference-table.md",
    ]  # fmt: skip
    for text in files.values():
        html = MarkdownIt("commonmark").enable("table").render(text.decode())
        assert "<b>" not in html
        for target in re.findall(r'href="([^"]+)"', html):
            assert target in files
    assert "[Create page](001-create-page.md)" in files["002-build-the-view-arzte-b-more-b.md"].decode()
