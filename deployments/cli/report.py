"""The JSON document of a session, as `product.md` fixes it, built from the database alone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import session_scope
from db.enums import SessionStage, SessionStatus
from db.models import AuditLogEntry, Session, Ticket, UploadedFile
from db.repositories.audit import AuditRepository
from db.repositories.background import TaskRepository
from db.repositories.files import FileRepository
from db.repositories.links import IssueLink, LinkRepository
from db.repositories.progress import ProgressRepository
from db.repositories.sessions import SessionRepository
from db.repositories.tickets import TicketRepository
from tasks.core.tickets.known_issues import KnownIssue, in_jira
from tasks.earlier_issues import earlier_issues
from tasks.timings import MOST_ENTRIES, timings


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the database knows of one session."""

    record: Session
    busy: bool
    files: Sequence[UploadedFile]
    tickets: Sequence[Ticket]
    dependencies: dict[UUID, list[UUID]]
    trail: Sequence[AuditLogEntry]
    links: Sequence[IssueLink]
    earlier: Mapping[str, Sequence[KnownIssue]]
    unedited_share: float
    spent_usd: Decimal


async def read_facts(engine: AsyncEngine, session_id: UUID) -> Facts:
    """Everything about a session, read in one transaction."""
    async with session_scope(engine) as session:
        tickets = TicketRepository(session)
        record = await SessionRepository(session).get(session_id)
        return Facts(
            record=record,
            busy=await TaskRepository(session).current(session_id) is not None,
            files=await FileRepository(session).list_files(session_id),
            tickets=await tickets.list_tickets(session_id),
            dependencies=await tickets.dependencies(session_id),
            trail=await AuditRepository(session).trail(session_id, MOST_ENTRIES),
            links=await LinkRepository(session).of_session(session_id),
            earlier=await earlier_issues(session, record),
            unedited_share=await tickets.unedited_share(session_id),
            spent_usd=await ProgressRepository(session).spent_usd(session_id),
        )


def document(facts: Facts) -> dict[str, Any]:
    """The document that `run --json` prints."""
    record = facts.record
    return {
        "session": session_part(record, busy=facts.busy),
        "files": [file_part(file) for file in facts.files],
        "scope": record.scope_counts,
        "findings": record.findings,
        "changes": record.spec_changes or None,
        "tickets": [ticket_part(ticket, facts.dependencies.get(ticket.id, [])) for ticket in facts.tickets],
        "links": [asdict(link) for link in facts.links],
        "already_in_jira": list(already_in_jira(facts)),
        "held": record.held,
        "manual_fixes": manual_fixes(facts.tickets),
        "cost": cost_part(record.writing, facts.spent_usd),
        "writing": record.writing.get("outcome"),
        "unedited_share": round(facts.unedited_share, 4),
        "timings": timings(facts.trail),
    }


def session_part(record: Session, *, busy: bool = False) -> dict[str, Any]:
    """Where a session stands, and whom it waits for."""
    waits = record.current_stage is SessionStage.REVIEW and record.status is SessionStatus.ACTIVE and not busy
    return {
        "id": str(record.id),
        "stage": record.current_stage.value,
        "status": record.status.value,
        "site_name": record.site_name,
        "jira_site": record.jira_site,
        "jira_project_key": record.jira_project_key,
        "waiting_for": "review" if waits else None,
    }


def file_part(file: UploadedFile) -> dict[str, Any]:
    """One file, as far as it is understood."""
    return {
        "filename": file.filename,
        "csv_type": file.csv_type,
        "row_count": file.row_count,
        "validation_status": file.validation_status.value,
    }


def ticket_part(ticket: Ticket, depends_on: Sequence[UUID]) -> dict[str, Any]:
    """One ticket without its text."""
    return {
        "id": str(ticket.id),
        "title": ticket.title,
        "entity_group": ticket.entity_group.value,
        "sources": ticket.csv_source_files,
        "depends_on": [str(identifier) for identifier in depends_on],
        "written_by": ticket.written_by.value,
        "jira_key": ticket.jira_ticket_key,
        "jira_url": ticket.jira_ticket_url,
        "attachment": ticket.attachment.filename if ticket.attachment else None,
    }


def already_in_jira(facts: Facts) -> Iterator[dict[str, Any]]:
    """Tickets that would be a second issue of rows that an earlier session brought to this project."""
    for ticket in facts.tickets:
        there = in_jira(ticket.plan.get("rows", ()), facts.earlier, ticket.content_hash)
        if there is not None:
            yield {
                "ticket_id": str(ticket.id),
                "title": ticket.title,
                "issues": list(there.issues),
                "unchanged": there.unchanged,
            }


def cost_part(writing: Mapping[str, Any], spent_usd: Decimal) -> dict[str, float]:
    """What the text was expected to cost, what it may cost at most, what it has cost; offline it costs nothing."""
    expected = writing.get("estimate") or {}
    return {
        "estimate_usd": expected.get("expected_usd", 0.0),
        "ceiling_usd": expected.get("ceiling_usd", 0.0),
        "spent_usd": float(spent_usd),
    }


def manual_fixes(tickets: Sequence[Ticket]) -> list[dict[str, Any]]:
    """What export could not do and a person has to, ticket by ticket."""
    return [
        {"ticket_id": str(ticket.id), "jira_key": ticket.jira_ticket_key, **fix}
        for ticket in tickets
        for fix in ticket.manual_fixes
    ]
