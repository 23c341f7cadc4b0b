"""The pages for people: complete, escaped, without script."""

from typing import Any

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deployments.jira_sandbox.render import render
from tests.deployments.jira_sandbox.builders import attach, create, document, link

NASTY = "<script>alert('x')</script><img src=x onerror=alert(1)>\"'&"


def assert_harmless(page: httpx.Response) -> None:
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "<script" not in page.text
    assert "<img" not in page.text


def test_projects_and_issues_are_listed(http: httpx.Client) -> None:
    for n in range(12):
        create(http, f"Issue {n}")
    page = http.get("/")
    assert "LAKE: Lakeside College" in page.text
    assert "12 issues" in page.text
    assert 'href="/browse/LAKE-12"' in page.text
    assert "LAKE-1<" not in page.text, "only the newest"
    assert "LAKE-1<" in http.get("/projects/LAKE").text


def test_everything_on_the_pages_is_escaped(http: httpx.Client) -> None:
    first = create(http, NASTY, description=document(NASTY), labels=["<b>"])["key"]
    second = create(http, NASTY)["key"]
    link(http, first, second)
    attach(http, first, '<b>".html', NASTY.encode())
    for path in ("/", "/projects/LAKE", f"/browse/{first}"):
        page = http.get(path)
        assert page.status_code == 200
        assert_harmless(page)
        assert "&lt;script&gt;" in page.text


def test_an_attachment_is_a_download_and_never_a_page(http: httpx.Client) -> None:
    item = attach(http, create(http)["key"], "page.html", NASTY.encode()).json()[0]
    answer = http.get(f"/secure/attachment/{item['id']}/page.html")
    assert answer.content == NASTY.encode()
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_an_issue_shows_its_description_links_and_files(http: httpx.Client) -> None:
    cell = {"type": "tableCell", "attrs": {}, "content": document("cell")["content"]}
    table = {"type": "table", "content": [{"type": "tableRow", "content": [cell]}]}
    description = document("text") | {"content": [*document("text")["content"], table]}
    first, second = create(http, description=description)["key"], create(http, "Second")["key"]
    link(http, first, second)
    attach(http, first, "table.md")
    page = http.get(f"/browse/{first}").text
    assert "<td><p>cell</p></td>" in page
    assert f'blocks <a href="/browse/{second}">{second}</a>: Second' in page
    assert "table.md" in page
    assert "is blocked by" in http.get(f"/browse/{second}").text


def test_what_is_not_there_is_404(http: httpx.Client) -> None:
    for path in ("/browse/LAKE-9", "/projects/NOPE", "/secure/attachment/1/x", "/secure/attachment/x/x"):
        assert http.get(path).status_code == 404
    assert http.get("/sandbox.css").headers["Content-Type"].startswith("text/css")


def test_links_lead_to_harmless_places_only() -> None:
    assert 'href="https://example.com/?a=1&amp;b=&quot;"' in render(linked('https://example.com/?a=1&b="'))
    for href in (
        "javascript:alert(1)",
        " JavaScript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "//evil",
        "[",
        "",
    ):
        assert render(linked(href)) == "x"


def linked(href: str) -> dict[str, Any]:
    return {"type": "text", "text": "x", "marks": [{"type": "link", "attrs": {"href": href}}]}


KINDS = [
    "doc",
    "paragraph",
    "heading",
    "table",
    "tableCell",
    "panel",
    "status",
    "expand",
    "orderedList",
    "taskItem",
    "x",
]
TEXTS = st.text() | st.just(NASTY)
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["level", "order", "panelType", "title", "colspan", "text", "url", "state"]),
    TEXTS | st.integers() | st.none(),
)
LEAVES = st.builds(lambda text: {"type": "text", "text": text}, TEXTS)
NODES = st.recursive(
    LEAVES,
    lambda inner: st.builds(
        lambda kind, attrs, content: {"type": kind, "attrs": attrs, "content": content},
        st.sampled_from(KINDS),
        ATTRIBUTES,
        st.lists(inner, max_size=4),
    ),
    max_leaves=10,
)


@given(NODES)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_document_can_break_out_of_the_page(node: dict[str, Any]) -> None:
    html = render(node)
    assert "<script" not in html
    assert "<img" not in html
    assert "onerror=alert(1)>" not in html


def test_a_document_of_any_depth_is_shown() -> None:
    node = document("deep")
    for _ in range(5000):
        node = {"type": "blockquote", "content": [node]}
    assert "…" in render(node)
