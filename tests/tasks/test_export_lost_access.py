"""Export when access is lost in the middle: it stops at once, says who can fix it, and goes on later."""

import asyncio
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tasks.core.errors import AdminRequired
from tests.jira_sandbox import JiraSandbox
from tests.tasks.exporting import Export, make_export, tickets, until_asked

CREATE = {"method": "POST", "path": "/issue/bulk$"}
LINK = {"method": "POST", "path": "/issueLink$"}
UPLOAD = {"method": "POST", "path": "/attachments$"}
LOST: list[tuple[dict[str, Any], str]] = [
    ({"hidden_projects": ["LAKE"]}, "LAKE is gone"),
    ({"revoked_permissions": ["CREATE_ISSUES"]}, "CREATE_ISSUES"),
    ({"revoked_logins": ["sandbox@example.com"]}, "did not accept the login"),
    ({"revoked_logins": ["sandbox@example.com"], "refuse_anonymous": False}, "LAKE is gone"),
]


async def meanwhile(export: Export, sandbox: JiraSandbox, path: str, **site: Any) -> BaseException | None:
    """Change the site while the first request to a path is being answered; how the export ended."""
    running = asyncio.create_task(export.run())
    await until_asked(sandbox, "POST", path)
    sandbox.settings(**site)
    (outcome,) = await asyncio.gather(running, return_exceptions=True)
    return outcome if isinstance(outcome, BaseException) else None


async def goes_on_once_it_is_back(export: Export, sandbox: JiraSandbox) -> None:
    back = {"hidden_projects": [], "revoked_permissions": [], "revoked_logins": [], "refuse_anonymous": True}
    sandbox.settings(**back)
    await export.run()
    await export.assert_exactly_once()
    assert await export.fixes() == {}


@pytest.mark.parametrize(("site", "says"), LOST, ids=lambda value: str(value)[:60])
async def test_between_two_create_requests(
    engine: AsyncEngine, jira_sandbox: JiraSandbox, site: dict[str, Any], says: str
) -> None:
    export = await make_export(engine, jira_sandbox, tickets(110))
    jira_sandbox.fault("slow_answer", **CREATE, seconds=0.3, times=1)
    outcome = await meanwhile(export, jira_sandbox, "/issue/bulk", **site)
    assert isinstance(outcome, AdminRequired)
    assert says in outcome.message
    assert outcome.actions
    assert [error for error in await export.errors() if error.error_code == "ticket-refused"] == []
    await goes_on_once_it_is_back(export, jira_sandbox)


@pytest.mark.parametrize(("site", "says"), LOST[:1] + LOST[2:], ids=lambda value: str(value)[:60])
async def test_while_nobody_knows_what_became_of_a_request(
    engine: AsyncEngine, jira_sandbox: JiraSandbox, site: dict[str, Any], says: str
) -> None:
    export = await make_export(engine, jira_sandbox, tickets(4))
    jira_sandbox.fault("lost", **CREATE, times=1)
    outcome = await meanwhile(export, jira_sandbox, "/issue/bulk", **site)
    assert isinstance(outcome, AdminRequired)
    assert says in outcome.message
    assert len(export.issues()) == 4
    await goes_on_once_it_is_back(export, jira_sandbox)


async def test_an_account_that_sees_no_issues_does_not_take_them_for_absent(
    engine: AsyncEngine, jira_sandbox: JiraSandbox
) -> None:
    export = await make_export(engine, jira_sandbox, tickets(4))
    jira_sandbox.fault("lost", **CREATE, times=1)
    outcome = await meanwhile(export, jira_sandbox, "/bulk", revoked_permissions=["BROWSE_PROJECTS"])
    assert isinstance(outcome, AdminRequired)
    await goes_on_once_it_is_back(export, jira_sandbox)


@pytest.mark.parametrize("site", [{"revoked_permissions": ["LINK_ISSUES"]}, {"hidden_projects": ["LAKE"]}])
async def test_between_two_links(
    engine: AsyncEngine, jira_sandbox: JiraSandbox, site: dict[str, Any]
) -> None:
    export = await make_export(engine, jira_sandbox, tickets(20, chained=True))
    jira_sandbox.fault("slow_answer", **LINK, seconds=0.3)
    outcome = await meanwhile(export, jira_sandbox, "/issueLink", **site)
    assert isinstance(outcome, AdminRequired)
    jira_sandbox.clear_faults()
    await goes_on_once_it_is_back(export, jira_sandbox)


@pytest.mark.parametrize(
    "site", [{"revoked_permissions": ["CREATE_ATTACHMENTS"]}, {"hidden_projects": ["LAKE"]}]
)
async def test_before_a_file(engine: AsyncEngine, jira_sandbox: JiraSandbox, site: dict[str, Any]) -> None:
    export = await make_export(engine, jira_sandbox, tickets(2, files=1))
    jira_sandbox.fault("slow", **UPLOAD, seconds=0.5, times=1)
    outcome = await meanwhile(export, jira_sandbox, "/attachments", **site)
    assert isinstance(outcome, AdminRequired)
    await goes_on_once_it_is_back(export, jira_sandbox)


# A bulk request in which single elements fail


async def test_an_element_at_which_jira_failed_is_looked_for_before_it_is_sent_again(
    engine: AsyncEngine, jira_sandbox: JiraSandbox
) -> None:
    export = await make_export(engine, jira_sandbox, tickets(5))
    jira_sandbox.fault("partial", **CREATE, elements=[1, 3], status=500, times=1)
    await export.run()
    await export.assert_exactly_once()
    creates = [call["seq"] for call in jira_sandbox.journal("POST") if call["path"].endswith("/issue/bulk")]
    searches = [call["seq"] for call in jira_sandbox.journal("POST", "/search/jql")]
    assert sum(creates[0] < search < creates[1] for search in searches) == 2


async def test_an_element_that_came_too_fast_is_sent_again_after_a_pause(
    engine: AsyncEngine, jira_sandbox: JiraSandbox
) -> None:
    export = await make_export(engine, jira_sandbox, tickets(5))
    jira_sandbox.fault("partial", **CREATE, elements=[1, 3], status=429, times=1)
    await export.run()
    await export.assert_exactly_once()
    assert jira_sandbox.journal("POST", "/search/jql") == []
