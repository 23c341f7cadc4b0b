"""OAuth 2.0 (3LO) as jira.md 12 and 13 describe it: codes, access tokens, refresh tokens that rotate."""

import json
import secrets
import time
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from deployments.jira_sandbox.config import Login, OAuthApp
from deployments.jira_sandbox.settings import Settings
from deployments.jira_sandbox.store import Store

CLOUD_ID = "11223344-a1b2-3b33-c444-def123456789"
CODE_SECONDS = 300
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
INACTIVE_DAYS, ABSOLUTE_DAYS, DAY = 90, 365, 86_400
SCHEMA = """
CREATE TABLE IF NOT EXISTS grants (
    token TEXT PRIMARY KEY, kind TEXT NOT NULL, email TEXT NOT NULL, client TEXT NOT NULL, consent TEXT NOT NULL,
    consented REAL NOT NULL, made REAL NOT NULL, replaced REAL, details TEXT NOT NULL);
"""
READS = {"/search/jql", "/issue/bulkfetch"}
USER_CALLS = ("/myself", "/user/")


class OAuthProblem(Exception):
    """A refusal in the shape of the authorization server."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(status, error, description)
        self.status = status
        self.error = error
        self.description = description


@dataclass(frozen=True)
class Grant:
    """A code, an access token or a refresh token; all of one consent share its id."""

    token: str
    kind: str
    email: str
    client: str
    consent: str
    consented: float
    made: float
    replaced: float | None
    details: dict[str, Any]

    @property
    def scopes(self) -> list[str]:
        """What the person agreed to."""
        return list(self.details["scopes"])


class OAuth:
    """The authorization server of the sandbox; its tokens are in the state file."""

    def __init__(self, store: Store, apps: tuple[OAuthApp, ...]) -> None:
        self.db = store.db
        self.apps = {app.client_id: app for app in apps}
        self.db.executescript(SCHEMA)

    def check_request(self, client_id: str, redirect_uri: str, scope: str) -> None:
        """Refuse a consent page to strangers; the answer may go to a program on this machine only."""
        if client_id not in self.apps:
            raise OAuthProblem(400, "invalid_request", "The client is unknown.")
        address = urlsplit(redirect_uri)
        if address.scheme != "http" or address.hostname not in LOOPBACK:
            raise OAuthProblem(400, "invalid_request", "The redirect_uri must be a loopback address.")
        if not scope.split():
            raise OAuthProblem(400, "invalid_scope", "No scope is asked for.")

    def consent(self, login: Login, client_id: str, redirect_uri: str, scope: str) -> str:
        """A code, good for one exchange."""
        details = {"scopes": scope.split(), "redirect_uri": redirect_uri}
        consent = secrets.token_hex(8)
        return self._issue(Grant("", "code", login.email, client_id, consent, time.time(), 0, None, details))

    def exchange(self, body: dict[str, Any], settings: Settings) -> dict[str, Any]:
        """Tokens for a code or a refresh token."""
        client = self._client(body)
        if body.get("grant_type") == "authorization_code":
            grant = self._take_code(body, client)
        elif body.get("grant_type") == "refresh_token":
            grant = self._rotate(body, client, settings)
        else:
            raise OAuthProblem(403, "unsupported_grant_type", "Unknown grant type.")
        return self._tokens(grant, settings)

    def revoke(self, body: dict[str, Any]) -> None:
        """End the consent that a token belongs to; an unknown token is no error."""
        self._client(body)
        if grant := self._find(str(body.get("token"))):
            self.db.execute("DELETE FROM grants WHERE consent = ?", (grant.consent,))

    def bearer(self, token: str, settings: Settings) -> Grant | None:
        """The access token, unless it has expired."""
        grant = self._find(token, "access")
        return grant if grant and time.time() - grant.made < settings.access_token_seconds else None

    def forget(self, kind: str = "") -> None:
        """Drop all tokens of a kind, or all: an expired token, a withdrawn consent."""
        self.db.execute("DELETE FROM grants WHERE ? IN ('', kind)", (kind,))

    def _client(self, body: dict[str, Any]) -> str:
        app = self.apps.get(str(body.get("client_id")))
        if app is None or not secrets.compare_digest(app.secret, str(body.get("client_secret"))):
            raise OAuthProblem(401, "access_denied", "Unauthorized")
        return app.client_id

    def _take_code(self, body: dict[str, Any], client: str) -> Grant:
        grant = self._find(str(body.get("code")), "code")
        fits = grant and grant.client == client and grant.details["redirect_uri"] == body.get("redirect_uri")
        if grant is None or not fits or time.time() - grant.made > CODE_SECONDS:
            raise OAuthProblem(403, "invalid_grant", "Invalid authorization code")
        self.db.execute("DELETE FROM grants WHERE token = ?", (grant.token,))
        return grant

    def _rotate(self, body: dict[str, Any], client: str, settings: Settings) -> Grant:
        grant, now = self._find(str(body.get("refresh_token")), "refresh"), time.time()
        if grant is None or grant.client != client or not self._lives(grant, now, settings):
            raise OAuthProblem(403, "invalid_grant", "Unknown or invalid refresh token.")
        self.db.execute(
            "UPDATE grants SET replaced = coalesce(replaced, ?) WHERE token = ?", (now, grant.token)
        )
        return grant

    @staticmethod
    def _lives(grant: Grant, now: float, settings: Settings) -> bool:
        used_up = grant.replaced is not None and now - grant.replaced > settings.refresh_leeway_seconds
        return (
            not used_up
            and now - grant.made < INACTIVE_DAYS * DAY
            and now - grant.consented < ABSOLUTE_DAYS * DAY
        )

    def _tokens(self, grant: Grant, settings: Settings) -> dict[str, Any]:
        def issue(kind: str) -> str:
            return self._issue(replace(grant, kind=kind))

        answer = {
            "access_token": issue("access"),
            "expires_in": settings.access_token_seconds,
            "scope": " ".join(grant.scopes),
            "token_type": "Bearer",
        }
        return answer | ({"refresh_token": issue("refresh")} if "offline_access" in grant.scopes else {})

    def _issue(self, grant: Grant) -> str:
        token = secrets.token_urlsafe(24)
        self.db.execute(
            "INSERT INTO grants VALUES (?, ?, ?, ?, ?, ?, ?, NULL, ?)",
            (
                token,
                grant.kind,
                grant.email,
                grant.client,
                grant.consent,
                grant.consented,
                time.time(),
                json.dumps(grant.details),
            ),
        )
        return token

    def _find(self, token: str, kind: str = "") -> Grant | None:
        row = self.db.execute("SELECT * FROM grants WHERE token = ?", (token,)).fetchone()
        if row is None or kind not in ("", row["kind"]):
            return None
        return Grant(**{**dict(row), "details": json.loads(row["details"])})


def needed_scope(method: str, path: str) -> str:
    """The classic scope that a platform call needs, or the granular one of an agile call."""
    if path.startswith("/rest/agile/"):
        kind = "sprint" if "/sprint" in path else "board-scope"
        return f"{'read' if method == 'GET' else 'write'}:{kind}:jira-software"
    call = path.removeprefix("/rest/api/3")
    if call.startswith(USER_CALLS):
        return "read:jira-user"
    return "read:jira-work" if method == "GET" or call in READS else "write:jira-work"
