"""Every request of an export, and every answer to one, passes Atlassian's OpenAPI documents and its ADF schema."""

import json

import jsonschema_rs
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.jira_openapi import FOLDER, JiraDocuments
from tests.jira_sandbox import JiraSandbox
from tests.tasks.exporting import make_export, ticket, tickets

pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="needs Atlassian's documents in ../shared/jira")


async def test_a_whole_export_passes_the_documents(engine: AsyncEngine, jira_sandbox: JiraSandbox) -> None:
    more = ticket("t60", 60, priority="High", sprint="Sprint 99", labels=["a label"], depends_on=["t1"])
    export = await make_export(engine, jira_sandbox, [*tickets(60, chained=True, files=2), more])
    # What is found again, updated and deleted is part of an export, too.
    jira_sandbox.fault("lost", method="POST", path="/issue/bulk$", times=1)
    jira_sandbox.fault("lost", method="POST", path="/attachments$", times=1)
    await export.run()
    await export.assert_exactly_once()
    documents = JiraDocuments()
    journal = [call for call in jira_sandbox.journal() if call["path"].startswith("/rest/")]
    assert len(journal) > 80
    assert [problem for call in journal if not call["fault"] for problem in documents.problems(call)] == []


async def test_every_description_passes_the_adf_schema(
    engine: AsyncEngine, jira_sandbox: JiraSandbox
) -> None:
    export = await make_export(engine, jira_sandbox, tickets(5))
    await export.run()
    schema = jsonschema_rs.validator_for(json.loads((FOLDER / "adf-schema.json").read_text("utf-8")))
    assert all(schema.is_valid(issue["fields"]["description"]) for issue in export.issues())
