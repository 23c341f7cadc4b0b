"""Going back with issues in Jira, on a real stack: impact first, nothing that is not ours is deleted."""

import json
from collections.abc import Iterator

import httpx
import pytest
from sqlalchemy import text

from db.repositories.audit import AuditRepository
from tasks.core.tickets.payload import PROPERTY
from tests.end_to_end import jira_of, repositories
from tests.reviewed_session import ReviewedSession, begin
from tests.stack import RunningStack

pytestmark = [pytest.mark.stack, pytest.mark.long]
BACK = ("session", "rollback", "--to", "processing")


@pytest.fixture(scope="module")
def exported(stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> ReviewedSession:
    """Two roles, delivered."""
    session = begin(stack, tmp_path_factory.mktemp("spec"), "Going Back")
    session.cli("session", "resume", "--yes")
    assert session.status() == ("completed", "completed")
    return session


@pytest.fixture
def jira(stack: RunningStack) -> Iterator[httpx.Client]:
    with jira_of(stack) as reader:
        yield reader.http


def keys(session: ReviewedSession) -> list[str]:
    return [ticket["jira_key"] for ticket in session.tickets()]


def there(jira: httpx.Client, issues: list[str]) -> list[bool]:
    return [jira.get(f"/rest/api/3/issue/{key}").is_success for key in issues]


def test_the_impact_is_shown_first_and_changes_nothing(exported: ReviewedSession, jira: httpx.Client) -> None:
    shown = json.loads(exported.cli(*BACK, "--json").stdout)
    assert shown == {"impact": {"tickets": 2, "attachments": 0, "edits": 0, "issues": 2}, "done": False}
    assert there(jira, keys(exported)) == [True, True]


def test_without_a_word_about_the_issues_it_is_refused(exported: ReviewedSession) -> None:
    assert "2 tickets of this session are in Jira" in exported.cli(*BACK, "--yes", exit_code=10).stderr


async def test_it_is_refused_while_nobody_knows_whether_a_ticket_is_there(
    exported: ReviewedSession, stack: RunningStack, jira: httpx.Client
) -> None:
    async def set_all(change: str) -> None:
        async with repositories(stack) as session:
            of_session = "WHERE session_id = :id"
            await session.execute(
                text(f"UPDATE send_intents SET {change} {of_session}"), {"id": exported.uuid}
            )

    await set_all("status = 'open', resolved_at = NULL")
    for issues in ("--delete-issues", "--keep-issues"):
        refused = exported.cli(*BACK, "--yes", issues, exit_code=10)
        assert "may be in Jira" in refused.stderr
    assert there(jira, keys(exported)) == [True, True]
    await set_all("status = 'created', resolved_at = opened_at")


def test_an_issue_that_is_not_ours_keeps_all_from_being_deleted(
    exported: ReviewedSession, jira: httpx.Client
) -> None:
    issues = keys(exported)
    address = f"/rest/api/3/issue/{issues[0]}/properties/{PROPERTY}"
    mark = jira.get(address).raise_for_status().json()["value"]
    jira.put(address, json={**mark, "session": "another"}).raise_for_status()
    refused = exported.cli(*BACK, "--yes", "--delete-issues", exit_code=10)
    assert issues[0] in refused.stderr
    assert issues[1] not in refused.stderr
    assert there(jira, issues) == [True, True]
    jira.put(address, json=mark).raise_for_status()


async def test_issues_proven_to_be_ours_are_deleted(
    exported: ReviewedSession, stack: RunningStack, jira: httpx.Client
) -> None:
    issues = keys(exported)
    exported.cli(*BACK, "--yes", "--delete-issues", "--requested-by", "Dana")
    assert there(jira, issues) == [False, False]
    assert exported.status() == ("processing", "active")
    async with repositories(stack) as session:
        trail = await AuditRepository(session).trail(exported.uuid)
    told = [entry for entry in trail if entry.event_type in ("issues.deletion_started", "issues.deleted")]
    assert [entry.event_type for entry in told] == ["issues.deletion_started", "issues.deleted"]
    assert {entry.claimed_actor for entry in told} == {"Dana"}
    assert [entry.event_data["issues"] for entry in told] == [sorted(issues)] * 2


async def test_kept_issues_stay_and_later_tickets_are_new(
    exported: ReviewedSession, stack: RunningStack, jira: httpx.Client
) -> None:
    exported.cli("session", "resume", "--yes")
    kept = keys(exported)
    exported.cli(*BACK, "--yes", "--keep-issues")
    exported.cli("session", "resume", "--yes")
    assert there(jira, kept) == [True, True]
    assert not set(keys(exported)) & set(kept)
    async with repositories(stack) as session:
        trail = await AuditRepository(session).trail(exported.uuid)
    [archived] = [entry for entry in trail if entry.event_type == "issues.archived"]
    assert archived.event_data["issues"] == sorted(kept)
