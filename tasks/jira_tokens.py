"""OAuth tokens in the database: refreshed by one process at a time, and stored before they are used."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from blocks.jira_oauth import SCOPES, ConsentEnded, OAuthApp, Tokens
from blocks.jira_oauth_login import AccessToken
from db.actor import Actor
from db.engine import session_scope
from db.models import JiraAuthToken
from db.repositories.tokens import TokenRepository
from tasks.concurrency import unbroken
from tasks.core.errors import AdminRequired
from tasks.jira_vault import Vault

# Atlassian ends a consent that nobody used for so long.
REFRESH_TOKEN_LASTS = timedelta(days=90)


@dataclass(frozen=True)
class StoredLogin:
    """The tokens of one account at one site."""

    engine: AsyncEngine
    vault: Vault
    app: OAuthApp
    account_id: str
    site: str
    block: str
    actor: Actor

    async def access_token(self, refused: SecretStr | None = None) -> AccessToken:
        """A token that works and is not the refused one.

        ConsentEnded when a person has to log in again; NotSent when the authorization server is away.
        """
        async with session_scope(self.engine) as session:
            stored = self._read(await TokenRepository(session).get(self.account_id, self.site))
        if stored.fresh and stored.secret != refused:
            return stored
        return await unbroken(self._refreshed(refused))  # a pair that was answered has to be stored

    async def _refreshed(self, refused: SecretStr | None) -> AccessToken:
        # The one place that holds a transaction across a request: Atlassian's tokens rotate, so while one process
        # asks, all others wait at the row and then find the new pair. It is committed before anybody uses it.
        async with session_scope(self.engine) as session:
            row = await TokenRepository(session).lock(self.account_id, self.site)
            stored = self._read(row)
            if row is None or (stored.fresh and stored.secret != refused):
                return stored
            asked_at = time.time()
            try:
                tokens = await self.app.refresh(self.vault.unlock(row.refresh_token))
            except ConsentEnded as error:
                raise self._over(error.message) from None
            await self._store(TokenRepository(session), tokens, asked_at)
        return AccessToken(tokens.access_token, asked_at + tokens.expires_in)

    async def keep(self, tokens: Tokens, asked_at: float) -> None:
        """Store the tokens of a new login."""
        require_scopes(tokens)
        async with session_scope(self.engine) as session:
            await self._store(TokenRepository(session), tokens, asked_at)

    async def forget(self) -> bool:
        """Revoke the consent and remove the tokens; False when the server could not be told, or knew nothing."""
        async with session_scope(self.engine) as session:
            tokens = TokenRepository(session)
            row = await tokens.lock(self.account_id, self.site)
            if row is None:
                return False
            secret = self.vault.unlock(row.refresh_token)
            await tokens.forget(self.account_id, self.site, actor=self.actor)
        await self.app.revoke(secret)
        return True

    async def consent_ends_at(self) -> datetime | None:
        """When the consent ends unless it is used; None when nobody is logged in."""
        async with session_scope(self.engine) as session:
            row = await TokenRepository(session).get(self.account_id, self.site)
        return row.refresh_token_expires_at if row else None

    def _read(self, row: JiraAuthToken | None) -> AccessToken:
        if row is None:
            raise self._over(f"Nobody is logged in at {self.site} any more.")
        return AccessToken(self.vault.unlock(row.access_token), row.access_token_expires_at.timestamp())

    async def _store(self, repository: TokenRepository, tokens: Tokens, asked_at: float) -> None:
        asked = datetime.fromtimestamp(asked_at, UTC)
        await repository.store(
            self.account_id,
            self.site,
            access_token=self.vault.lock(tokens.access_token),
            refresh_token=self.vault.lock(tokens.refresh_token),
            access_token_expires_at=asked + timedelta(seconds=tokens.expires_in),
            refresh_token_expires_at=asked + REFRESH_TOKEN_LASTS,
            granted_scopes=tokens.scopes,
            actor=self.actor,
        )

    def _over(self, message: str) -> ConsentEnded:
        return ConsentEnded(message, actions=(f"Log in again: {login_command(self.block)}",))


def login_command(block: str) -> str:
    """What a person types to log in at the site of a block."""
    return "drupal-tickets jira login" + (f" --jira-site {block}" if block != "jira" else "")


def require_scopes(tokens: Tokens) -> None:
    """Refuse a consent that would fail in the middle of an export."""
    if missing := sorted(set(SCOPES) - {"offline_access"} - set(tokens.scopes)):
        raise AdminRequired(
            f"The consent lacks: {', '.join(missing)}.",
            code="jira-oauth-scopes",
            actions=("Give the OAuth app these scopes (docs/jira.md), then log in again.",),
        )
