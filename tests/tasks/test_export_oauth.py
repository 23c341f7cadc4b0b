"""An export by OAuth: tokens end while it runs, consents end, and nothing is doubled or sent by somebody else."""

import asyncio
import time
from dataclasses import dataclass

import pytest
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from blocks.jira import JiraCredentials
from blocks.jira_client import JiraClient
from blocks.jira_oauth import ConsentEnded
from blocks.jira_oauth_login import AccessToken, OAuthLogin
from blocks.jira_project import load_project_context
from db.errors import Refused
from tasks.core.errors import AdminRequired
from tasks.core.settings import JiraSettings
from tasks.jira import require_account, require_login, require_same_jira
from tests.jira_sandbox import EMAIL, VIEWER, JiraSandbox
from tests.tasks.consenting import app_at, bearer, consent, log_in
from tests.tasks.exporting import QUICK, Export, make_export, tickets, until_asked


@dataclass
class OAuthExport(Export):
    """An export whose login is a person's consent."""

    bearer: OAuthLogin | None = None

    def client(self, settings: JiraSettings) -> JiraClient:
        return JiraClient(self.sandbox.url, "", "", in_flight=settings.in_flight, login=self.bearer)


async def oauth_export(engine: AsyncEngine, sandbox: JiraSandbox, count: int = 5) -> OAuthExport:
    made = await make_export(engine, sandbox, tickets(count, chained=True, files=2))
    login = await bearer(await log_in(engine, sandbox), sandbox)
    return OAuthExport(engine, sandbox, made.session_id, made.ids, bearer=login)


async def test_an_export_by_oauth_goes_through_the_gateway_and_ends_exactly_once(
    engine: AsyncEngine, jira_sandbox: JiraSandbox
) -> None:
    export = await oauth_export(engine, jira_sandbox)
    await export.run()
    await export.assert_exactly_once()
    addresses = {ticket.jira_ticket_url for ticket in await export.tickets()}
    assert all(address and address.startswith(f"{jira_sandbox.url}/browse/") for address in addresses)


async def test_sprints_and_people_are_read_by_oauth(engine: AsyncEngine, jira_sandbox: JiraSandbox) -> None:
    login = await bearer(await log_in(engine, jira_sandbox), jira_sandbox)
    async with JiraClient(jira_sandbox.url, "", "", login=login) as client:
        project = await load_project_context(client, "LAKE")
    assert project.sprints
    assert project.members
    assert project.site == jira_sandbox.url


@pytest.mark.parametrize(
    "before",
    [
        "/issue/bulk",
        *(pytest.param(p, marks=pytest.mark.long) for p in ("/bulkfetch", "/attachments", "/issueLink")),
    ],
)
async def test_access_tokens_may_end_at_any_step(
    engine: AsyncEngine, jira_sandbox: JiraSandbox, before: str
) -> None:
    export = await oauth_export(engine, jira_sandbox)
    jira_sandbox.settings(latency=0.03)
    running = asyncio.create_task(export.run())
    await until_asked(jira_sandbox, "POST", before)
    jira_sandbox.call("DELETE", "/tokens?kind=access")
    await running
    await export.assert_exactly_once()


async def test_tokens_that_end_all_the_time_hold_nothing_up(
    engine: AsyncEngine, jira_sandbox: JiraSandbox
) -> None:
    jira_sandbox.settings(access_token_seconds=61)  # every token is a second from being renewed
    export = await oauth_export(engine, jira_sandbox, count=30)
    jira_sandbox.settings(latency=0.05)
    await export.run()
    await export.assert_exactly_once()


async def test_a_consent_that_ends_stops_the_export_which_goes_on_after_the_next_login(
    engine: AsyncEngine, jira_sandbox: JiraSandbox
) -> None:
    export = await oauth_export(engine, jira_sandbox, count=60)
    jira_sandbox.settings(latency=0.03)
    running = asyncio.create_task(export.run())
    await until_asked(jira_sandbox, "POST", "/issue/bulk")
    jira_sandbox.call("DELETE", "/tokens")
    with pytest.raises(ConsentEnded) as raised:
        await running
    assert raised.value.actions == ("Log in again: drupal-tickets jira login --jira-site acme",)
    export.bearer = await bearer(await log_in(engine, jira_sandbox), jira_sandbox)
    await export.run()
    await export.assert_exactly_once()


async def test_a_scope_that_is_missing_is_no_reason_to_ask_for_another_token(
    jira_sandbox: JiraSandbox,
) -> None:
    tokens = await consent(jira_sandbox, scope="read:jira-work offline_access")
    asked: list[SecretStr | None] = []

    async def source(refused: SecretStr | None) -> AccessToken:
        asked.append(refused)
        return AccessToken(tokens.access_token, time.time() + 3600)

    (site,) = await app_at(jira_sandbox.url).sites(tokens.access_token)
    login = OAuthLogin(app_at(jira_sandbox.url).gateway(site.id), "Sandbox", source)
    async with JiraClient(jira_sandbox.url, "", "", login=login) as client:
        await client.project("LAKE")
        with pytest.raises(AdminRequired, match="scope does not match"):
            await client.myself()
    assert asked == [None]


async def test_a_session_stays_with_its_account(engine: AsyncEngine, jira_sandbox: JiraSandbox) -> None:
    export = await oauth_export(engine, jira_sandbox)
    await export.run()
    record = await export.record()
    other = JiraCredentials(url=jira_sandbox.url, account_id="somebody-else", account_name="Somebody Else")
    with pytest.raises(AdminRequired, match="Somebody Else is logged in") as raised:
        require_same_jira(record, other)
    assert raised.value.code == "jira-account-changed"
    elsewhere = JiraCredentials(url="https://other.atlassian.net", account_id=str(record.jira_user_id))
    with pytest.raises(AdminRequired, match="leads to https://other"):
        require_same_jira(record, elsewhere)
    require_same_jira(record, JiraCredentials(url=jira_sandbox.url, account_id=str(record.jira_user_id)))
    async with JiraClient(jira_sandbox.url, *VIEWER) as client:
        with pytest.raises(AdminRequired, match="The session belongs to Sandbox"):
            await require_account(client, record)
    async with export.client(QUICK) as client:
        await require_account(client, record)


async def test_the_second_login_of_an_export_is_refused_when_it_is_somebody_else(
    engine: AsyncEngine, jira_sandbox: JiraSandbox
) -> None:
    export = await oauth_export(engine, jira_sandbox, count=60)
    jira_sandbox.settings(latency=0.03)
    running = asyncio.create_task(export.run())
    await until_asked(jira_sandbox, "POST", "/issue/bulk")
    jira_sandbox.call("DELETE", "/tokens")
    with pytest.raises(ConsentEnded):
        await running
    made = len(export.issues())
    export.bearer = await bearer(await log_in(engine, jira_sandbox, VIEWER[0]), jira_sandbox)
    with pytest.raises((Refused, AdminRequired)):
        await export.run()
    assert len(export.issues()) == made


def test_a_site_without_a_login_says_how_to_get_one() -> None:
    with pytest.raises(AdminRequired, match="Nobody is logged in") as raised:
        require_login(JiraCredentials(url="https://acme.atlassian.net"), "acme")
    assert "drupal-tickets jira login --jira-site acme" in raised.value.actions[0]
    require_login(JiraCredentials.model_validate({"url": "x", "email": EMAIL, "api_token": "t"}), "acme")
