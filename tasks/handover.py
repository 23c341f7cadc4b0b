"""The tickets of a session without Jira: a CSV for Jira's importer, Markdown, or a page of HTML, in a folder."""

from collections.abc import Callable, Mapping
from pathlib import Path
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import session_scope
from db.models import Session, Ticket
from db.repositories.sessions import SessionRepository
from db.repositories.tickets import TicketRepository
from tasks.core.errors import UserFixable
from tasks.core.settings import JiraSettings, SessionSettings
from tasks.core.tickets.handover import Format, Handed, Handover, arranged
from tasks.core.tickets.handover_html import html_page
from tasks.core.tickets.handover_markdown import attachment_files, markdown_files
from tasks.core.tickets.importer import importer_csv
from tasks.core.tickets.model import AttachmentFile
from tasks.written_folder import write_folder


def _csv(handover: Handover) -> dict[str, bytes]:
    return {"jira-import.csv": importer_csv(handover)} | attachment_files(handover)


WRITERS: Mapping[Format, Callable[[Handover], dict[str, bytes]]] = {
    Format.CSV: _csv,
    Format.MARKDOWN: markdown_files,
    Format.HTML: lambda handover: {"tickets.html": html_page(handover)},
}


async def write_tickets(
    engine: AsyncEngine, session_id: UUID, folder: Path, chosen: Format, *, overwrite: bool = False
) -> list[str]:
    """Write all tickets of a session into a folder; returns the names of the files."""
    handover = await read_handover(engine, session_id)
    if not handover.tickets:
        raise UserFixable(
            "The session has no tickets yet.",
            actions=(f"Make them: drupal-tickets session resume {session_id}",),
            code="no-tickets",
        )
    files = WRITERS[chosen](handover)
    write_folder(folder, files, overwrite=overwrite)
    return list(files)


async def read_handover(engine: AsyncEngine, session_id: UUID) -> Handover:
    """The tickets as they are now, in the order of work."""
    async with session_scope(engine) as session:
        record = await SessionRepository(session).get(session_id)
        repository = TicketRepository(session)
        tickets = await repository.list_tickets(session_id)
        dependencies = await repository.dependencies(session_id)
    keys = {ticket.id: ticket.key for ticket in tickets}
    waits = {one: tuple(keys[other] for other in others) for one, others in dependencies.items()}
    settings = SessionSettings.model_validate(record.settings).jira
    return _handover(record, settings, [_handed(t, waits.get(t.id, ()), settings) for t in tickets])


def _handover(record: Session, settings: JiraSettings, tickets: list[Handed]) -> Handover:
    return Handover(
        site_name=record.site_name,
        project_key=record.jira_project_key,
        link_type=settings.link_type,
        parent_key=settings.parent_key,
        tickets=arranged(tickets),
    )


def _handed(ticket: Ticket, depends_on: tuple[str, ...], settings: JiraSettings) -> Handed:
    file = ticket.attachment
    return Handed(
        key=ticket.key,
        title=ticket.title,
        description=ticket.description,
        group=ticket.entity_group.value,
        issue_type=ticket.issue_type or settings.issue_type,
        priority=ticket.priority,
        assignee=ticket.assignee,
        sprint=ticket.sprint,
        labels=tuple(dict.fromkeys((*settings.labels, *ticket.labels))),
        components=tuple(dict.fromkeys((*settings.components, *ticket.components))),
        depends_on=depends_on,
        sources=tuple(
            f"{source['file']}: {', '.join(map(str, source['records']))}"
            for source in ticket.csv_source_files
        ),
        attachment=AttachmentFile(filename=file.filename, content=file.content) if file else None,
        jira_key=ticket.jira_ticket_key,
        jira_url=ticket.jira_ticket_url,
    )
