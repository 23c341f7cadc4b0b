"""Every answer that is no injected fault passes Atlassian's OpenAPI documents."""

import httpx
import pytest

from tests.deployments.jira_sandbox.builders import AGILE, API, attach, create, document, fields, link
from tests.jira_openapi import FOLDER, JiraDocuments
from tests.jira_sandbox import CREATOR, VIEWER, JiraSandbox

pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="needs Atlassian's documents in ../shared/jira")


@pytest.fixture(scope="module")
def documents() -> JiraDocuments:
    return JiraDocuments()


def read_everything(http: httpx.Client) -> None:
    """Every GET call, answered and refused."""
    for path in (
        "/serverInfo",
        "/myself",
        "/mypermissions?permissions=CREATE_ISSUES&projectKey=LAKE",
        "/mypermissions",
        "/project/LAKE",
        "/project/NOPE",
        "/project/search?action=create",
        "/project/LAKE/components",
        "/issue/createmeta/LAKE/issuetypes",
        "/issue/createmeta/LAKE/issuetypes/10001",
        "/issue/createmeta/NOPE/issuetypes",
        "/field",
        "/priority",
        "/issueLinkType",
        "/user/assignable/search?project=LAKE",
        "/user/assignable/search",
        "/search?jql=project=LAKE",
        "/search/jql?jql=project=LAKE&fields=*all",
        "/search/jql?jql=",
        "/issue/LAKE-1",
        "/issue/LAKE-99",
        "/issue/LAKE-1/properties",
        "/issue/LAKE-1/properties/ours",
        "/issue/LAKE-1/properties/none",
        "/attachment/meta",
        "/attachment/10000",
        "/attachment/99",
        "/attachment/content/10000",
        "/attachment/content/10000?redirect=false",
        "/issueLink/10000",
        "/issueLink/99",
    ):
        http.get(f"{API}{path}")
    for path in (
        "/board",
        "/board?projectKeyOrId=NOPE",
        "/board/20000",
        "/board/20000/sprint",
        "/board/20001/sprint",
    ):
        http.get(f"{AGILE}{path}")
    http.get(f"{AGILE}/sprint/100002")


def write_everything(http: httpx.Client) -> None:
    """Every writing call, answered and refused."""
    first, second = (create(http, description=document("x"), labels=["a"])["key"] for _ in range(2))
    http.post(f"{API}/issue", json={"fields": fields("")})
    for updates in ([fields(), fields("")], [fields("")], []):
        http.post(f"{API}/issue/bulk", json={"issueUpdates": [{"fields": update} for update in updates]})
    http.post(f"{API}/issue/bulk", content=b"{", headers={"Content-Type": "application/json"})
    http.put(f"{API}/issue/{first}", json={"fields": {"summary": "New"}})
    http.put(f"{API}/issue/{first}", json={"fields": {"summary": ""}})
    http.put(f"{API}/issue/{first}?returnIssue=true", json={"fields": {"summary": "New"}})
    http.put(f"{API}/issue/{first}/properties/ours", json={"a": 1})
    attach(http, first)
    attach(http, "LAKE-99")
    link(http, first, second)
    link(http, first, "LAKE-99")
    http.post(f"{API}/issue/bulkfetch", json={"issueIdsOrKeys": [first, "LAKE-99"], "properties": ["ours"]})
    http.post(f"{API}/issue/bulkfetch", json={"issueIdsOrKeys": []})
    http.post(f"{API}/search/jql", json={"jql": "project = LAKE", "fields": ["*all"], "maxResults": 1})
    http.post(f"{API}/search/jql", json={"jql": "nonsense"})
    http.post(f"{AGILE}/sprint/100002/issue", json={"issues": [first]})
    http.post(f"{AGILE}/sprint/100001/issue", json={"issues": [first]})


def delete_everything(http: httpx.Client) -> None:
    """Every deleting call, answered and refused."""
    for _ in range(2):
        http.delete(f"{API}/issueLink/10000")
        http.delete(f"{API}/attachment/10000")
        http.delete(f"{API}/issue/LAKE-1/properties/ours")
        http.delete(f"{API}/issue/LAKE-1")


def test_every_answer_passes_atlassians_documents(
    own_jira_sandbox: JiraSandbox, documents: JiraDocuments
) -> None:
    own_jira_sandbox.settings(rate_limits=False)
    with own_jira_sandbox.client() as http:
        write_everything(http)
        read_everything(http)
    for login in (VIEWER, CREATOR, ("nobody@example.com", "wrong")):
        with own_jira_sandbox.client(*login) as http:
            write_denied(http)
            read_everything(http)
            delete_everything(http)
    with own_jira_sandbox.client() as http:
        delete_everything(http)
    entries = own_jira_sandbox.journal()
    assert len(entries) > 200
    assert [
        problem for entry in entries for problem in documents.problems(entry) if is_about_answer(problem)
    ] == []


def write_denied(http: httpx.Client) -> None:
    """Writing calls of somebody who may not."""
    http.post(f"{API}/issue", json={"fields": fields()})
    http.post(f"{API}/issue/bulk", json={"issueUpdates": [{"fields": fields()}]})
    http.put(f"{API}/issue/LAKE-1", json={"fields": {"summary": "New"}})
    http.put(f"{API}/issue/LAKE-1/properties/ours", json=1)
    http.post(f"{AGILE}/sprint/100002/issue", json={"issues": ["LAKE-1"]})
    attach(http, "LAKE-1")
    link(http, "LAKE-1", "LAKE-2")


def is_about_answer(problem: str) -> bool:
    """Requests here are wrong on purpose now and then."""
    return ": request:" not in problem and "query parameter" not in problem


def test_the_judge_finds_what_is_wrong(documents: JiraDocuments) -> None:
    entry = {
        "seq": 1,
        "method": "POST",
        "path": f"{API}/issue",
        "query": "colour=red",
        "request_body": {"fields": []},
        "status": 201,
        "response_headers": {"content-type": "application/json"},
        "response_body": {"id": 1},
    }
    problems = " ".join(documents.problems(entry))
    assert "colour" in problems
    assert "request:" in problems
    assert "201:" in problems
    assert documents.problems(entry | {"status": 418})
    assert documents.problems(entry | {"path": f"{API}/nothing"})
