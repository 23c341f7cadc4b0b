"""OAuth 2.0 (3LO) at Atlassian: asking for consent, tokens, the sites that they reach. Knows nothing of Prefect.

https://developer.atlassian.com/cloud/jira/platform/oauth-2-3lo-apps/
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

import httpx
from pydantic import BaseModel, SecretStr, TypeAdapter

from blocks.jira_errors import NotSent
from tasks.core.errors import AdminRequired, UserFixable

T = TypeVar("T")

# The two of Jira Software are for sprints; without offline_access there is no refresh token.
SCOPES = (
    "read:jira-work",
    "write:jira-work",
    "read:jira-user",
    "read:board-scope:jira-software",
    "read:sprint:jira-software",
    "offline_access",
)
LOOPBACK = ("127.0.0.1", "localhost", "::1")
APPS_PAGE = "https://developer.atlassian.com/console/myapps/"
SECONDS = httpx.Timeout(20, connect=10)
SERVER_ERROR, TOO_MANY = 500, 429


class ConsentEnded(UserFixable):
    """A person has to agree again: the consent was withdrawn, or ended because nobody used it."""

    default_code = "jira-consent-ended"


class Tokens(BaseModel):
    """What the authorization server answers."""

    access_token: SecretStr
    refresh_token: SecretStr
    expires_in: float
    scope: str = ""

    @property
    def scopes(self) -> list[str]:
        """What the person agreed to."""
        return self.scope.split()


class Site(BaseModel):
    """A site that a token reaches."""

    id: str
    url: str
    name: str = ""


@dataclass(frozen=True)
class OAuthApp:
    """Our app as the authorization server knows it, and where that server is."""

    client_id: str
    client_secret: SecretStr
    auth_url: str = "https://auth.atlassian.com"
    api_url: str = "https://api.atlassian.com"

    @classmethod
    def for_site(cls, url: str, client_id: str, client_secret: SecretStr) -> "OAuthApp":
        """The app for a site: a sandbox on this machine is its own authorization server."""
        if urlsplit(url).hostname in LOOPBACK:
            return cls(client_id, client_secret, url.rstrip("/"), url.rstrip("/"))
        return cls(client_id, client_secret)

    def gateway(self, cloud_id: str) -> str:
        """Where the REST API of a site answers to access tokens."""
        return f"{self.api_url}/ex/jira/{cloud_id}"

    def consent_address(self, redirect_uri: str, state: str) -> str:
        """Where a person agrees."""
        query = {
            "audience": "api.atlassian.com",
            "client_id": self.client_id,
            "scope": " ".join(SCOPES),
            "redirect_uri": redirect_uri,
            "state": state,
            "response_type": "code",
            "prompt": "consent",
        }
        return f"{self.auth_url}/authorize?{urlencode(query)}"

    async def exchange(self, code: str, redirect_uri: str) -> Tokens:
        """Tokens for the code that came back from the consent page; a code is good once."""
        grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        return await self._tokens(grant)

    async def refresh(self, refresh_token: SecretStr) -> Tokens:
        """A new pair; the old refresh token is void. ConsentEnded when the person has to agree again."""
        return await self._tokens(
            {"grant_type": "refresh_token", "refresh_token": refresh_token.get_secret_value()}
        )

    async def revoke(self, refresh_token: SecretStr) -> None:
        """End the consent; a token that is unknown is no error."""
        body = {**self._ourselves, "token": refresh_token.get_secret_value()}
        await self._ask("POST", f"{self.auth_url}/oauth/revoke", body=body)

    async def sites(self, access_token: SecretStr) -> list[Site]:
        """The sites that a person let us into."""
        headers = {"Authorization": f"Bearer {access_token.get_secret_value()}"}
        answer = await self._ask("GET", f"{self.api_url}/oauth/token/accessible-resources", headers=headers)
        return _read(answer, list[Site])

    @property
    def _ourselves(self) -> dict[str, str]:
        return {"client_id": self.client_id, "client_secret": self.client_secret.get_secret_value()}

    async def _tokens(self, grant: Mapping[str, str]) -> Tokens:
        answer = await self._ask("POST", f"{self.auth_url}/oauth/token", body={**self._ourselves, **grant})
        return _read(answer, Tokens)

    async def _ask(
        self,
        method: str,
        url: str,
        *,
        body: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        try:
            async with httpx.AsyncClient(timeout=SECONDS) as http:
                answer = await http.request(method, url, json=body, headers=headers)
        except httpx.HTTPError as error:
            # Without its cause: that one carries the request and with it the secrets.
            raise _away(self.auth_url, type(error).__name__) from None
        if answer.is_success:
            return answer
        raise _refusal(self.auth_url, answer)


def _refusal(server: str, answer: httpx.Response) -> Exception:
    if answer.status_code >= SERVER_ERROR or answer.status_code == TOO_MANY:
        return _away(server, str(answer.status_code))
    error, description = _said(answer)
    if error in ("invalid_grant", "unauthorized_client"):
        return ConsentEnded(f"Jira's consent has ended: {description or error}")
    return AdminRequired(
        f"{server} does not accept this app ({answer.status_code}): {description or error}",
        code="jira-oauth-app",
        actions=(f"Compare JIRA_OAUTH_CLIENT_ID and JIRA_OAUTH_CLIENT_SECRET with {APPS_PAGE}",),
    )


def _said(answer: httpx.Response) -> tuple[str, str]:
    try:
        body: Any = answer.json()
    except ValueError:
        return "", ""
    known = body if isinstance(body, dict) else {}
    return str(known.get("error", "")), str(known.get("error_description", ""))[:200]


def _away(server: str, why: str) -> NotSent:
    return NotSent(
        f"{server} does not give out access tokens now ({why}).",
        actions=("Try again in a while; the session goes on where it was.",),
        code="jira-oauth-away",
    )


def _read(answer: httpx.Response, kind: type[T]) -> T:
    adapter: TypeAdapter[T] = TypeAdapter(kind)
    try:
        return adapter.validate_json(answer.content)
    except ValueError:
        # Without its cause: that one shows the tokens. A missing one is a matter of the app's scopes.
        raise AdminRequired(
            f"{answer.url.host} answers otherwise than Atlassian documents it.",
            code="jira-oauth-answer",
            actions=(f"Give the app the scopes of docs/jira.md: {APPS_PAGE}",),
        ) from None
