"""The session's own Jira: its block, its site and its account, and never another one."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncEngine

from blocks.database import database_engine
from blocks.jira import JiraCredentials
from blocks.jira_client import JiraClient
from blocks.jira_oauth import OAuthApp
from blocks.jira_oauth_login import OAuthLogin
from db.actor import Actor
from db.models import Session
from tasks.core.errors import AdminRequired
from tasks.core.settings import SessionSettings
from tasks.jira_pauses import share_pauses
from tasks.jira_tokens import StoredLogin, login_command
from tasks.jira_vault import ENCRYPTION_KEY, Vault


@asynccontextmanager
async def session_client(record: Session) -> AsyncIterator[JiraClient]:
    """A client for the session's Jira block.

    Raises AdminRequired when there is no such block, or when it leads to another site or account than the session's.
    """
    try:
        block: JiraCredentials = await JiraCredentials.aload(record.jira_block)
    except ValueError as error:
        raise AdminRequired(
            f"There is no Jira block named {record.jira_block!r}.",
            actions=(
                "Create it in the Prefect UI under Blocks, or start the session with another --jira-site.",
            ),
            code="jira-block-missing",
        ) from error
    settings = SessionSettings.model_validate(record.settings)
    actor = Actor(claimed=record.requested_by or "session")
    opened = await open_client(
        await database_engine(), block, record.jira_block, os.environ.get(ENCRYPTION_KEY), actor,
        in_flight=settings.jira.in_flight,
    )  # fmt: skip
    async with opened as client:
        require_same_jira(record, block)
        share_pauses(client, await database_engine())
        yield client


async def open_client(
    engine: AsyncEngine,
    block: JiraCredentials,
    block_name: str,
    key: str | None,
    actor: Actor,
    *,
    in_flight: int = 8,
) -> JiraClient:
    """A client that logs in as the block says: with its API token, or with the tokens of whoever logged in."""
    if not block.uses_oauth:
        require_login(block, block_name)
        return block.get_client(in_flight=in_flight)
    login = stored_login(engine, block, block_name, Vault(key), actor)
    gateway = login.app.gateway(block.cloud_id)
    return JiraClient(
        block.url,
        "",
        "",
        in_flight=in_flight,
        login=OAuthLogin(gateway, block.account_name, login.access_token),
    )


def stored_login(
    engine: AsyncEngine, block: JiraCredentials, block_name: str, vault: Vault, actor: Actor
) -> StoredLogin:
    """The tokens behind a block that uses OAuth."""
    app = OAuthApp.for_site(block.url, block.client_id, block.client_secret)
    return StoredLogin(engine, vault, app, block.account_id, block.url.rstrip("/"), block_name, actor)


def require_login(block: JiraCredentials, block_name: str) -> None:
    """Raises AdminRequired when the block knows a site but no account."""
    if block.email and block.api_token.get_secret_value():
        return
    raise AdminRequired(
        f"Nobody is logged in at {block.url}.",
        actions=(
            f"Log in: {login_command(block_name)}",
            f"Or give the Jira block “{block_name}” an e-mail address and an API token.",
        ),
        code="jira-login",
    )


def require_same_jira(record: Session, block: JiraCredentials) -> None:
    """Raises AdminRequired when a session that has seen its Jira would be sent elsewhere, or by somebody else."""
    if record.jira_user_id is None:
        return
    site = block.url.rstrip("/")
    if record.jira_site != site:
        raise AdminRequired(
            f"The session belongs to {record.jira_site}, but the Jira block leads to {site}.",
            actions=("Point the block at the session's site again, or start a new session.",),
            code="jira-site-changed",
        )
    if block.uses_oauth and record.jira_user_id != block.account_id:
        raise _somebody_else(record, block.account_name)


async def require_account(client: JiraClient, record: Session) -> None:
    """Raises AdminRequired when the login is not the session's own: asked before anything is deleted."""
    account = await client.myself()
    if record.jira_user_id not in (None, account.account_id):
        raise _somebody_else(record, account.display_name or account.account_id)


def _somebody_else(record: Session, logged_in: str) -> AdminRequired:
    owner = record.jira_display_name or record.jira_user_id
    return AdminRequired(
        f"The session belongs to {owner}, but {logged_in} is logged in at {record.jira_site}.",
        actions=(
            f"Log in as {owner}: {login_command(record.jira_block)}, or by the account's API token.",
            "Or start a new session.",
        ),
        code="jira-account-changed",
    )
