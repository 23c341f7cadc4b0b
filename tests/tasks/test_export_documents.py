"""Every request of an export, and every answer to one, passes Atlassian's OpenAPI documents and its ADF schema."""

import copy
import json
from typing import Any

import jsonschema_rs
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.jira_openapi import FOLDER, JiraDocuments
from tests.jira_sandbox import JiraSandbox
from tests.tasks.exporting import make_export, ticket, tickets

pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="needs Atlassian's documents in ../shared/jira")

WISHES: dict[str, Any] = {
    "priority": "High",
    "sprint": "Sprint 99",
    "labels": ["a label"],
    "components": ["None of these"],
    "assignee": "Nobody Atall",
}


@pytest.fixture(scope="module")
def documents() -> JiraDocuments:
    return JiraDocuments()


async def test_a_whole_export_passes_the_documents(
    engine: AsyncEngine, jira_sandbox: JiraSandbox, documents: JiraDocuments
) -> None:
    # What is found again, refused and deleted is part of an export, too.
    more = ticket("t60", 60, depends_on=["t1"], **WISHES)
    export = await make_export(engine, jira_sandbox, [*tickets(60, chained=True, files=2), more])
    jira_sandbox.fault("late", method="POST", path="/issue/bulk$", seconds=0.3, times=1)
    jira_sandbox.fault("late", method="POST", path="/attachments$", seconds=2, times=1)
    jira_sandbox.fault("lost", method="POST", path="/attachments$", times=1)
    jira_sandbox.fault("slow", method="POST", path="/issueLink$", seconds=3, times=1)
    jira_sandbox.fault("partial", method="POST", path="/issue/bulk$", elements=[1], field="priority", times=1)
    jira_sandbox.fault("status", method="GET", path="/myself$", status=429, retry_after=1, times=1)
    await export.run()
    await export.assert_exactly_once()
    journal = calls(jira_sandbox)
    assert len(journal) > 80
    assert {call["method"] for call in journal} == {"GET", "POST", "DELETE"}
    assert [problem for call in journal if not call["fault"] for problem in documents.problems(call)] == []
    struck = [call for call in journal if call["fault"]]  # their answers are wrong on purpose
    assert len(struck) == 6
    asked = [(operation_of(documents, call), call) for call in struck]
    assert [documents.request_problems(operation, call) for operation, call in asked] == [[]] * len(struck)
    schema = jsonschema_rs.validator_for(json.loads((FOLDER / "adf-schema.json").read_text("utf-8")))
    descriptions = [sent["fields"]["description"] for call in journal for sent in created_by(call)]
    assert len(descriptions) >= 61
    assert all(schema.is_valid(description) for description in descriptions)


async def test_what_does_not_fit_the_documents_would_be_seen(
    engine: AsyncEngine, jira_sandbox: JiraSandbox, documents: JiraDocuments
) -> None:
    export = await make_export(engine, jira_sandbox, [ticket("one")])
    await export.run()
    call = next(call for call in calls(jira_sandbox) if created_by(call))
    request, answer, query, status = (copy.deepcopy(call) for _ in range(4))
    request["request_body"]["issueUpdates"] = {}
    answer["response_body"]["issues"] = [{"id": 7}]
    query["query"] = "fields=summary"
    status["status"] = 418
    assert all(documents.problems(changed) for changed in (request, answer, query, status))


def calls(sandbox: JiraSandbox) -> list[dict[str, Any]]:
    return [call for call in sandbox.journal() if call["path"].startswith("/rest/")]


def operation_of(documents: JiraDocuments, call: dict[str, Any]) -> Any:
    operation = documents.find(call["method"], call["path"])
    assert operation is not None
    return operation


def created_by(call: dict[str, Any]) -> list[dict[str, Any]]:
    """The issues that a call asks for."""
    return list(call["request_body"]["issueUpdates"]) if call["path"].endswith("/issue/bulk") else []
