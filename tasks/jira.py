"""The session's own Jira: its block, its site and its account, and never another one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from blocks.jira import JiraCredentials
from blocks.jira_client import JiraClient
from db.models import Session
from tasks.core.errors import AdminRequired
from tasks.core.settings import SessionSettings


@asynccontextmanager
async def session_client(record: Session) -> AsyncIterator[JiraClient]:
    """A client for the session's Jira block.

    Raises AdminRequired when there is no such block, or when it leads to another site than the session's.
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
    async with block.get_client(in_flight=settings.jira.in_flight) as client:
        if record.jira_user_id and record.jira_site != client.site:
            raise AdminRequired(
                f"The session belongs to {record.jira_site}, but the Jira block leads to {client.site}.",
                actions=("Point the block at the session's site again, or start a new session.",),
                code="jira-site-changed",
            )
        yield client
