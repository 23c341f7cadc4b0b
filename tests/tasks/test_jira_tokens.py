"""Tokens of Jira logins: encrypted, rotated, stored before they are used, refreshed by one process at a time."""

import asyncio
import sys

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from blocks.jira_errors import NotSent
from blocks.jira_oauth import ConsentEnded
from db.engine import session_scope
from db.models import AuditLogEntry
from tasks.core.errors import AdminRequired
from tasks.jira_tokens import StoredLogin
from tasks.jira_vault import Vault
from tests.jira_sandbox import JiraSandbox
from tests.tasks.consenting import KEY, consent, log_in, login_of


@pytest.fixture
async def login(engine: AsyncEngine, jira_sandbox: JiraSandbox) -> StoredLogin:
    """Somebody is logged in."""
    return await log_in(engine, jira_sandbox)


async def refresh_elsewhere(
    database_url: str, login: StoredLogin, refused: str, dies: str = ""
) -> tuple[int, str, str]:
    """Ask for another token in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.tasks.consenting", database_url, login.site, login.account_id, refused, dies,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def secret(login: StoredLogin) -> str:
    return (await login.access_token()).secret.get_secret_value()


async def test_a_token_is_used_as_long_as_it_lasts(login: StoredLogin) -> None:
    assert await secret(login) == await secret(login)


async def test_a_refused_token_is_replaced_and_the_old_refresh_token_with_it(
    login: StoredLogin, jira_sandbox: JiraSandbox
) -> None:
    jira_sandbox.settings(refresh_leeway_seconds=0)  # an old one does not work a second time
    first = (await login.access_token()).secret
    second = (await login.access_token(first)).secret
    assert second != first
    assert (await login.access_token(second)).secret not in (first, second)


async def test_a_token_that_is_about_to_end_is_renewed_before_it_is_used(
    engine: AsyncEngine, jira_sandbox: JiraSandbox
) -> None:
    jira_sandbox.settings(access_token_seconds=30)
    login = await log_in(engine, jira_sandbox)
    jira_sandbox.settings(access_token_seconds=3600)
    first, second = await secret(login), await secret(login)
    assert first == second
    assert (await login.access_token()).fresh


async def test_nothing_that_is_stored_can_be_read(
    login: StoredLogin, engine: AsyncEngine, jira_sandbox: JiraSandbox
) -> None:
    access = await secret(login)
    async with session_scope(engine) as session:
        rows = (await session.execute(text("SELECT * FROM jira_auth_tokens"))).mappings().all()
        trail = [str(entry.event_data) for entry in await session.scalars(select(AuditLogEntry))]
    assert access not in str([*rows, *trail])
    assert Fernet(KEY).decrypt(rows[0]["access_token"]).decode() == access


@pytest.mark.parametrize(("key", "says"), [("", "is not set"), ("short", "is no Fernet key")])
def test_without_a_key_an_administrator_is_needed(key: str, says: str) -> None:
    with pytest.raises(AdminRequired, match=says) as raised:
        Vault(key)
    assert raised.value.actions


async def test_another_key_is_said_and_not_shown(
    login: StoredLogin, engine: AsyncEngine, jira_sandbox: JiraSandbox
) -> None:
    other = Fernet.generate_key().decode()
    with pytest.raises(AdminRequired, match="another key") as raised:
        await login_of(engine, jira_sandbox.url, login.account_id, other).access_token()
    assert other not in str(raised.value.actions)


async def test_processes_that_refresh_at_once_get_one_new_token(
    login: StoredLogin, jira_sandbox: JiraSandbox, database_url: str
) -> None:
    jira_sandbox.settings(refresh_leeway_seconds=0)  # a second refresh with the same token would be refused
    old = await secret(login)
    ends = await asyncio.gather(*(refresh_elsewhere(database_url, login, old) for _ in range(2)))
    assert [code for code, _, _ in ends] == [0, 0], ends
    assert len({token for _, token, _ in ends} - {old}) == 1


async def test_a_process_that_dies_with_the_new_pair_loses_nothing_within_the_leeway(
    login: StoredLogin, jira_sandbox: JiraSandbox, database_url: str
) -> None:
    old = await secret(login)
    code, _, _ = await refresh_elsewhere(database_url, login, old, dies="yes")
    assert code == 9
    assert (await login.access_token((await login.access_token()).secret)).secret.get_secret_value() != old
    code, _, _ = await refresh_elsewhere(database_url, login, await secret(login), dies="yes")
    jira_sandbox.settings(refresh_leeway_seconds=0)
    with pytest.raises(ConsentEnded) as raised:
        await login.access_token((await login.access_token()).secret)
    assert raised.value.actions == ("Log in again: drupal-tickets jira login --jira-site acme",)


async def test_a_consent_that_was_withdrawn_says_what_to_do(
    login: StoredLogin, jira_sandbox: JiraSandbox
) -> None:
    old = (await login.access_token()).secret
    jira_sandbox.call("DELETE", "/tokens")
    with pytest.raises(ConsentEnded, match="consent has ended") as raised:
        await login.access_token(old)
    assert "jira login" in raised.value.actions[0]


async def test_who_logged_out_is_logged_out_at_atlassian_too(
    login: StoredLogin, engine: AsyncEngine, jira_sandbox: JiraSandbox
) -> None:
    access = (await login.access_token()).secret
    assert await login.forget()
    assert not await login.forget()
    with pytest.raises(ConsentEnded, match="Nobody is logged in"):
        await login.access_token()
    with pytest.raises(AdminRequired):
        await login.app.sites(access)


async def test_an_authorization_server_that_is_away_is_an_outage(
    engine: AsyncEngine, own_jira_sandbox: JiraSandbox
) -> None:
    login = await log_in(engine, own_jira_sandbox)
    old = (await login.access_token()).secret
    own_jira_sandbox.stop()
    with pytest.raises(NotSent, match="does not give out access tokens"):
        await login.access_token(old)


async def test_secrets_do_not_show_in_errors_nor_in_what_is_printed(
    login: StoredLogin, jira_sandbox: JiraSandbox
) -> None:
    tokens = await consent(jira_sandbox)
    shown = f"{tokens!r} {login!r} {await login.access_token()!r}"
    for hidden in (tokens.access_token, tokens.refresh_token, (await login.access_token()).secret):
        assert hidden.get_secret_value() not in shown
    assert "sandbox-secret" not in shown


async def test_a_consent_to_less_than_an_export_needs_is_refused_at_once(
    engine: AsyncEngine, jira_sandbox: JiraSandbox
) -> None:
    tokens = await consent(jira_sandbox, scope="read:jira-work read:jira-user offline_access")
    with pytest.raises(AdminRequired, match="write:jira-work"):
        await login_of(engine, jira_sandbox.url, "account").keep(tokens, 0)
