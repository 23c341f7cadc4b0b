"""`drupal-tickets tickets versions, restore, regenerate`: what a ticket said, and written anew."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from deployments.cli.options import RequestedBy, SessionId, TicketId, actor
from deployments.cli.output import Json, note, print_table, printable, show
from deployments.cli.ticket_options import InGroup, Tickets
from deployments.cli.workplace import Workplace, find_session, find_tickets, with_database, with_stack

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from db.actor import Actor

OFFLINE = "offline"


def list_versions(session: SessionId, ticket: TicketId, json: Json = False) -> None:
    """Show what a ticket said before, newest first."""

    async def read(engine: "AsyncEngine") -> list[dict[str, Any]]:
        from tasks.review_versions import versions_of

        record = await find_session(engine, session)
        [found] = await find_tickets(engine, record.id, [ticket])
        now, earlier = await versions_of(engine, record.id, found.id)
        current = {**_text(now), "replaced_by": None, "replaced_at": None}
        before = [
            {**_text(one), "replaced_by": one.replaced_by, "replaced_at": one.replaced_at.isoformat()}
            for one in earlier
        ]
        return [current, *before]

    versions = with_database(read)
    columns = ("Version", "Title", "Written by", "Replaced by", "At")
    rows = [
        (one["version"], one["title"], one["written_by"], one["replaced_by"] or "(now)", one["replaced_at"])
        for one in versions
    ]
    show({"versions": versions}, json, lambda target: print_table(target, columns, rows))


def _text(ticket: Any) -> dict[str, Any]:
    return {
        "version": ticket.revision,
        "title": ticket.title,
        "story": ticket.story,
        "criteria": ticket.criteria,
        "notes": ticket.user_notes,
        "written_by": ticket.written_by.value,
    }


def restore_ticket(
    session: SessionId,
    ticket: TicketId,
    version: Annotated[int, typer.Option("--version", help="The version that it shall say again.")],
    requested_by: RequestedBy = None,
    json: Json = False,
) -> None:
    """Give a ticket the text of an earlier version; what it says now is kept as a version too."""

    async def restore(engine: "AsyncEngine") -> dict[str, Any]:
        from tasks.review_versions import restore_version

        record = await find_session(engine, session)
        [found] = await find_tickets(engine, record.id, [ticket])
        restored = await restore_version(engine, record.id, found.id, version, actor(requested_by))
        return {"id": str(restored.id), **_text(restored)}

    done = with_database(restore)
    show(
        {"ticket": done},
        json,
        lambda target: target.print(printable(f"{done['title']} (now version {done['version']})")),
    )


def regenerate_tickets(
    session: SessionId,
    tickets: Tickets = None,
    *,
    group: InGroup = None,
    instruction: Annotated[
        str, typer.Option("--instruction", "-i", help="What to do differently; a model follows it.")
    ] = "",
    replace_edits: Annotated[
        bool, typer.Option("--replace-edits", help="Also rewrite what a person changed; versions are kept.")
    ] = False,
    requested_by: RequestedBy = None,
    json: Json = False,
) -> None:
    """Have tickets written anew: those named, or a group. Locked ones are left alone."""
    if bool(tickets) == bool(group):
        raise typer.BadParameter("Name the tickets, or a group with --group, one of both.")
    asked = {
        "instruction": instruction,
        "group": group.value if group else None,
        "replace_edits": replace_edits,
    }
    acting = actor(requested_by)
    provider, named = with_database(lambda engine: _chosen(engine, session, tickets or []))
    if provider == OFFLINE:
        document = with_database(
            lambda engine: _offline(engine, session, {**asked, "tickets": named}, acting)
        )
    else:
        document = with_stack(lambda place: _by_model(place, session, {**asked, "tickets": named}, acting))
    rows = [(one["title"], one["result"], ", ".join(one["kept"])) for one in document["tickets"]]

    def render(target: Any) -> None:
        print_table(target, ("Ticket", "Result", "Kept as the person wrote it"), rows)

    show(document, json, render)
    note(document["message"])


async def _chosen(engine: "AsyncEngine", text: str, tickets: list[str]) -> tuple[str, list[str]]:
    record = await find_session(engine, text)
    found = await find_tickets(engine, record.id, tickets)
    return record.llm_provider_choice, [str(ticket.id) for ticket in found]


async def _offline(
    engine: "AsyncEngine", text: str, asked: dict[str, Any], acting: "Actor"
) -> dict[str, Any]:
    """The offline writer takes milliseconds: no run is started for it."""
    from tasks.core.forms import Rewrite
    from tasks.regeneration import chosen_tickets, regenerate_one, said
    from tasks.writers import OfflineWriter

    record, rewrite = await find_session(engine, text), Rewrite.model_validate(asked)
    chosen = await chosen_tickets(engine, record.id, rewrite.tickets, rewrite.group)
    write = OfflineWriter().write
    results = [
        await regenerate_one(engine, ticket, write, acting, replace_edits=rewrite.replace_edits)
        for ticket in chosen
    ]
    told = said(results, unheard=bool(rewrite.instruction.strip()))
    return {"message": told, "tickets": [one.model_dump(mode="json") for one in results]}


async def _by_model(place: Workplace, text: str, asked: dict[str, Any], acting: "Actor") -> dict[str, Any]:
    from deployments.cli.working import work

    record = await find_session(place.engine, text)
    ending = await work(place, record.id, "generate-tickets", acting, rewrite=asked)
    return {"message": ending.message, "tickets": [], "run": place.address_of(ending.run_id)}
