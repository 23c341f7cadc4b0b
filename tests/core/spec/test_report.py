"""The spec report: everything on one page, the most pressing first, and no text of the spec does anything there."""

import re
from html.parser import HTMLParser

import pytest

from tasks.core.spec.bundle_graph import bundle_graph
from tasks.core.spec.changes import compare, reading_of
from tasks.core.spec.model import Spec
from tasks.core.spec.report import SpecReport, spec_report
from tasks.core.spec.report_html import as_html
from tasks.core.spec.report_markdown import as_markdown
from tests.builders.spec import bundle, csv_file, field, lakeside, load, tab

PAGE = "Page (Content type)"
HOSTILE = "<script>alert(1)</script> ![x](http://evil.test/a.png) \u202e | `code` </svg> </style>"


class Page(HTMLParser):
    """The elements, attributes and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def report(spec: Spec, site: str = "Lakeside") -> SpecReport:
    return spec_report(spec, spec.findings, site)


@pytest.fixture(scope="module")
def example() -> SpecReport:
    return report(lakeside())


def headings(found: SpecReport) -> list[str]:
    return [re.sub(r" \(\d+\)", "", section.heading) for section in found.sections]


def test_it_has_everything_and_what_to_fix_first_at_its_top(example: SpecReport) -> None:
    assert headings(example) == [
        "What to fix first", "Open questions", "Scope: rows by their X", "Tabs", "How the bundles refer to each other",
        "Worth fixing", "Good to know", "Rows without a ticket",
    ]  # fmt: skip
    assert example.verdict.startswith("Nothing stands in the way of tickets. 138 rows in 12 tabs")


def test_what_blocks_comes_first_of_all() -> None:
    spec = load(tab("Bundles", bundle("Page")), tab("Fields", field(PAGE, "A", ""), field("Ghost", "B")))
    found = report(spec)
    assert "Ghost" in found.sections[0].steps[0]
    assert found.verdict.startswith("1 things must be fixed")
    assert "Must be fixed before tickets can be made" in headings(found)


def test_open_questions_are_told_in_the_words_of_the_spec() -> None:
    row = field(PAGE, "Opening", **{"Settings/notes": "Need more information from the client: which days?"})
    found = report(load(tab("Bundles", bundle("Page")), tab("Fields", row)))
    questions = next(section for section in found.sections if section.heading == "Open questions")
    assert questions.rows == (
        ("Fields.csv", 2, "Opening", "Need more information from the client: which days?"),
    )


def test_rows_without_a_ticket_are_all_listed(example: SpecReport) -> None:
    held = next(section for section in example.sections if section.heading.startswith("Rows without"))
    listed = {(row[0], int(number)) for row in held.rows for number in str(row[3]).split(", ")}
    assert listed == {(one.file, one.record) for one in lakeside().held}


def test_the_scope_table_adds_up(example: SpecReport) -> None:
    scope = next(section for section in example.sections if section.heading.startswith("Scope"))
    assert scope.header[-2:] == ("blank", "rows")
    *tabs, together = scope.rows
    assert together[-1] == sum(int(str(row[-1])) for row in tabs) == 138


def test_cycles_and_self_references_are_marked() -> None:
    graph = bundle_graph(lakeside())
    assert graph.to_themselves == ("Course (Content type)",)
    assert {name for cycle in graph.cycles for name in cycle} == {
        f"{name} (Content type)" for name in ("Course", "Department", "Person")
    }


def test_deleted_bundles_are_not_drawn() -> None:
    spec = load(tab("Bundles", bundle("Page"), bundle("Old", x="d")))
    assert [node.title for node in bundle_graph(spec).graph.nodes] == [PAGE]


def test_the_html_page_stands_alone(example: SpecReport) -> None:
    page = Page(as_html(example))
    assert not {"script", "img", "link", "iframe", "object", "form"} & set(page.elements)
    assert page.elements.count("svg") == 1
    assert any("default-src 'none'" in (value or "") for name, value in page.attributes if name == "content")
    assert not [name for name, _ in page.attributes if name.startswith("on") or name == "src"]
    assert all((value or "").startswith("#") for name, value in page.attributes if name == "href")


def test_no_text_of_a_spec_is_markup() -> None:
    header = ["Name", "Machine name", "Type", "X", "Settings/notes"]
    bundles = csv_file(
        f"{HOSTILE}.csv", [header, [HOSTILE, "x-y", HOSTILE, HOSTILE, f"Need more information {HOSTILE}"]]
    )
    spec = load(bundles, types={bundles.filename: "bundles"})
    found = report(spec, HOSTILE)
    page = Page(as_html(found))
    assert {"script", "img"}.isdisjoint(page.elements)
    assert "alert(1)" in page.text
    assert "\u202e" not in page.text
    markdown = as_markdown(found)
    assert "<script" not in markdown
    assert not re.search(r"(?<!\\)!?\[x\]\(", markdown)
    assert (
        len(
            {
                line.replace(r"\|", "").count("|")
                for line in markdown.splitlines()
                if "alert" in line and line[0] == "|"
            }
        )
        < 4
    )


def test_the_last_upload_is_part_of_it() -> None:
    before, after = (load(tab("Bundles", bundle("Page", Description=text))) for text in ("old", "new"))
    changes = compare(reading_of(before, before.findings), reading_of(after, after.findings))
    markdown = as_markdown(spec_report(after, after.findings, "Lakeside", changes))
    assert "Description: “old” → “new”" in markdown


def test_the_markdown_draws_the_bundles_where_it_may(example: SpecReport) -> None:
    assert "```mermaid" in as_markdown(example)
    assert "```mermaid" not in as_markdown(example, draw=False)


def test_a_spec_without_bundles_has_a_report() -> None:
    found = report(load(tab("Userroles", {"Name": "Editor", "Machine name": "editor"})))
    assert "How the bundles refer to each other" not in headings(found)
    assert as_html(found)
