"""How a command on a session begins and ends: opened again, and told as its document, an error beside it."""

from collections.abc import Awaitable
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from db.actor import Actor
from db.engine import session_scope
from db.enums import SessionStage, SessionStatus
from db.repositories.background import TaskRepository
from db.repositories.sessions import SessionRepository
from deployments.cli.boundary import Failed, explain
from deployments.cli.report import document, read_facts
from tasks.core.errors import UserFixable


async def reopen(engine: AsyncEngine, session_id: UUID, actor: Actor, *, reset_retries: bool = False) -> None:
    """Let work on a session go on: after a failure, or after somebody asked for it to stop."""
    async with session_scope(engine) as session:
        sessions = SessionRepository(session)
        record = await sessions.lock(session_id)
        if record.status is SessionStatus.COMPLETED and record.current_stage is not SessionStage.COMPLETED:
            raise UserFixable(
                "The session was closed; it cannot go on.",
                actions=("Start a new one with: drupal-tickets run",),
                code="session-closed",
            )
        await sessions.clear_cancel(session_id, actor=actor)
        if reset_retries:
            await TaskRepository(session).reset_retries(session_id, actor=actor)
        if record.status is SessionStatus.FAILED:
            await sessions.set_status(session_id, SessionStatus.ACTIVE, actor=actor)


async def documented(engine: AsyncEngine, session_id: UUID, doing: Awaitable[object]) -> dict[str, Any]:
    """Do the work and return the session's document; an error is raised with that document beside it."""
    try:
        await doing
    except Exception as error:
        raise Failed(explain(error), document(await read_facts(engine, session_id))) from error
    return document(await read_facts(engine, session_id))
