"""`drupal-tickets tickets`: the review of a session's tickets. Edits are written at once, without a run."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from deployments.cli.options import RequestedBy, SessionId, TicketId, actor
from deployments.cli.output import Json, note, print_table, printable, short, show
from deployments.cli.project_refresh import refresher
from deployments.cli.ticket_options import (
    Assignee,
    Components,
    Group,
    InGroup,
    IssueType,
    Labels,
    On,
    Priority,
    Ready,
    Sprint,
    Tickets,
    assignment,
    require_some,
)
from deployments.cli.workplace import find_session, find_tickets, with_database

if TYPE_CHECKING:
    from rich.console import Console
    from sqlalchemy.ext.asyncio import AsyncEngine

    from db.models import Session, Ticket
    from db.repositories.tickets import Assignment, TicketChanges


app = typer.Typer(no_args_is_help=True, help="The tickets of a session: read them, change them.")


@app.command("list")
def list_tickets(session: SessionId, group: InGroup = None, json: Json = False) -> None:
    """List the tickets by group, in the order of work."""

    async def read(engine: "AsyncEngine", record: "Session") -> list[dict[str, Any]]:
        from deployments.cli.ticket_parts import listed_tickets

        return await listed_tickets(engine, record.id, group)

    found = _on_session(session, read)
    columns = ("Ticket", "Group", "Title", "Sprint", "Assignee", "Written by", "Issue")
    rows = [
        (
            short(one["id"]),
            one["entity_group"],
            one["title"],
            one["sprint"],
            one["assignee"],
            one["written_by"],
            one["jira_key"] or ("" if one["ready"] else "not ready"),
        )
        for one in found
    ]
    show({"tickets": found}, json, lambda target: print_table(target, columns, rows))


@app.command("show")
def show_ticket(session: SessionId, ticket: TicketId, json: Json = False) -> None:
    """Show one ticket as Jira gets it, beside the records that it was made from."""

    async def read(engine: "AsyncEngine", record: "Session") -> dict[str, Any]:
        from deployments.cli.ticket_parts import whole_ticket

        [found] = await find_tickets(engine, record.id, [ticket])
        return await whole_ticket(engine, found.id)

    part = _on_session(session, read)

    def render(target: "Console") -> None:
        sources = "; ".join(f"{one['file']} {', '.join(map(str, one['records']))}" for one in part["sources"])
        target.print(printable(f"{part['title']}\n{part['entity_group']}, from {sources}\n"), soft_wrap=True)
        target.print(printable(part["markdown"]), soft_wrap=True)
        if part["attachment"]:
            target.print(printable(f"\nAttached: {part['attachment']}\n"), soft_wrap=True)
            target.print(printable(part["attachment_content"]), soft_wrap=True)

    show({"ticket": part}, json, render)


@app.command("edit")
def edit_ticket(
    session: SessionId,
    ticket: TicketId,
    *,
    title: Annotated[str | None, typer.Option(help="At most 255 characters.")] = None,
    story: Annotated[str | None, typer.Option(help="The user story.")] = None,
    criteria: Annotated[
        list[str] | None, typer.Option("--criterion", help="A success criterion; give all, once for each.")
    ] = None,
    notes: Annotated[str | None, typer.Option(help="What you add in your own words.")] = None,
    sprint: Sprint = None,
    assignee: Assignee = None,
    issue_type: IssueType = None,
    priority: Priority = None,
    label: Labels = None,
    component: Components = None,
    ready: Ready = None,
    requested_by: RequestedBy = None,
    json: Json = False,
) -> None:
    """Change one ticket. The reference table comes from the spec and stays as it is."""
    text = {"title": title, "story": story, "criteria": criteria, "user_notes": notes}
    given = {name: value for name, value in text.items() if value is not None}
    fields = assignment(
        sprint=sprint,
        assignee=assignee,
        issue_type=issue_type,
        priority=priority,
        labels=label,
        components=component,
        ready=ready,
    )
    require_some({**given, **fields})

    async def edit(engine: "AsyncEngine", record: "Session") -> list[dict[str, Any]]:
        from deployments.cli.ticket_parts import listed_tickets
        from tasks import review

        [found] = await find_tickets(engine, record.id, [ticket])
        refresh, changes = refresher(engine, actor(requested_by)), cast("TicketChanges", {**given, **fields})
        await review.edit_ticket(engine, record.id, found.id, changes, actor(requested_by), refresh=refresh)
        return await listed_tickets(engine, record.id, only=[found.id])

    _show_changed(_on_session(session, edit), json)


@app.command("assign")
def assign_tickets(
    session: SessionId,
    tickets: Tickets = None,
    *,
    group: InGroup = None,
    sprint: Sprint = None,
    assignee: Assignee = None,
    issue_type: IssueType = None,
    priority: Priority = None,
    label: Labels = None,
    component: Components = None,
    ready: Ready = None,
    requested_by: RequestedBy = None,
    json: Json = False,
) -> None:
    """Give many tickets a sprint, an assignee and the like: those named, or a whole group."""
    fields = assignment(
        sprint=sprint,
        assignee=assignee,
        issue_type=issue_type,
        priority=priority,
        labels=label,
        components=component,
        ready=ready,
    )
    require_some(fields)
    if bool(tickets) == bool(group):
        raise typer.BadParameter("Name the tickets, or a group with --group, one of both.")

    async def assign(engine: "AsyncEngine", record: "Session") -> list[dict[str, Any]]:
        from deployments.cli.ticket_parts import listed_tickets
        from tasks import review

        named = [found.id for found in await find_tickets(engine, record.id, tickets or [])]
        chosen = named or [one.id for one in await _of_group(engine, record, group)]
        refresh, values = refresher(engine, actor(requested_by)), cast("Assignment", fields)
        changed = await review.assign_tickets(
            engine, record.id, chosen, values, actor(requested_by), refresh=refresh
        )
        return await listed_tickets(engine, record.id, only=changed)

    _show_changed(_on_session(session, assign), json)


@app.command("order")
def order_ticket(
    session: SessionId,
    ticket: TicketId,
    *,
    before: Annotated[str | None, typer.Option(metavar="TICKET", help="The ticket it goes before.")] = None,
    after: Annotated[str | None, typer.Option(metavar="TICKET", help="The ticket it goes after.")] = None,
    requested_by: RequestedBy = None,
    json: Json = False,
) -> None:
    """Put a ticket before or after another one of its group."""
    beside = before or after
    if beside is None or (before and after):
        raise typer.BadParameter("Say --before or --after which ticket, one of both.")

    async def move(engine: "AsyncEngine", record: "Session") -> list[dict[str, Any]]:
        from deployments.cli.ticket_parts import listed_tickets
        from tasks import review

        moving, other = await find_tickets(engine, record.id, [ticket, beside])
        await review.place_ticket(
            engine, record.id, moving.id, other.id, actor(requested_by), after=after is not None
        )
        return await listed_tickets(engine, record.id, Group(moving.entity_group.value))

    found = _on_session(session, move)
    rows = [(number, short(one["id"]), one["title"]) for number, one in enumerate(found, start=1)]
    show({"tickets": found}, json, lambda target: print_table(target, ("", "Ticket", "Title"), rows))


@app.command("link")
def link_tickets(
    session: SessionId, ticket: TicketId, on: On, requested_by: RequestedBy = None, json: Json = False
) -> None:
    """Let a ticket depend on another one; one that closes a cycle is refused."""
    _set_dependency(session, ticket, on, wanted=True, requested_by=requested_by, as_json=json)


@app.command("unlink")
def unlink_tickets(
    session: SessionId, ticket: TicketId, on: On, requested_by: RequestedBy = None, json: Json = False
) -> None:
    """Take a dependency away."""
    _set_dependency(session, ticket, on, wanted=False, requested_by=requested_by, as_json=json)


@app.command("lock")
def lock_tickets(
    session: SessionId,
    tickets: Annotated[list[str], typer.Argument(metavar="TICKET...", help="Ids, or first characters.")],
    off: Annotated[bool, typer.Option("--off", help="Let them be rewritten again.")] = False,
    requested_by: RequestedBy = None,
    json: Json = False,
) -> None:
    """Keep tickets from being rewritten by anything but a person."""

    async def lock(engine: "AsyncEngine", record: "Session") -> list[dict[str, Any]]:
        from db.engine import session_scope
        from db.repositories.tickets import TicketRepository
        from deployments.cli.ticket_parts import listed_tickets

        chosen = [found.id for found in await find_tickets(engine, record.id, tickets)]
        async with session_scope(engine) as session_:
            await TicketRepository(session_).set_locked(record.id, chosen, not off, actor=actor(requested_by))
        return await listed_tickets(engine, record.id, only=chosen)

    _show_changed(_on_session(session, lock), json)


def _on_session(text: str, doing: Callable[["AsyncEngine", "Session"], Awaitable[Any]]) -> Any:
    async def work(engine: "AsyncEngine") -> Any:
        return await doing(engine, await find_session(engine, text))

    return with_database(work)


async def _of_group(engine: "AsyncEngine", record: "Session", group: Group | None) -> Sequence["Ticket"]:
    from db.engine import session_scope
    from db.enums import EntityGroup
    from db.repositories.tickets import TicketRepository

    async with session_scope(engine) as session:
        wanted = EntityGroup(group.value) if group else None
        return await TicketRepository(session).list_tickets(record.id, group=wanted, brief=True)


def _set_dependency(
    session: str, ticket: str, on: str, *, wanted: bool, requested_by: str | None, as_json: bool
) -> None:
    async def change(engine: "AsyncEngine", record: "Session") -> list[dict[str, Any]]:
        from deployments.cli.ticket_parts import listed_tickets
        from tasks import review

        first, second = await find_tickets(engine, record.id, [ticket, on])
        if not await review.set_dependency(
            engine, record.id, first.id, second.id, actor(requested_by), wanted=wanted
        ):
            note("Nothing to change: it is so already.")
        return await listed_tickets(engine, record.id, only=[first.id])

    _show_changed(_on_session(session, change), as_json)


def _show_changed(found: list[dict[str, Any]], as_json: bool) -> None:
    rows = [(short(one["id"]), one["title"], ", ".join(map(short, one["depends_on"]))) for one in found]
    columns = ("Ticket", "Title", "Depends on")
    show({"tickets": found}, as_json, lambda target: print_table(target, columns, rows))
