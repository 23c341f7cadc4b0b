"""Whatever a client sends is answered or refused; nothing breaks the sandbox."""

from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.deployments.jira_sandbox.builders import API, fields
from tests.jira_sandbox import JiraSandbox

WILD = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
TEXTS = st.text(max_size=20)
NAMES = st.sampled_from(
    [
        "id",
        "key",
        "name",
        "accountId",
        "add",
        "set",
        "remove",
        "type",
        "outwardIssue",
        "value",
        "content",
        "version",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | TEXTS, inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    [
        *fields(),
        "description",
        "labels",
        "components",
        "assignee",
        "parent",
        "issuelinks",
        "customfield_10020",
        "customfield_10016",
        "duedate",
        "priority",
        "attachment",
    ]
)
WORDS = st.sampled_from(
    [
        "project",
        "=",
        "LAKE",
        "and",
        "or",
        "not",
        "(",
        ")",
        "in",
        "labels",
        "is",
        "empty",
        "~",
        "order",
        "by",
        "key",
        "created",
        ">=",
        "-1d",
        "'x'",
        '"',
        ",",
        "!=",
        "now()",
        "summary",
    ]
)


@pytest.fixture
def site(http: httpx.Client, jira_sandbox: JiraSandbox) -> httpx.Client:
    jira_sandbox.settings(rate_limits=False)
    return http


@given(
    part=st.sampled_from(["fields", "update"]), wild=st.dictionaries(FIELDS, VALUES, max_size=4), more=VALUES
)
@WILD
def test_wild_fields(site: httpx.Client, part: str, wild: dict[str, Any], more: Any) -> None:
    request = {"fields": fields(), "properties": more}
    request[part] = request.get(part, {}) | wild
    assert site.post(f"{API}/issue", json=request).status_code in (201, 400)
    assert site.put(f"{API}/issue/LAKE-1", json={part: wild}).status_code in (204, 400, 404)


@given(
    body=VALUES
    | st.dictionaries(
        st.sampled_from(
            [
                "jql",
                "fields",
                "maxResults",
                "nextPageToken",
                "properties",
                "reconcileIssues",
                "issueIdsOrKeys",
                "issueUpdates",
            ]
        ),
        VALUES,
    )
)
@WILD
def test_wild_bodies(site: httpx.Client, body: Any) -> None:
    for path in ("/issue", "/issue/bulk", "/issue/bulkfetch", "/search/jql", "/issueLink"):
        assert site.post(f"{API}{path}", json=body or {}).status_code in (200, 201, 400, 404)


@given(jql=st.lists(WORDS, max_size=12).map(" ".join) | TEXTS)
@WILD
def test_wild_queries(site: httpx.Client, jql: str) -> None:
    assert site.post(f"{API}/search/jql", json={"jql": jql}).status_code in (200, 400)


@given(path=st.lists(TEXTS | st.sampled_from(["issue", "properties", "board"]), min_size=1, max_size=4))
@WILD
def test_wild_paths(site: httpx.Client, path: list[str]) -> None:
    wild = "/".join(quote(part, safe="") for part in path)
    for prefix in ("/issue", "/project", "/attachment", "/issueLink"):
        assert site.get(f"{API}{prefix}/x{wild}").status_code in (307, 400, 404, 405)


@pytest.mark.parametrize("path", ["issue", "attachment", "issueLink", "project"])
def test_numbers_beyond_measure(site: httpx.Client, path: str) -> None:
    assert site.get(f"{API}/{path}/{'9' * 30}").status_code in (400, 404)
