"""`drupal-tickets session cancel, close, rollback`: a session stopped, given up, taken back."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deployments.cli.options import RequestedBy, SessionId, actor
from deployments.cli.output import Json, note, print_facts, show
from deployments.cli.sessions import work_on_session
from deployments.cli.workplace import Workplace, find_session, with_database

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from db.actor import Actor
    from db.models import Session


class Target(StrEnum):
    """Where a session can go back to."""

    UPLOAD = "upload"
    PROCESSING = "processing"


def cancel_session(session: SessionId, requested_by: RequestedBy = None, json: Json = False) -> None:
    """Stop the work that runs for a session; it can be resumed."""
    acting = actor(requested_by)
    asked = with_database(
        lambda engine: _ask(engine, session, acting)
    )  # before Prefect is imported: that takes seconds

    async def stop(place: Workplace, record: "Session") -> None:
        from deployments.cli.stopping import stop_work

        if not await stop_work(place, record.id, acting) and not asked:
            note("Nothing works on this session.")

    work_on_session(session, stop, json)


async def _ask(engine: "AsyncEngine", text: str, acting: "Actor") -> bool:
    from deployments.cli.stopping import ask_to_stop

    record = await find_session(engine, text)
    return await ask_to_stop(engine, record.id, acting) is not None


def close_session(session: SessionId, requested_by: RequestedBy = None, json: Json = False) -> None:
    """Give a session up. What is in Jira stays there."""
    acting = actor(requested_by)
    part = with_database(lambda engine: _close(engine, session, acting))
    show({"session": part}, json, lambda target: print_facts(target, part))


async def _close(engine: "AsyncEngine", text: str, acting: "Actor") -> dict[str, Any]:
    from db.engine import session_scope
    from db.repositories.sessions import SessionRepository
    from deployments.cli.report import session_part

    record = await find_session(engine, text)
    async with session_scope(engine) as session:
        return session_part(await SessionRepository(session).close(record.id, actor=acting))


def roll_back_session(
    session: SessionId,
    to: Annotated[Target, typer.Option(help="The stage to go back to.")],
    yes: Annotated[
        bool, typer.Option("--yes", help="Do it; without, only what would be lost is shown.")
    ] = False,
    keep_issues: Annotated[
        bool,
        typer.Option("--keep-issues", help="Leave what is in Jira there; tickets made later are new ones."),
    ] = False,
    delete_issues: Annotated[
        bool, typer.Option("--delete-issues", help="Delete the session's issues, each proven to be its own.")
    ] = False,
    requested_by: RequestedBy = None,
    json: Json = False,
) -> None:
    """Take a session back a stage: its tickets are removed, its files stay."""
    acting = actor(requested_by)
    if keep_issues and delete_issues:
        raise typer.BadParameter("Say --keep-issues or --delete-issues, one of both.")
    issues = "keep" if keep_issues else "delete" if delete_issues else "refuse"
    if not yes:
        impact = with_database(lambda engine: _impact(engine, session))
        show({"impact": impact, "done": False}, json, lambda target: print_facts(target, impact))
        note("Nothing was changed. Add --yes to remove these and go back.")
        return

    async def go_back(place: Workplace, record: "Session") -> None:
        from deployments.cli.working import work

        await work(place, record.id, "rollback-session", acting, to=to.value, confirmed=True, issues=issues)

    work_on_session(session, go_back, json)


async def _impact(engine: "AsyncEngine", text: str) -> dict[str, int]:
    from db.engine import session_scope
    from db.repositories.rollback import RollbackRepository

    record = await find_session(engine, text)
    async with session_scope(engine) as session:
        repository = RollbackRepository(session)
        return {
            **await repository.impact(record.id),
            "issues": len(await repository.issues(record.id)),
        }
