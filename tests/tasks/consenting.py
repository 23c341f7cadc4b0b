"""A person's consent in the sandbox, and the login that it makes. `python -m` refreshes in a process of its own."""

import asyncio
import os
import sys
import time
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from blocks.jira_oauth import OAuthApp, Tokens
from blocks.jira_oauth_login import OAuthLogin
from db.actor import Actor
from db.engine import create_engine
from deployments.settings import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET
from tasks.jira_tokens import StoredLogin
from tasks.jira_vault import Vault
from tests.jira_sandbox import EMAIL, JiraSandbox

KEY = "c2VjcmV0LWtleS1vZi1hLXRlc3QtMzItYnl0ZXMtLS0="
REDIRECT = "http://127.0.0.1:8914/callback"
DIRECTOR = Actor(claimed="director")


def app_at(url: str) -> OAuthApp:
    """Our app at the sandbox."""
    return OAuthApp.for_site(url, SANDBOX_CLIENT_ID, SecretStr(SANDBOX_CLIENT_SECRET))


async def consent(sandbox: JiraSandbox, email: str = EMAIL, scope: str = "") -> Tokens:
    """What a person does on the consent page, and the tokens that come of it."""
    app = app_at(sandbox.url)
    chosen = {"as": email} | ({"scope": scope} if scope else {})
    async with httpx.AsyncClient(verify=False) as http:
        page = await http.get(f"{app.consent_address(REDIRECT, 'state')}&{urlencode(chosen)}")
    code = parse_qs(urlsplit(page.headers["location"]).query)["code"][0]
    return await app.exchange(code, REDIRECT)


async def account_of(sandbox: JiraSandbox, tokens: Tokens) -> str:
    """Whose tokens these are."""
    (site,) = await app_at(sandbox.url).sites(tokens.access_token)
    headers = {"Authorization": f"Bearer {tokens.access_token.get_secret_value()}"}
    async with httpx.AsyncClient(verify=False) as http:
        answer = await http.get(f"{app_at(sandbox.url).gateway(site.id)}/rest/api/3/myself", headers=headers)
    return str(answer.json()["accountId"])


def login_of(
    engine: AsyncEngine, url: str, account: str, key: str = KEY, app: OAuthApp | None = None
) -> StoredLogin:
    """The login of an account, as flows find it."""
    return StoredLogin(engine, Vault(key), app or app_at(url), account, url, "acme", DIRECTOR)


async def log_in(engine: AsyncEngine, sandbox: JiraSandbox, email: str = EMAIL) -> StoredLogin:
    """A login whose tokens are stored."""
    asked_at, tokens = time.time(), await consent(sandbox, email)
    login = login_of(engine, sandbox.url, await account_of(sandbox, tokens))
    await login.keep(tokens, asked_at)
    return login


async def bearer(login: StoredLogin, sandbox: JiraSandbox) -> OAuthLogin:
    """What a client of the stored login puts on its requests."""
    (site,) = await login.app.sites((await login.access_token()).secret)
    return OAuthLogin(login.app.gateway(site.id), "Sandbox", login.access_token)


class DyingApp(OAuthApp):
    """Dies when the new pair has come and nobody stored it yet."""

    async def refresh(self, refresh_token: SecretStr) -> Tokens:
        await super().refresh(refresh_token)
        os._exit(9)


async def main(database_url: str, url: str, account: str, refused: str, dies: str) -> None:
    """Ask for a token other than the refused one, as a flow in a process of its own does."""
    engine = create_engine(database_url, pooled=False)
    app = DyingApp(SANDBOX_CLIENT_ID, SecretStr(SANDBOX_CLIENT_SECRET), url, url) if dies else None
    token = await login_of(engine, url, account, app=app).access_token(SecretStr(refused))
    sys.stdout.write(token.secret.get_secret_value())
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
