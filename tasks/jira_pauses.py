"""A pause that Jira asked one run for is kept by all of them."""

from sqlalchemy.ext.asyncio import AsyncEngine

from blocks.jira_client import JiraClient
from db.engine import session_scope
from db.repositories.pauses import PauseRepository


def share_pauses(client: JiraClient, engine: AsyncEngine) -> None:
    """Honour the pauses that any run was asked for at this site, and let the others know of ours."""

    async def learn() -> float:
        async with session_scope(engine) as session:
            return await PauseRepository(session).paused_seconds(client.site)

    async def tell(seconds: float) -> None:
        async with session_scope(engine) as session:
            await PauseRepository(session).pause(client.site, seconds)

    client.share_pauses(learn, tell)
