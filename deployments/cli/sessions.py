"""`drupal-tickets session`: sessions begun, listed, resumed, stopped, taken back."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deployments.cli.options import (
    AuditLevel,
    Budget,
    Granularity,
    JiraSite,
    Limits,
    ProjectKey,
    RequestedBy,
    Scope,
    SessionId,
    SiteDescription,
    SiteName,
    actor,
    project_key_of,
    session_settings,
)
from deployments.cli.output import Json, note, print_table, printable, short, show
from deployments.cli.workplace import Workplace, find_session, with_database, with_stack, with_stack_for
from deployments.cli.writing_options import takes_writing

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncEngine

    from db.actor import Actor
    from db.models import Session, SessionError


app = typer.Typer(no_args_is_help=True, help="Sessions: one spec on its way into one Jira project.")


@app.command("new")
@takes_writing
def new_session(
    *,
    site_name: SiteName,
    project_key: ProjectKey,
    site_description: SiteDescription = "",
    jira_site: JiraSite = "jira",
    scope: Scope = "",
    granularity: Granularity = "",
    budget: Budget = None,
    limits: Limits = "",
    audit_level: AuditLevel = "basic",
    writing: dict[str, Any],
    requested_by: RequestedBy = None,
    json: Json = False,
) -> None:
    """Begin a session and check its Jira project; the spec follows with `upload`."""
    acting = actor(requested_by)
    settings = session_settings(scope, granularity, budget, audit_level, writing, limits)
    given = {
        "site_name": site_name,
        "site_description": site_description,
        "jira_project_key": project_key_of(project_key),
        "jira_block": jira_site,
        "settings": settings.model_dump(mode="json"),
    }
    show_summary(with_stack(lambda place: _new(place, acting, given)), json)


async def _new(place: Workplace, acting: "Actor", given: dict[str, Any]) -> dict[str, Any]:
    from db.engine import session_scope
    from db.repositories.sessions import SessionRepository
    from deployments.cli.endings import documented
    from deployments.cli.runs import jira_site_of
    from deployments.cli.working import work

    site = await jira_site_of(place.client, given["jira_block"])
    async with session_scope(place.engine) as session:
        record = await SessionRepository(session).create(actor=acting, jira_site=site, **given)
    note(f"Session {record.id}")
    doing = work(place, record.id, "collect-site-info", acting)
    return await documented(place.engine, record.id, doing)


@app.command("list")
def list_sessions(
    everything: Annotated[bool, typer.Option("--all", help="Completed and closed ones as well.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 100,
    json: Json = False,
) -> None:
    """List your sessions, the newest first; each can be resumed."""
    found = with_database(lambda engine: _list(engine, everything, limit))
    columns = ("Session", "Site", "Project", "Stage", "Status", "Tickets", "Changed")
    rows = [
        (
            short(one["id"]),
            one["site_name"],
            one["jira_project_key"],
            one["stage"],
            one["status"],
            one["tickets"],
            f"{one['updated_at']:%Y-%m-%d %H:%M}",
        )
        for one in found
    ]
    show({"sessions": found}, json, lambda target: print_table(target, columns, rows))


async def _list(engine: "AsyncEngine", everything: bool, limit: int) -> list[dict[str, Any]]:
    from db.engine import session_scope
    from db.repositories.background import TaskRepository
    from db.repositories.sessions import SessionRepository
    from deployments.cli.report import session_part

    async with session_scope(engine) as session:
        records = await SessionRepository(session).list_sessions(incomplete_only=not everything, limit=limit)
        busy = {row.session_id for row in await TaskRepository(session).running()}
    return [
        {
            **session_part(record, busy=record.id in busy),
            "tickets": record.total_tickets_generated,
            "requested_by": record.requested_by,
            "created_at": record.created_at,
            "updated_at": record.updated_at,
        }
        for record in records
    ]


@app.command("show")
def show_session(
    session: SessionId,
    timeline: Annotated[
        bool, typer.Option("--timeline", help="Who did what and when, also in a session that is gone.")
    ] = False,
    json: Json = False,
) -> None:
    """Show where a session stands, its findings and its results."""
    from deployments.cli.summary import print_findings, print_summary
    from deployments.cli.timeline import print_timeline, read_timeline

    if timeline:
        trail = with_database(lambda engine: read_timeline(engine, session))
        show(trail, json, lambda target: print_timeline(target, trail))
        return
    document = with_database(lambda engine: _document(engine, session))

    def render(target: Any) -> None:
        print_findings(target, document["findings"])
        print_summary(target, document)

    show(document, json, render)


async def _document(engine: "AsyncEngine", text: str) -> dict[str, Any]:
    from deployments.cli.report import document, read_facts

    record = await find_session(engine, text)
    return document(await read_facts(engine, record.id))


@app.command("resume")
def resume_session(
    session: SessionId,
    yes: Annotated[
        bool, typer.Option("--yes", help="Approve the review as it stands: the tickets go into Jira.")
    ] = False,
    reset_retries: Annotated[
        bool, typer.Option(help="For administrators: the cause of repeated failures is removed, try again.")
    ] = False,
    requested_by: RequestedBy = None,
    json: Json = False,
) -> None:
    """Go on with a session where it stopped."""
    acting = actor(requested_by)

    async def work_on(place: Workplace, record: "Session") -> None:
        from deployments.cli.endings import reopen
        from deployments.cli.working import advance, is_approved

        await reopen(place.engine, record.id, acting, reset_retries=reset_retries)
        approved = yes or await is_approved(place, record.id)
        await advance(place, record.id, acting, deliver=approved)

    work_on_session(session, work_on, json)


@app.command("watch")
def watch_session(session: SessionId, requested_by: RequestedBy = None, json: Json = False) -> None:
    """Follow the run that works on a session until it ends."""
    acting = actor(requested_by)

    async def watch(place: Workplace, record: "Session") -> None:
        from deployments.cli.working import run_at_work, watch_run

        run = await run_at_work(place, record.id)
        if run is None:
            note("No run works on this session.")
        else:
            await watch_run(place, record.id, run, acting)

    work_on_session(session, watch, json)


@app.command("errors")
def list_errors(session: SessionId, json: Json = False) -> None:
    """List what went wrong in a session, the oldest first, and what to do about it."""
    found = with_database(lambda engine: _errors(engine, session))

    def render(target: Any) -> None:
        for error in found:
            head = f"{error['created_at']:%Y-%m-%d %H:%M} {error['stage']} ({error['category']})"
            target.print(printable(f"{head}: {error['message']}"), soft_wrap=True)
            for action in error["actions"]:
                target.print(printable(f"    → {action}"), soft_wrap=True)

    show({"errors": found}, json, render)


async def _errors(engine: "AsyncEngine", text: str) -> list[dict[str, Any]]:
    from db.engine import session_scope
    from db.repositories.errors import ErrorRepository

    record = await find_session(engine, text)
    async with session_scope(engine) as session:
        return [_error_part(error) for error in await ErrorRepository(session).list_errors(record.id)]


def _error_part(error: "SessionError") -> dict[str, Any]:
    return {
        "message": error.user_message,
        "category": error.error_category.value,
        "severity": error.severity.value,
        "stage": error.operation_stage.value,
        "code": error.error_code,
        "actions": error.recovery_actions,
        "created_at": error.created_at,
    }


def work_on_session(
    text: str, doing: Callable[[Workplace, "Session"], Awaitable[None]], as_json: bool
) -> None:
    """Do something for the session that a text names, and show its document."""

    async def work(place: Workplace, session_id: "UUID") -> dict[str, Any]:
        from deployments.cli.endings import documented

        record = await find_session(place.engine, str(session_id))
        return await documented(place.engine, session_id, doing(place, record))

    show_summary(with_stack_for(text, work), as_json)


def show_summary(document: dict[str, Any], as_json: bool) -> None:
    """The document of a session, as JSON or for people."""
    from deployments.cli.summary import print_summary

    show(document, as_json, lambda target: print_summary(target, document))
