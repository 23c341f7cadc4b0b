"""Export: every ticket in Jira exactly once, with its file and its links, and nothing that was not validated."""

import asyncio
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from blocks.jira_client import JiraClient
from db.engine import session_scope
from db.enums import SessionStage, SessionStatus
from db.errors import CancelRequested, InJira, NotValidated, Refused, StaleAttempt
from db.fence import Fence
from db.repositories.exports import ExportRepository
from tasks import export_steps as steps
from tasks.core.errors import AdminRequired, ProductError, UserFixable, ValidationRequired
from tasks.core.settings import JiraSettings
from tasks.core.tickets.description import describe, text_length
from tasks.core.tickets.hashing import content_hash
from tasks.core.tickets.offline import write
from tasks.export_preview import preview
from tests.builders.database import validate
from tests.builders.tickets import article_with
from tests.jira_sandbox import CREATOR, JiraSandbox
from tests.tasks.exporting import QUICK, Export, make_export, run_steps, ticket, tickets, until_asked


@pytest.fixture
async def export(engine: AsyncEngine, jira_sandbox: JiraSandbox) -> Export:
    """Five tickets, each waiting for the one before, one with a file."""
    return await make_export(engine, jira_sandbox, tickets(5, chained=True, files=1))


def writes(sandbox: JiraSandbox) -> list[str]:
    """Everything that changed something in Jira."""
    reads = ("/bulkfetch", "/search/jql")
    calls = [entry for entry in sandbox.journal() if entry["method"] != "GET"]
    return [f"{call['method']} {call['path']}" for call in calls if not call["path"].endswith(reads)]


async def test_every_ticket_is_in_jira_once_with_its_text_its_file_and_its_links(
    engine: AsyncEngine, jira_sandbox: JiraSandbox
) -> None:
    export = await make_export(engine, jira_sandbox, tickets(120, chained=True, files=3))
    await export.run()
    await export.assert_exactly_once()
    record = await export.record()
    assert (record.current_stage, record.status) == (SessionStage.COMPLETED, SessionStatus.COMPLETED)


async def test_keys_follow_the_order_of_work(engine: AsyncEngine, jira_sandbox: JiraSandbox) -> None:
    made = [
        ticket("page", 0, depends_on=["media"]),
        ticket("view", 1, depends_on=["page"]),
        ticket("media", 2),
    ]
    export = await make_export(engine, jira_sandbox, made)
    await export.run()
    assert list(export.issues_by_ticket()) == ["media", "page", "view"]


async def test_what_is_built_first_blocks_what_waits_for_it(
    engine: AsyncEngine, jira_sandbox: JiraSandbox
) -> None:
    export = await make_export(engine, jira_sandbox, [ticket("a"), ticket("b", 1, depends_on=["a"])])
    await export.run()
    keys = {key: issues[0] for key, issues in export.issues_by_ticket().items()}
    async with JiraClient(jira_sandbox.url, jira_sandbox.email, jira_sandbox.token) as client:
        (waiting,) = await client.fetch([keys["b"]], fields=["issuelinks"])
    (link,) = waiting.fields["issuelinks"]
    assert link["type"]["inward"] == "is blocked by"
    assert link["inwardIssue"]["key"] == keys["a"]


async def test_a_second_run_writes_nothing(export: Export, jira_sandbox: JiraSandbox) -> None:
    await export.run()
    before = len(writes(jira_sandbox))
    await export.run()
    assert len(writes(jira_sandbox)) == before
    await export.assert_exactly_once()


async def test_the_export_record_says_which_row_is_in_which_issue(
    export: Export, engine: AsyncEngine, jira_sandbox: JiraSandbox
) -> None:
    await export.run()
    async with session_scope(engine) as session:
        records = await ExportRepository(session).find(jira_sandbox.url, "LAKE")
    assert {one.row_identity: one.jira_ticket_key for one in records} == {
        f"bundles:content type:{key}": issues[0] for key, issues in export.issues_by_ticket().items()
    }


# Nothing is sent that may not be


async def test_a_ticket_that_changed_since_its_validation_is_not_sent(
    export: Export, jira_sandbox: JiraSandbox
) -> None:
    await export.edit("t3", "New")
    with pytest.raises(NotValidated, match="New"):
        await export.run()
    assert writes(jira_sandbox) == []


async def test_a_ticket_in_jira_refuses_edits_and_names_its_issue(export: Export) -> None:
    await export.run()
    with pytest.raises(InJira, match="LAKE-"):
        await export.edit("t3", "New")


async def test_cancel_takes_effect_before_the_first_write(export: Export, jira_sandbox: JiraSandbox) -> None:
    await export.cancel()
    with pytest.raises(CancelRequested):
        await export.run()
    assert writes(jira_sandbox) == []


async def test_cancel_takes_effect_before_the_next_request(
    engine: AsyncEngine, jira_sandbox: JiraSandbox
) -> None:
    export = await make_export(engine, jira_sandbox, tickets(120))
    jira_sandbox.fault("slow_answer", method="POST", path="/issue/bulk$", seconds=0.3, times=1)
    running = asyncio.create_task(export.run())
    await until_asked(jira_sandbox, "POST", "/issue/bulk")
    await export.cancel()
    with pytest.raises(CancelRequested):
        await running
    assert len(export.issues()) == 50
    assert sum(t.jira_ticket_key is not None for t in await export.tickets()) == 50


async def test_a_run_that_another_attempt_has_replaced_sends_nothing(
    export: Export, jira_sandbox: JiraSandbox
) -> None:
    old = await export.claim("run-1")
    await export.claim("run-1")
    async with export.desk(old) as desk:
        with pytest.raises(StaleAttempt):
            await run_steps(desk)
    assert writes(jira_sandbox) == []


@pytest.mark.parametrize(
    ("site", "expected", "says"),
    [
        ({"missing_fields": ["labels"]}, AdminRequired, "labels"),
        ({"missing_fields": ["description"]}, AdminRequired, "description"),
        ({"revoked_permissions": ["CREATE_ISSUES"]}, AdminRequired, "create issues"),
        ({"revoked_permissions": ["LINK_ISSUES"]}, AdminRequired, "LINK_ISSUES"),
        ({"revoked_permissions": ["CREATE_ATTACHMENTS"]}, AdminRequired, "CREATE_ATTACHMENTS"),
        ({"revoked_logins": ["sandbox@example.com"]}, AdminRequired, "did not accept the login"),
        ({"hidden_projects": ["LAKE"]}, UserFixable, "no project LAKE"),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_what_would_fail_in_the_middle_is_refused_before_the_start(
    export: Export, jira_sandbox: JiraSandbox, site: dict[str, Any], expected: type[ProductError], says: str
) -> None:
    jira_sandbox.settings(**site)
    with pytest.raises(expected, match=says) as caught:
        await export.run()
    assert caught.value.actions
    assert writes(jira_sandbox) == []


@pytest.mark.parametrize(
    ("jira", "says"),
    [
        (QUICK.model_copy(update={"issue_type": "Feature"}), "no issue type Feature"),
        (QUICK.model_copy(update={"parent_key": "LAKE-77"}), "LAKE-77"),
    ],
)
async def test_settings_that_jira_does_not_know_are_refused_before_the_start(
    engine: AsyncEngine, jira_sandbox: JiraSandbox, jira: JiraSettings, says: str
) -> None:
    export = await make_export(engine, jira_sandbox, tickets(2), jira)
    with pytest.raises(UserFixable, match=says):
        await export.run()
    assert writes(jira_sandbox) == []


async def test_a_session_stays_with_its_account(export: Export, jira_sandbox: JiraSandbox) -> None:
    await export.run()
    export.login = CREATOR
    with pytest.raises(Refused, match="belongs to"):
        await export.run()


# What Jira does not take


async def test_one_refused_ticket_holds_up_no_other_and_is_sent_by_the_next_run(
    export: Export, jira_sandbox: JiraSandbox
) -> None:
    jira_sandbox.fault("partial", method="POST", path="/issue/bulk$", elements=[2], times=1)
    with pytest.raises(UserFixable, match="1 of 5"):
        await export.run()
    assert len(export.issues()) == 4
    (error,) = [error for error in await export.errors() if error.error_code == "ticket-refused"]
    assert error.related_ticket_id == export.ids["t2"]
    await export.run()
    await export.assert_exactly_once()


async def test_what_is_not_content_is_left_out_and_named(
    engine: AsyncEngine, jira_sandbox: JiraSandbox
) -> None:
    made = [
        ticket("plain"),
        ticket(
            "wishes", 1, assignee="Nobody Atall", sprint="Sprint 99", priority="Burning", components=["X"]
        ),
    ]
    export = await make_export(engine, jira_sandbox, made)
    await export.run()
    await export.assert_exactly_once()
    assert await export.fixes() == {"wishes": ["priority", "components", "assignee", "sprint"]}


async def test_a_field_that_jira_refuses_only_then_is_left_out_in_a_second_request(
    engine: AsyncEngine, jira_sandbox: JiraSandbox
) -> None:
    made = [ticket("one"), ticket("two", 1, priority="High"), ticket("three", 2)]
    export = await make_export(engine, jira_sandbox, made)
    jira_sandbox.fault("partial", method="POST", path="/issue/bulk$", elements=[1], field="priority", times=1)
    await export.run()
    await export.assert_exactly_once()
    assert await export.fixes() == {"two": ["priority"]}
    assert len(jira_sandbox.journal("POST", "/issue/bulk")) == 4  # each with the read of its proof


async def test_a_request_refused_as_a_whole_is_halved_until_the_cause_is_alone(
    engine: AsyncEngine, jira_sandbox: JiraSandbox
) -> None:
    export = await make_export(engine, jira_sandbox, tickets(8))
    jira_sandbox.fault("status", method="POST", path="/issue/bulk$", status=413, times=1)
    await export.run()
    await export.assert_exactly_once()


async def test_a_login_that_is_revoked_in_the_middle_stops_the_run_and_loses_nothing(
    engine: AsyncEngine, jira_sandbox: JiraSandbox
) -> None:
    export = await make_export(engine, jira_sandbox, tickets(60))
    jira_sandbox.fault("status", method="POST", path="/issue/bulk$", status=401, skip=1, times=1)
    with pytest.raises(AdminRequired, match="login"):
        await export.run()
    assert len(export.issues()) == 50
    await export.run()
    await export.assert_exactly_once()


async def test_a_description_that_jira_finds_too_long_goes_into_its_file_and_is_validated_again(
    engine: AsyncEngine, jira_sandbox: JiraSandbox
) -> None:
    plan = article_with(12)
    prose = write(plan)
    described = describe(plan, prose)
    assert described.attachment is None
    long = ticket(
        plan.key,
        title=prose.title,
        story=prose.story,
        criteria=list(prose.criteria),
        plan=plan.model_dump(mode="json"),
        description=described.adf,
        content_hash=content_hash(prose.title, described.adf, None),
    )
    export = await make_export(engine, jira_sandbox, [long, ticket("short", 1)])
    jira_sandbox.settings(description_limit=text_length(described.adf) - 1)
    with pytest.raises(ValidationRequired, match="1 descriptions too long"):
        await export.run()
    assert list(export.issues_by_ticket()) == ["short"]
    await validate(engine, export.session_id)
    await export.run()
    await export.assert_exactly_once()
    (file,) = [t.attachment for t in await export.tickets() if t.attachment]
    assert all(f"Field number {n}" in file.content for n in range(12))


async def test_the_payload_can_be_seen_before_and_is_exactly_what_is_sent_then(
    export: Export, jira_sandbox: JiraSandbox
) -> None:
    async with export.desk(Fence("dry-run", 0)) as desk:
        target = await steps.prepare(desk)
        previewed = await preview(desk, target)
    assert writes(jira_sandbox) == []
    assert [issue.title for issue in previewed] == [f"Create t{n}" for n in range(5)]
    assert previewed[0].attachment == "t0.md"
    assert previewed[1].blocked_by == [previewed[0].ticket_id]
    assert all(issue.validated for issue in previewed)
    await export.run()
    (sent,) = [call for call in jira_sandbox.journal("POST", "/issue/bulk") if call["path"].endswith("bulk")]
    assert sent["request_body"]["issueUpdates"] == [issue.request for issue in previewed]
