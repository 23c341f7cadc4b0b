"""jira.md 5: search by JQL, its pages, its limits and its lag."""

import time

import httpx
import pytest

from tests.deployments.jira_sandbox.builders import API, create, found, refused_search
from tests.jira_sandbox import NOBODY, JiraSandbox


def test_fact_5_a_search_answers_ids_only_unless_fields_are_asked_for(http: httpx.Client) -> None:
    made = create(http, labels=["session-1"])
    bare = http.get(f"{API}/search/jql", params={"jql": "labels = session-1"}).json()
    assert bare == {"issues": [{"id": made["id"]}], "isLast": True}
    params = {"jql": "labels = session-1", "fields": "summary,labels"}
    full = http.get(f"{API}/search/jql", params=params).json()["issues"][0]
    assert (full["key"], full["fields"]) == (
        made["key"],
        {"summary": "Build the page", "labels": ["session-1"]},
    )


def test_fact_5_pages_follow_a_token_that_the_last_page_lacks(http: httpx.Client) -> None:
    keys = [create(http, str(n))["key"] for n in range(5)]
    body = {"jql": "project = LAKE ORDER BY key", "maxResults": 2, "fields": ["key"]}
    pages = []
    while True:
        page = http.post(f"{API}/search/jql", json=body).json()
        pages.append([issue["key"] for issue in page["issues"]])
        assert page["isLast"] == ("nextPageToken" not in page)
        assert not {"total", "startAt"} & set(page)
        if page["isLast"]:
            break
        body["nextPageToken"] = page["nextPageToken"]
    assert pages == [keys[:2], keys[2:4], keys[4:]]


def test_fact_5_a_token_is_good_for_its_own_query_only(http: httpx.Client) -> None:
    for n in range(3):
        create(http, str(n))
    token = http.post(f"{API}/search/jql", json={"jql": "project = LAKE", "maxResults": 1}).json()[
        "nextPageToken"
    ]
    assert "nextPageToken" in refused_search(http, "project = LAKE ORDER BY id", nextPageToken=token)
    assert "nextPageToken" in refused_search(http, "project = LAKE", nextPageToken="made up")


def test_fact_5_pages_can_be_shorter_than_asked_for(http: httpx.Client, jira_sandbox: JiraSandbox) -> None:
    for n in range(3):
        create(http, str(n))
    jira_sandbox.settings(search_page_size=2)
    body = {"jql": "project = LAKE", "fields": ["summary"], "maxResults": 5000}
    assert len(http.post(f"{API}/search/jql", json=body).json()["issues"]) == 2
    assert len(http.post(f"{API}/search/jql", json=body | {"fields": ["id"]}).json()["issues"]) == 3


@pytest.mark.parametrize("jql", ["", "ORDER BY key"])
def test_fact_5_an_unbounded_query_is_refused(http: httpx.Client, jql: str) -> None:
    expected = "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."
    assert refused_search(http, jql) == expected


def test_fact_5_the_old_search_is_gone(http: httpx.Client) -> None:
    assert http.get(f"{API}/search", params={"jql": "project = LAKE"}).status_code == 410
    assert http.post(f"{API}/search", json={"jql": "project = LAKE"}).status_code == 410


def test_fact_5_our_property_cannot_be_searched(http: httpx.Client) -> None:
    assert "does not exist" in refused_search(http, "issue.property[drupal-tickets].session = 'x'")


def test_fact_5_a_write_is_found_late_and_read_at_once(http: httpx.Client, jira_sandbox: JiraSandbox) -> None:
    jira_sandbox.settings(search_lag=0.6)
    made = create(http, labels=["session-1"])
    assert found(http, "labels = session-1") == []
    assert http.get(f"{API}/issue/{made['key']}").status_code == 200
    assert found(http, "labels = session-1", reconcileIssues=[int(made["id"])]) == [made["key"]]
    time.sleep(0.6)
    assert found(http, "labels = session-1") == [made["key"]]


def test_fact_5_the_index_holds_the_old_labels_and_the_deleted_issue_for_a_while(
    http: httpx.Client, jira_sandbox: JiraSandbox
) -> None:
    old, gone = create(http, labels=["old"]), create(http, labels=["old"])
    time.sleep(0.4)
    http.put(f"{API}/issue/{old['key']}", json={"fields": {"labels": ["new"]}})
    http.delete(f"{API}/issue/{gone['key']}")
    jira_sandbox.settings(search_lag=0.3)
    assert found(http, "labels = new") == []
    assert found(http, "labels = old") == [old["key"]]
    assert (
        http.post(f"{API}/search/jql", json={"jql": "labels = old"}).json()["issues"][0]["id"] == gone["id"]
    )
    assert found(http, "labels = new", reconcileIssues=[int(old["id"])]) == [old["key"]]
    jira_sandbox.settings(search_lag=0)
    assert found(http, "labels = new") == [old["key"]]
    assert found(http, "labels = old") == []


def test_fact_5_a_share_of_the_writes_lags_the_same_for_the_same_seed(
    http: httpx.Client, jira_sandbox: JiraSandbox
) -> None:
    jira_sandbox.settings(search_lag=3600, search_lag_share=0.5, seed=3)
    for n in range(20):
        create(http, str(n))
    first = found(http, "project = LAKE")
    assert 0 < len(first) < 20
    assert found(http, "project = LAKE") == first


def test_fact_5_each_write_can_lag_for_a_time_of_its_own(
    http: httpx.Client, jira_sandbox: JiraSandbox
) -> None:
    for n in range(20):
        create(http, str(n))
    time.sleep(0.2)
    jira_sandbox.settings(search_lag=1.0, search_lag_spread=True, seed=1)
    assert 0 < len(found(http, "project = LAKE")) < 20


def test_fact_5_limits_of_a_search(http: httpx.Client) -> None:
    create(http)
    many = ", ".join(["key", "id", "created", "updated", "summary", "priority", "project", "rank"])
    assert "7" in refused_search(http, f"project = LAKE ORDER BY {many}")
    assert "reconcileIssues" in refused_search(http, "project = LAKE", reconcileIssues=list(range(51)))
    assert "reconcileIssues" in refused_search(http, "project = LAKE", reconcileIssues=["10000"])
    assert "properties" in refused_search(http, "project = LAKE", properties=list("abcdef"))


def test_fact_5_properties_come_with_a_search(http: httpx.Client) -> None:
    key = create(http)["key"]
    http.put(f"{API}/issue/{key}/properties/ours", json={"ticket": 1})
    body = {"jql": "project = LAKE", "fields": ["key"], "properties": ["ours"]}
    assert http.post(f"{API}/search/jql", json=body).json()["issues"][0]["properties"] == {
        "ours": {"ticket": 1}
    }


@pytest.mark.parametrize(
    ("jql", "expected"),
    [
        ("project = LAKE", ["LAKE-1", "LAKE-2", "LAKE-3"]),
        ("project in (LAKE, 'Demonstration')", ["DEMO-1", "LAKE-1", "LAKE-2", "LAKE-3"]),
        ("labels = A", ["LAKE-1", "LAKE-2"]),
        ("labels in (b, c)", ["DEMO-1", "LAKE-2"]),
        ("labels is EMPTY", ["LAKE-3"]),
        ("labels not in (a)", ["DEMO-1"]),
        ("NOT labels = a AND project = LAKE", ["LAKE-3"]),
        ('project = LAKE AND (labels = b OR summary ~ "third")', ["LAKE-2", "LAKE-3"]),
        ("key in (LAKE-1, lake-3)", ["LAKE-1", "LAKE-3"]),
        ("issuekey = LAKE-2", ["LAKE-2"]),
        ("created >= -1h AND project = LAKE", ["LAKE-1", "LAKE-2", "LAKE-3"]),
        ("created < '2020-01-01 10:00'", []),
        ("creator = currentUser() AND type = Bug", ["LAKE-3"]),
        ("assignee is EMPTY and labels = b", ["LAKE-2"]),
    ],
)
def test_the_jql_that_is_understood(http: httpx.Client, jql: str, expected: list[str]) -> None:
    create(http, "first", labels=["a"])
    create(http, "second", labels=["a", "b"])
    create(http, "the third", issuetype={"name": "Bug"})
    create(http, "elsewhere", project={"key": "DEMO"}, labels=["c"])
    assert found(http, f"{jql} ORDER BY key ASC") == expected


@pytest.mark.parametrize(
    "jql",
    [
        "project = NOPE",
        "key = LAKE-99",
        "colour = red",
        "project LAKE",
        "project = LAKE AND",
        "project = (",
        "labels = 'open",
        "project = LAKE ORDER BY colour",
        "created = whenever",
        "labels > a",
        "(project = LAKE",
        "project = LAKE)",
    ],
)
def test_jql_that_makes_no_sense_is_refused(http: httpx.Client, jql: str) -> None:
    assert refused_search(http, jql)


def test_who_may_not_browse_finds_nothing(http: httpx.Client, jira_sandbox: JiraSandbox) -> None:
    create(http, labels=["a"])
    with jira_sandbox.client(*NOBODY) as stranger:
        assert found(stranger, "labels = a") == []
