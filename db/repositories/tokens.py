"""OAuth tokens of Jira accounts: encrypted by the caller, never shown, never in the audit trail."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, delete, select
from sqlalchemy.dialects.postgresql import insert

from db.actor import Actor
from db.base import NOW
from db.enums import EventCategory
from db.models import JiraAuthToken
from db.repositories.base import Repository


class TokenRepository(Repository):
    """The tokens of one account on one site."""

    async def store(
        self,
        jira_user_id: str,
        site: str,
        *,
        access_token: bytes,
        refresh_token: bytes,
        access_token_expires_at: datetime,
        refresh_token_expires_at: datetime,
        granted_scopes: Sequence[str],
        actor: Actor,
    ) -> None:
        """Keep a new pair in place of the old one; commit before using it, the old refresh token is void."""
        values = {
            "access_token": access_token,
            "refresh_token": refresh_token,
            "access_token_expires_at": access_token_expires_at,
            "refresh_token_expires_at": refresh_token_expires_at,
            "granted_scopes": list(granted_scopes),
            "last_refresh_at": NOW,
        }
        statement = insert(JiraAuthToken).values(jira_user_id=jira_user_id, site=site, **values)
        await self.session.execute(
            statement.on_conflict_do_update(
                index_elements=["jira_user_id", "site"], set_={**values, "updated_at": NOW}
            )
        )
        await self._write(actor, jira_user_id, site, "login.stored", f"Login at {site} stored")

    async def lock(self, jira_user_id: str, site: str) -> JiraAuthToken | None:
        """The tokens, held until the transaction ends: one process refreshes, the others wait and read."""
        token: JiraAuthToken | None = await self._fresh(_of(jira_user_id, site).with_for_update())
        return token

    async def get(self, jira_user_id: str, site: str) -> JiraAuthToken | None:
        """The tokens as they are now."""
        token: JiraAuthToken | None = await self._fresh(_of(jira_user_id, site))
        return token

    async def forget(self, jira_user_id: str, site: str, *, actor: Actor) -> bool:
        """Remove the tokens; False when there were none."""
        statement = delete(JiraAuthToken).where(
            JiraAuthToken.jira_user_id == jira_user_id, JiraAuthToken.site == site
        )
        if await self.session.scalar(statement.returning(JiraAuthToken.site)) is None:
            return False
        await self._write(actor, jira_user_id, site, "login.forgotten", f"Login at {site} forgotten")
        return True

    async def _write(self, actor: Actor, jira_user_id: str, site: str, event: str, text: str) -> None:
        await self.audit.write(
            actor,
            event,
            EventCategory.SYSTEM,
            entity_type="jira_account",
            entity_id=jira_user_id,
            description=text,
            event_data={"site": site},
        )


def _of(jira_user_id: str, site: str) -> Select[tuple[JiraAuthToken]]:
    return select(JiraAuthToken).where(JiraAuthToken.jira_user_id == jira_user_id, JiraAuthToken.site == site)
