"""The client against the Jira sandbox, over HTTP and through atlassian-python-api, exactly as against Jira."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest

from blocks.jira_client import JiraClient
from blocks.jira_errors import JiraNotFound, JiraRefused
from blocks.jira_project import load_project_context
from tasks.core.errors import AdminRequired, Temporary, UnknownOutcome, UserFixable
from tests.blocks.scripted_site import free_port
from tests.jira_sandbox import CREATOR, NOBODY, VIEWER, JiraSandbox

PROPERTY = "drupal-ticket-generator"


def text(words: str) -> dict[str, Any]:
    paragraph = {"type": "paragraph", "content": [{"type": "text", "text": words}]}
    return {"type": "doc", "version": 1, "content": [paragraph]}


def issue(summary: str, **fields: Any) -> dict[str, Any]:
    base = {
        "project": {"key": "LAKE"},
        "issuetype": {"name": "Task"},
        "summary": summary,
        "description": text(summary),
        "labels": ["dtg-1"],
    }
    return {"fields": {**base, **fields}, "properties": [{"key": PROPERTY, "value": {"ticket": summary}}]}


@pytest.fixture
async def client(jira_sandbox: JiraSandbox) -> AsyncIterator[JiraClient]:
    async with JiraClient(jira_sandbox.url, jira_sandbox.email, jira_sandbox.token) as client:
        yield client


async def create(client: JiraClient, *summaries: str) -> list[str]:
    made = await client.create_issues([issue(summary) for summary in summaries], within=30)
    return [created.key for created in made.issues]


async def test_issues_are_created_in_one_request_and_say_which_ticket_they_are(
    client: JiraClient, jira_sandbox: JiraSandbox
) -> None:
    keys = await create(client, *(f"t{number}" for number in range(50)))
    found = await client.fetch(reversed(keys), properties=[PROPERTY])
    assert {one.key: one.properties[PROPERTY]["ticket"] for one in found} == {
        key: f"t{number}" for number, key in enumerate(keys)
    }
    assert len(jira_sandbox.journal("POST", "/issue/bulk")) == 2  # with bulkfetch


async def test_more_than_a_hundred_issues_are_read_in_pages(client: JiraClient) -> None:
    keys = [key for part in range(3) for key in await create(client, *(f"{part}-{n}" for n in range(45)))]
    assert {one.key for one in await client.fetch(keys)} == set(keys)
    assert {one.key for one in await client.search_label("dtg-1")} == set(keys)


async def test_a_refused_element_does_not_keep_the_others_from_being_created(client: JiraClient) -> None:
    wrong = issue("wrong", assignee={"accountId": "nobody-of-that-name"})
    made = await client.create_issues([issue("one"), wrong, issue("two")], within=30)
    assert len(made.issues) == 2
    assert made.errors[0].failed_element_number == 1
    assert set(made.errors[0].element_errors.errors) == {"assignee"}


async def test_what_does_not_exist_is_left_out(client: JiraClient) -> None:
    (key,) = await create(client, "one")
    assert [found.key for found in await client.fetch([key, "LAKE-999"])] == [key]


async def test_an_update_changes_text_and_property_together(client: JiraClient) -> None:
    (key,) = await create(client, "one")
    properties = [{"key": PROPERTY, "value": {"ticket": "one", "hash": "new"}}]
    await client.update_issue(key, {"fields": {"summary": "changed"}, "properties": properties})
    (found,) = await client.fetch([key], properties=[PROPERTY])
    assert found.fields["summary"] == "changed"
    assert found.properties[PROPERTY]["hash"] == "new"


async def test_a_file_goes_up_byte_by_byte_under_its_name(client: JiraClient) -> None:
    (key,) = await create(client, "one")
    content = "# Größen\n| a | b |\n".encode()
    uploaded = await client.add_attachment(key, "reference – table.md", content, within=30)
    (found,) = (await client.attachments([key]))[key]
    assert (found.id, found.filename, found.size) == (uploaded.id, "reference – table.md", len(content))
    await client.delete_attachment(found.id)
    await client.delete_attachment(found.id)
    assert (await client.attachments([key]))[key] == ()


async def test_a_link_reads_the_way_it_is_meant_and_a_repetition_adds_none(
    client: JiraClient, jira_sandbox: JiraSandbox
) -> None:
    first, second = await create(client, "first", "second")
    for _ in range(2):
        await client.link("Blocks", first, second)
    links = [link for one in jira_sandbox.issues() if one["key"] == first for link in one["links"]]
    assert [(link["source"], link["target"]) for link in links] == [(first, second)]


async def test_link_types_are_known_by_name(client: JiraClient) -> None:
    assert {"Blocks", "Relates"} <= {kind.name for kind in await client.link_types()}


async def test_a_lost_answer_of_a_create_request_is_an_unknown_outcome(
    client: JiraClient, jira_sandbox: JiraSandbox
) -> None:
    jira_sandbox.fault("lost", method="POST", path="/issue/bulk$")
    with pytest.raises(UnknownOutcome):
        await create(client, "one")
    assert len(jira_sandbox.issues()) == 1


async def test_a_project_is_read_with_all_that_a_session_needs(client: JiraClient) -> None:
    context = await load_project_context(client, "LAKE")
    assert (context.key, context.name, context.site) == ("LAKE", "Lakeside College", client.site)
    assert context.can_create_tickets
    assert context.can_assign_tickets
    assert context.account_id
    assert context.sprints
    assert context.members
    assert "Task" in {kind.name for kind in context.issue_types}
    assert {"summary", "description", "labels"} <= {f.field_id for f in context.create_fields["Task"]}
    assert type(context).model_validate(context.model_dump(mode="json")) == context


async def test_a_project_that_does_not_exist_is_answered_with_those_that_do(client: JiraClient) -> None:
    with pytest.raises(UserFixable, match="no project NOPE") as caught:
        await load_project_context(client, "NOPE")
    assert "LAKE" in caught.value.actions[0]


async def test_an_issue_type_that_does_not_exist_is_answered_with_those_that_do(client: JiraClient) -> None:
    with pytest.raises(UserFixable, match="no issue type Feature") as caught:
        await load_project_context(client, "LAKE", "Feature")
    assert "Task" in caught.value.actions[0]


@pytest.mark.parametrize(
    ("login", "expected"),
    [
        (VIEWER, "may not create issues"),
        (("sandbox@example.com", "wrong-token"), "did not accept the login"),
        (("stranger@example.com", "any-token"), "did not accept the login"),
    ],
)
async def test_an_account_that_may_not_create_issues_needs_an_administrator(
    jira_sandbox: JiraSandbox, login: tuple[str, str], expected: str
) -> None:
    async with JiraClient(jira_sandbox.url, *login) as client:
        with pytest.raises(AdminRequired, match=expected) as caught:
            await load_project_context(client, "LAKE")
    assert caught.value.actions


async def test_an_account_that_sees_nothing_is_told_that_there_is_no_such_project(
    jira_sandbox: JiraSandbox,
) -> None:
    async with JiraClient(jira_sandbox.url, *NOBODY) as client:
        with pytest.raises(UserFixable, match="no project LAKE"):
            await load_project_context(client, "LAKE")


async def test_an_account_may_create_and_not_assign(jira_sandbox: JiraSandbox) -> None:
    async with JiraClient(jira_sandbox.url, *CREATOR) as client:
        context = await load_project_context(client, "LAKE")
    assert context.can_create_tickets
    assert not context.can_assign_tickets


async def test_jira_away_is_temporary() -> None:
    async with JiraClient(f"http://127.0.0.1:{free_port()}", "a@example.com", "t") as client:
        with pytest.raises(Temporary, match="does not answer"):
            await load_project_context(client, "LAKE")


async def test_refusals_and_absence_are_errors_of_their_own(client: JiraClient) -> None:
    with pytest.raises(JiraNotFound):
        await client.update_issue("LAKE-999", {"fields": {"summary": "x"}})
    (key,) = await create(client, "one")
    with pytest.raises(JiraRefused) as caught:
        await client.update_issue(key, {"fields": {"summary": "x" * 300}})
    assert set(caught.value.reasons.errors) == {"summary"}


@pytest.mark.parametrize("repeated", ["token", "header"])
async def test_a_jira_that_repeats_the_login_gives_nothing_away(
    jira_sandbox: JiraSandbox, repeated: str
) -> None:
    header = base64.b64encode(f"{jira_sandbox.email}:{jira_sandbox.token}".encode()).decode()
    said = {"token": jira_sandbox.token, "header": f"Authorization: Basic {header}"}[repeated]
    jira_sandbox.fault("status", path="myself", status=401, message=f"{said} is not allowed")
    async with JiraClient(jira_sandbox.url, jira_sandbox.email, jira_sandbox.token) as client:
        with pytest.raises(AdminRequired, match=r"\*\*\* is not allowed") as refused:
            await client.myself()
    shown = f"{refused.value} {refused.value.details}"
    assert jira_sandbox.token not in shown
    assert header not in shown
