"""Asking Jira anew for the sprints and people of a session's project, without Prefect."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING
from uuid import UUID

from deployments.cli.options import settings_from_environment
from deployments.cli.output import note
from tasks.core.errors import ProductError

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from blocks.jira_client import JiraClient
    from db.actor import Actor

DEFAULT_BLOCK = "jira"


def refresher(engine: "AsyncEngine", acting: "Actor") -> Callable[[UUID], Awaitable[None]]:
    """What reads the project anew, when it is asked to; where Jira cannot be asked, it says so and changes nothing."""

    async def refresh(session_id: UUID) -> None:
        try:
            await _refresh(engine, session_id, acting)
        except ProductError as error:
            note(
                f"Jira could not be asked for its sprints and people; what it said last counts. {error.message}"
            )

    return refresh


async def _refresh(engine: "AsyncEngine", session_id: UUID, acting: "Actor") -> None:
    from blocks.jira_project import load_project_context
    from db.engine import session_scope
    from db.repositories.sessions import SessionRepository
    from tasks.project_context import store_context

    async with session_scope(engine) as session:
        record = await SessionRepository(session).get(session_id)
    client = _client()
    if client is None or record.jira_block != DEFAULT_BLOCK:
        return
    async with client:
        if record.jira_site not in (None, client.site):
            return
        project = await load_project_context(client, record.jira_project_key)
    async with session_scope(engine) as session:
        await store_context(session, session_id, project, acting)


def _client() -> "JiraClient | None":
    """The site that this environment or the running stack leads to; None where there is neither."""
    from blocks.jira_client import JiraClient
    from deployments.settings import SANDBOX_EMAIL, SANDBOX_TOKEN
    from deployments.stack.home import Home
    from deployments.stack.state import running

    settings = settings_from_environment()
    if settings.jira_url and settings.jira_email and settings.jira_api_token:
        token = settings.jira_api_token.get_secret_value()
        return JiraClient(settings.jira_url, settings.jira_email, token)
    state = running(Home(settings.home))
    if state is None or state.connection is None or not state.connection.jira_url:
        return None
    return JiraClient(state.connection.jira_url, SANDBOX_EMAIL, SANDBOX_TOKEN)
