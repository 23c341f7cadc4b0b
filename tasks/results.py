"""The spec's own files with the Jira keys in their ID columns, written into a folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import session_scope
from db.models import Ticket
from db.repositories.files import FileRepository
from db.repositories.tickets import TicketRepository
from tasks.core.errors import UserFixable
from tasks.core.tickets.results import fill_in
from tasks.written_folder import file_names, write_folder


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file of the spec as it was written: how many of its rows have a key, and what is to be said."""

    filename: str
    written: str
    rows: int
    without_key: tuple[int, ...]
    said: str


async def write_results(
    engine: AsyncEngine, session_id: UUID, folder: Path, *, overwrite: bool = False
) -> list[WrittenFile]:
    """Write the files of the spec into a folder, with the Jira keys in their ID columns.

    Raises UserFixable when nothing is in Jira yet, or when files of that name are there with another content.
    """
    async with session_scope(engine) as session:
        tickets = await TicketRepository(session).list_tickets(session_id, brief=True)
        files = await FileRepository(session).list_files(session_id, content=True)
    keys = keys_by_record(tickets)
    if not keys:
        raise UserFixable(
            "No ticket of this session is in Jira yet.",
            actions=(f"Export it first: drupal-tickets session resume {session_id}",),
            code="not-exported",
        )
    names = file_names([file.filename for file in files], suffix=".csv")
    contents: dict[str, bytes] = {}
    written = []
    for file, name in zip(files, names, strict=True):
        filled = fill_in(file.content, keys.get(file.filename, {}))
        contents[name] = filled.content
        written.append(WrittenFile(file.filename, name, filled.rows, filled.left, filled.said))
    write_folder(folder, contents, overwrite=overwrite)
    return written


def keys_by_record(tickets: Sequence[Ticket]) -> dict[str, dict[int, list[str]]]:
    """The issues of each row, by file and record number; a row may stand in several tickets."""
    found: dict[str, dict[int, list[str]]] = {}
    for ticket in tickets:
        for source in ticket.csv_source_files if ticket.jira_ticket_key else ():
            for record in source["records"]:
                found.setdefault(source["file"], {}).setdefault(record, []).append(
                    str(ticket.jira_ticket_key)
                )
    return found
