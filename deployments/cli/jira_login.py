"""A person logs in at Jira for all runs, and out again; the block says where and who, the database keeps the tokens."""

import os
import sys
import time
import webbrowser
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import SecretStr

from blocks.jira_oauth import APPS_PAGE, LOOPBACK, OAuthApp, Site, Tokens
from deployments.cli.jira_callback import callback_on
from deployments.cli.output import note
from deployments.cli.workplace import Workplace
from deployments.settings import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET, Settings
from tasks.core.errors import AdminRequired, Temporary, UserFixable

if TYPE_CHECKING:
    from blocks.jira import JiraCredentials
    from blocks.jira_answers import User
    from blocks.jira_client import JiraClient
    from db.actor import Actor
    from db.models import Session

APPS_OF_PERSON = "https://id.atlassian.com/manage-profile/apps"


@dataclass(frozen=True)
class Request:
    """What a person asks for on the command line."""

    block: str
    url: str | None
    port: int
    seconds: float
    browser: bool
    actor: "Actor"


async def open_jira(
    place: Workplace, block_name: str, acting: "Actor", session: "Session | None" = None
) -> "JiraClient":
    """The client of a block, as flows get it; refused where it is not the session's own Jira."""
    from deployments.cli.runs import jira_block_of
    from tasks.core.settings import SessionSettings
    from tasks.jira import open_client, require_same_jira

    block = await jira_block_of(place.client, block_name)
    in_flight = 8
    if session is not None:
        require_same_jira(session, block)
        in_flight = SessionSettings.model_validate(session.settings).jira.in_flight
    key = encryption_key_for(block, place.settings)
    return await open_client(place.engine, block, block_name, key, acting, in_flight=in_flight)


def encryption_key_for(block: "JiraCredentials", settings: Settings) -> str | None:
    """The installation's key where the block needs it; an API token needs none."""
    from deployments.stack.home import encryption_key

    return encryption_key(settings) if block.uses_oauth else None


async def log_in(place: Workplace, request: Request) -> dict[str, object]:
    """Ask the person for consent, keep the tokens, and let the block lead to them."""
    from deployments.stack.home import encryption_key
    from tasks.jira import stored_login
    from tasks.jira_vault import Vault

    vault = Vault(encryption_key(place.settings))  # before anybody is asked for anything
    existing = await _existing(place, request.block)
    url = (request.url or (existing.url if existing else None) or "").rstrip("/")
    app = _app(place.settings, url)
    asked_at = time.time()
    tokens = await _consent(app, request)
    site = choose_site(await app.sites(tokens.access_token), url)
    account = await _account(app, site, tokens)
    block = _block(app, site, account)
    await stored_login(place.engine, block, request.block, vault, request.actor).keep(tokens, asked_at)
    await block.asave(request.block, overwrite=True)
    return {"site": block.url, "account": account.display_name, "block": request.block}


async def log_out(place: Workplace, block_name: str, acting: "Actor") -> dict[str, object]:
    """Revoke the consent, remove the tokens, and leave the block with its site alone."""
    from blocks.jira import JiraCredentials
    from deployments.cli.runs import jira_block_of
    from tasks.jira import stored_login
    from tasks.jira_vault import Vault

    block = await jira_block_of(place.client, block_name)
    if not block.uses_oauth:
        raise UserFixable(
            f"Nobody is logged in at {block.url} by OAuth.",
            actions=(
                f"An API token is taken back in the Prefect UI, block “{block_name}”, and at Atlassian.",
            ),
            code="jira-login",
        )
    login = stored_login(
        place.engine, block, block_name, Vault(encryption_key_for(block, place.settings)), acting
    )
    await JiraCredentials(url=block.url).asave(block_name, overwrite=True)
    revoked = True
    try:
        await login.forget()
    except (Temporary, AdminRequired) as error:
        revoked = False
        note(f"The tokens are forgotten here, but {error.message}")
        note(f"  → End the consent yourself: {APPS_OF_PERSON}")
    return {"site": block.url, "account": block.account_name, "block": block_name, "revoked": revoked}


def choose_site(sites: list[Site], url: str) -> Site:
    """The wanted one of the sites that the person let us into; without a wish, the only one there is."""
    known = {site.url.rstrip("/"): site for site in sites}
    if url in known:
        return known[url]
    if not url and len(known) == 1:
        return next(iter(known.values()))
    offered = ", ".join(known) or "none"
    wanted = f"Access was not granted to {url}" if url else "Access was granted to several sites, or to none"
    raise UserFixable(
        f"{wanted}; granted: {offered}.",
        actions=("Name one of them with --url, and choose it on Atlassian's page.",),
        code="jira-site-not-granted",
    )


async def _existing(place: Workplace, block: str) -> "JiraCredentials | None":
    from deployments.cli.runs import jira_block_of

    try:
        return await jira_block_of(place.client, block)
    except AdminRequired:  # there is no such block yet: logging in makes it
        return None


def _app(settings: Settings, url: str) -> OAuthApp:
    if settings.jira_oauth_client_id and settings.jira_oauth_client_secret:
        return OAuthApp.for_site(url, settings.jira_oauth_client_id, settings.jira_oauth_client_secret)
    if urlsplit(url).hostname in LOOPBACK:
        return OAuthApp.for_site(url, SANDBOX_CLIENT_ID, SecretStr(SANDBOX_CLIENT_SECRET))
    raise AdminRequired(
        "JIRA_OAUTH_CLIENT_ID and JIRA_OAUTH_CLIENT_SECRET are not set.",
        actions=(f"Make an OAuth 2.0 (3LO) app at {APPS_PAGE} as docs/jira.md says, and set both.",),
        code="jira-oauth-app",
    )


async def _consent(app: OAuthApp, request: Request) -> Tokens:
    async with callback_on(request.port) as callback:
        address = app.consent_address(callback.redirect_uri, callback.state)
        note("Open this address on this machine and agree:")
        note(f"  {address}")
        if request.browser and _has_browser():
            webbrowser.open(address)
        code = await callback.code(request.seconds)
    return await app.exchange(code, callback.redirect_uri)


def _has_browser() -> bool:
    # A browser in the terminal would take the place of the address.
    return sys.platform in ("darwin", "win32") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )


async def _account(app: OAuthApp, site: Site, tokens: Tokens) -> "User":
    from blocks.jira_client import JiraClient
    from blocks.jira_oauth_login import AccessToken, OAuthLogin

    async def just_these(_: SecretStr | None) -> AccessToken:
        return AccessToken(tokens.access_token, time.time() + tokens.expires_in)

    async with JiraClient(site.url, "", "", login=OAuthLogin(app.gateway(site.id), "", just_these)) as client:
        return await client.myself()


def _block(app: OAuthApp, site: Site, account: "User") -> "JiraCredentials":
    from blocks.jira import JiraCredentials

    return JiraCredentials(
        url=site.url.rstrip("/"),
        account_id=account.account_id,
        account_name=account.display_name or account.account_id,
        cloud_id=site.id,
        client_id=app.client_id,
        client_secret=app.client_secret,
    )
