"""The login of a client that uses OAuth: each request carries the access token of the moment."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import requests
from pydantic import SecretStr
from requests.auth import AuthBase

from tasks.core.errors import AdminRequired

UNAUTHORIZED = 401
MARGIN = 60.0  # seconds before its end in which a token is renewed already


@dataclass(frozen=True)
class AccessToken:
    """A token and when it ends, by the clock of this machine."""

    secret: SecretStr
    expires_at: float

    @property
    def fresh(self) -> bool:
        """Whether it lasts for the next request."""
        return time.time() < self.expires_at - MARGIN


# Answers a token that works, another one than the refused one that is named.
TokenSource = Callable[[SecretStr | None], Awaitable[AccessToken]]


class OAuthLogin(AuthBase):
    """What puts a Bearer token on requests, renewed before it ends and when Jira refuses it.

    `api_url` is where the site's REST API answers to tokens, `account_name` whose tokens these are.
    """

    def __init__(self, api_url: str, account_name: str, tokens: TokenSource) -> None:
        self.api_url, self.account_name = api_url, account_name
        self._tokens = tokens
        self._token: AccessToken | None = None
        self._lock = asyncio.Lock()

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Called by requests, in a thread of its own, right before a request leaves."""
        if self._token is not None:
            request.headers["Authorization"] = f"Bearer {self._token.secret.get_secret_value()}"
        return request

    async def prepare(self) -> None:
        """Before a request: have a token that lasts for it."""
        async with self._lock:
            if self._token is None or not self._token.fresh:
                self._token = await self._tokens(None)

    async def renewed(self, answer: requests.Response) -> bool:
        """After an answer: True when it refused a token that has been replaced, so that asking again may help.

        A token whose scopes do not reach is as good as any other.
        """
        if answer.status_code != UNAUTHORIZED or "scope" in answer.text:
            return False
        sent = answer.request.headers.get("Authorization", "").removeprefix("Bearer ")
        async with self._lock:
            if self._token is not None and self._token.secret.get_secret_value() == sent:
                self._token = await self._tokens(self._token.secret)
        return True

    def refusal(self, what: str, site: str, answer: requests.Response) -> AdminRequired:
        """The error of a token that is refused although it is new; the gateway says why in its own shape."""
        try:
            said = str(answer.json()["message"])
        except (ValueError, LookupError, TypeError):
            said = "it did not say why"
        return AdminRequired(
            f"Jira at {site} did not accept the login of {self.account_name} when asked to {what}: {said}",
            code="jira-login-refused",
            actions=("Give the OAuth app its scopes (docs/jira.md), then: drupal-tickets jira login",),
        )
