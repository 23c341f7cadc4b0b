"""`drupal-tickets tickets pull, push, picture`: the tickets as files in a folder, and what waits for what."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deployments.cli.options import RequestedBy, SessionId, actor
from deployments.cli.output import Json, note, print_table, show
from deployments.cli.project_refresh import refresher
from deployments.cli.workplace import find_session, with_database
from tasks.core.errors import UserFixable
from tasks.core.tickets.pushing import Side

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from tasks.core.tickets.waves import Graph

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A folder for the files of this session.")]
SHOWN = 200
PICTURES = (".svg", ".mmd", ".md")


def pull_tickets(
    session: SessionId,
    folder: Folder,
    discard: Annotated[
        bool, typer.Option("--discard", help="Overwrite changes in the folder that were not pushed.")
    ] = False,
    json: Json = False,
) -> None:
    """Write one Markdown file per ticket and one sheet of all into a folder, to be changed there and pushed."""

    async def write(engine: "AsyncEngine") -> dict[str, Any]:
        from tasks.review_files import pull
        from tasks.ticket_folder import SHEET

        record = await find_session(engine, session)
        pulled = await pull(engine, record.id, folder, discard=discard)
        return {"folder": pulled.folder, "tickets": pulled.files, "sheet": SHEET}

    done = with_database(write)
    told = f"{done['tickets']} tickets in {done['folder']}, and all of them in {done['sheet']}."
    show({"pulled": done}, json, lambda target: target.print(told))
    note(f"When they are changed: drupal-tickets tickets push {session} {folder}")


def push_tickets(
    session: SessionId,
    folder: Folder,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the difference and change nothing.")
    ] = False,
    prefer: Annotated[
        Side | None,
        typer.Option(
            help="Whose change stands where a field was changed here and there; else nothing is applied."
        ),
    ] = None,
    requested_by: RequestedBy = None,
    json: Json = False,
) -> None:
    """Show what was changed in the files of a folder, and apply it: all of it or nothing."""

    async def apply(engine: "AsyncEngine") -> list[dict[str, Any]]:
        from tasks.core.tickets.editable import NAMES, shown
        from tasks.review_files import push

        record = await find_session(engine, session)
        pushed = await push(
            engine,
            record.id,
            folder,
            actor(requested_by),
            dry_run=dry_run,
            side=prefer,
            refresh=refresher(engine, actor(requested_by)),
        )
        return [
            {
                "ticket": change.ticket_id,
                "title": change.title,
                "before": {NAMES[field]: shown(value) for field, value in change.before.items()},
                "changes": {NAMES[field]: shown(value) for field, value in change.after.items()},
            }
            for change in pushed.changes
        ]

    changes = with_database(apply)
    rows = [
        (one["title"], field, one["before"][field][:SHOWN], value[:SHOWN])
        for one in changes
        for field, value in one["changes"].items()
    ]
    done = {"changes": changes, "applied": bool(changes) and not dry_run}
    columns = ("Ticket", "Field", "There", "In the files")
    show(done, json, lambda target: print_table(target, columns, rows) if rows else None)
    note(f"{len(changes)} tickets {'would be' if dry_run else 'were'} changed.")


def draw_picture(
    session: SessionId,
    output: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="An .svg or .mmd file; else Mermaid on the terminal."),
    ] = None,
    json: Json = False,
) -> None:
    """Draw what waits for what: groups, waves, cycles and what gave way, as SVG or as Mermaid source."""
    from tasks.core.tickets.mermaid import mermaid
    from tasks.core.tickets.picture import svg

    name, graph = with_database(lambda engine: _graph(engine, session))
    if output is not None:
        _write(output, svg(graph, name) if output.suffix.lower() == ".svg" else mermaid(graph))
    document = {
        "waves": [[node.title for node in wave] for wave in graph.waves()],
        "cycles": graph.cycles(),
        "file": str(output) if output else None,
        "mermaid": mermaid(graph),
    }
    told = f"{len(graph.nodes)} tickets in {output}" if output else mermaid(graph)
    show(document, json, lambda target: target.print(told, soft_wrap=True))


def _write(output: Path, text: str) -> None:
    if output.suffix.lower() not in PICTURES:
        raise UserFixable(f"{output} is no {' or '.join(PICTURES)} file.", code="picture-file")
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserFixable(f"{output} cannot be written: {error.strerror}.", code="picture-file") from error


async def _graph(engine: "AsyncEngine", text: str) -> "tuple[str, Graph]":
    from db.engine import session_scope
    from tasks.review_graph import read_graph

    record = await find_session(engine, text)
    async with session_scope(engine) as session:
        return record.site_name, await read_graph(session, record.id)
