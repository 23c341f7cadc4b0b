"""`drupal-tickets session results` and `tickets write`: a session as files, with its Jira keys or without Jira."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deployments.cli.options import SessionId
from deployments.cli.output import Json, note, print_table, show
from deployments.cli.workplace import find_session, with_database
from tasks.core.tickets.handover import Format

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The folder that the files are written to.")]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace files of the same names that say something else.")
]


def write_results(
    session: SessionId, folder: Folder, overwrite: Overwrite = False, json: Json = False
) -> None:
    """Write the spec's CSV files with the Jira keys in their ID columns, and not a byte else changed."""

    async def write(engine: "AsyncEngine") -> list[dict[str, Any]]:
        from tasks.results import write_results

        record = await find_session(engine, session)
        return [
            {
                "filename": file.filename,
                "written": str(folder / file.written),
                "rows": file.rows,
                "records_without_key": list(file.without_key),
                "said": file.said,
            }
            for file in await write_results(engine, record.id, folder, overwrite=overwrite)
        ]

    files = with_database(write)
    rows = [(one["written"], one["rows"], remark(one)) for one in files]
    show({"results": files}, json, lambda target: print_table(target, ("File", "Rows with a key", ""), rows))
    for one in files:
        if one["said"]:
            note(f"{one['filename']} is as it was: {one['said']}.")


def write_tickets(
    session: SessionId,
    folder: Folder,
    form: Annotated[
        Format,
        typer.Option(
            "--format", help="A CSV for Jira's own importer, a folder of Markdown, or one HTML page."
        ),
    ],
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Write all tickets as files, without any Jira: for its importer, for an editor, for a browser."""

    async def write(engine: "AsyncEngine") -> list[str]:
        from tasks.handover import write_tickets

        record = await find_session(engine, session)
        return await write_tickets(engine, record.id, folder, form, overwrite=overwrite)

    files = with_database(write)
    document = {"written": {"folder": str(folder), "format": form.value, "files": files}}
    show(document, json, lambda target: target.print(f"{folder}: {files[0]}", soft_wrap=True))
    if len(files) > 1:
        note(f"{len(files)} files in {folder}.")


def remark(file: dict[str, Any]) -> str:
    """What is to be said of a file."""
    if file["said"]:
        return f"unchanged: {file['said']}"
    if file["records_without_key"]:
        return f"records without an ID cell: {', '.join(map(str, file['records_without_key']))}"
    return ""
