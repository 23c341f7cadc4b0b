"""The blocks of a Prefect server, made from the environment: where the database is, where Jira is and who we are."""

from typing import Any, TypeVar
from urllib.parse import urlsplit

from prefect.blocks.core import Block
from prefect_sqlalchemy import AsyncSqlAlchemyConnector, ConnectionComponents  # type: ignore[import-untyped]
from pydantic import SecretStr
from sqlalchemy import URL, make_url

from blocks.database import DATABASE_BLOCK
from blocks.jira import JiraCredentials
from db.engine import async_url
from deployments.settings import SANDBOX_EMAIL, SANDBOX_TOKEN, Settings
from tasks.core.errors import AdminRequired

JIRA_BLOCK = "jira"
B = TypeVar("B", bound=Block)
LOOPBACK = ("127.0.0.1", "localhost", "::1")


async def ensure_database_block(settings: Settings, *, own_server: bool) -> str:
    """The block that flows reach our database by; a shared server's flows are never pointed elsewhere."""
    if settings.database_url is None:
        raise AdminRequired("DATABASE_URL is not set.", code="database-url")
    wanted = async_url(settings.database_url.get_secret_value())
    existing = await _find(AsyncSqlAlchemyConnector, DATABASE_BLOCK)
    if existing is not None and not own_server:
        _require_same("DATABASE_URL", _shown(_address(existing)), _shown(wanted))
    components = ConnectionComponents(
        driver=wanted.drivername,
        username=wanted.username,
        password=SecretStr(wanted.password) if wanted.password else None,
        host=wanted.host,
        port=wanted.port,
        database=wanted.database,
        query={name: str(value) for name, value in wanted.query.items()} or None,
    )
    return await _save(AsyncSqlAlchemyConnector(connection_info=components), DATABASE_BLOCK, existing)


async def ensure_jira_block(settings: Settings, *, own_server: bool) -> str:
    """The block of the default Jira site; on a shared server it only ever gets new credentials."""
    if settings.jira_url is None:
        return f"block {JIRA_BLOCK}: left alone, JIRA_URL is not set"
    existing = await _find(JiraCredentials, JIRA_BLOCK)
    if existing is not None and not own_server:
        _require_same("JIRA_URL", existing.url.rstrip("/"), settings.jira_url.rstrip("/"))
    token_given = settings.jira_email and settings.jira_api_token
    if existing is not None and existing.uses_oauth and not token_given and _same_site(existing, settings):
        return f"block {JIRA_BLOCK}: left alone, {existing.account_name} is logged in"
    return await _save(default_jira_block(settings.jira_url, settings), JIRA_BLOCK, existing)


def _same_site(block: JiraCredentials, settings: Settings) -> bool:
    return block.url.rstrip("/") == (settings.jira_url or "").rstrip("/")


def default_jira_block(url: str, settings: Settings) -> JiraCredentials:
    """The block of a site as the environment describes it: by API token, the sandbox's own, or without a login."""
    if settings.jira_email and settings.jira_api_token:
        return JiraCredentials(url=url, email=settings.jira_email, api_token=settings.jira_api_token)
    if urlsplit(url).hostname in LOOPBACK:
        email = settings.jira_email or SANDBOX_EMAIL
        return JiraCredentials(url=url, email=email, api_token=SecretStr(SANDBOX_TOKEN))
    if settings.jira_oauth_client_id:
        return JiraCredentials(url=url)  # `drupal-tickets jira login` fills in who
    raise AdminRequired(
        f"JIRA_EMAIL and JIRA_API_TOKEN are needed for {url}.",
        actions=(
            "Set both, or JIRA_OAUTH_CLIENT_ID and JIRA_OAUTH_CLIENT_SECRET to log in with `jira login`,",
            "or unset JIRA_URL to work with the sandbox.",
        ),
        code="jira-login",
    )


async def _find(kind: type[B], name: str) -> B | None:
    try:
        return await kind.aload(name)
    except ValueError:  # Prefect's word for a block that does not exist
        return None


async def _save(block: Block, name: str, existing: Block | None) -> str:
    slug = block.get_block_type_slug()
    if existing is not None and _values(existing) == _values(block):
        return f"block {slug}/{name}: unchanged"
    await block.asave(name, overwrite=True)
    return f"block {slug}/{name}: {'updated' if existing else 'created'}"


def _values(block: Block) -> dict[str, Any]:
    return block.model_dump(include=set(type(block).model_fields))


def _require_same(variable: str, existing: str, wanted: str) -> None:
    if existing != wanted:
        raise AdminRequired(
            f"This Prefect server works on {existing}; {variable} says {wanted}.",
            actions=(f"Set {variable} to the same, or use another Prefect server (PREFECT_API_URL).",),
            code="mismatch",
        )


def _address(block: AsyncSqlAlchemyConnector) -> URL:
    info = block.connection_info
    return info.create_url() if isinstance(info, ConnectionComponents) else make_url(str(info))


def _shown(url: URL) -> str:
    # A changed password is no other database.
    return url.set(drivername="postgresql").render_as_string(hide_password=True)
