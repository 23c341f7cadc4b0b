"""Requests as a client would write them."""

from typing import Any

import httpx

API = "/rest/api/3"
AGILE = "/rest/agile/1.0"
NO_CHECK = {"X-Atlassian-Token": "no-check"}


def document(*texts: str) -> dict[str, Any]:
    """An Atlassian Document with a paragraph for each text."""
    paragraphs = [{"type": "paragraph", "content": [{"type": "text", "text": text}]} for text in texts]
    return {"type": "doc", "version": 1, "content": paragraphs}


def fields(summary: str = "Build the page", **others: Any) -> dict[str, Any]:
    """The fields of a task in LAKE."""
    return {"project": {"key": "LAKE"}, "issuetype": {"name": "Task"}, "summary": summary} | others


def create(http: httpx.Client, summary: str = "Build the page", **others: Any) -> dict[str, str]:
    """Create an issue and return what Jira answers."""
    answer = http.post(f"{API}/issue", json={"fields": fields(summary, **others)})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def refusal(http: httpx.Client, **others: Any) -> dict[str, Any]:
    """Try to create an issue and return the error collection."""
    answer = http.post(f"{API}/issue", json={"fields": fields() | others})
    assert answer.status_code == 400, answer.text
    return dict(answer.json())


def read(http: httpx.Client, key: str) -> dict[str, Any]:
    """The fields of an issue."""
    answer = http.get(f"{API}/issue/{key}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["fields"])


def found(http: httpx.Client, jql: str, **others: Any) -> list[str]:
    """Keys of the issues that a search finds."""
    answer = http.post(f"{API}/search/jql", json={"jql": jql, "fields": ["key"], **others})
    assert answer.status_code == 200, answer.text
    return [issue["key"] for issue in answer.json()["issues"]]


def refused_search(http: httpx.Client, jql: str, **others: Any) -> str:
    """The refusal of a search."""
    answer = http.post(f"{API}/search/jql", json={"jql": jql, **others})
    assert answer.status_code == 400, answer.text
    return str(answer.json()["errorMessages"][0])


def attach(
    http: httpx.Client, key: str, name: str = "table.md", content: bytes = b"# Table"
) -> httpx.Response:
    """Upload a file."""
    path = f"{API}/issue/{key}/attachments"
    return http.post(path, files={"file": (name, content, "text/markdown")}, headers=NO_CHECK)


def link(http: httpx.Client, source: str, target: str, kind: str = "Blocks") -> httpx.Response:
    """Link two issues."""
    body = {"type": {"name": kind}, "inwardIssue": {"key": source}, "outwardIssue": {"key": target}}
    return http.post(f"{API}/issueLink", json=body)
