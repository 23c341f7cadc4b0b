"""What earlier sessions made of the same rows in the same Jira project, from the export record."""

from sqlalchemy.ext.asyncio import AsyncSession

from db.enums import SessionStage
from db.models import Session
from db.repositories.exports import ExportRepository
from tasks.core.tickets.known_issues import KnownIssue, by_row

# A session whose tickets are not made yet has no issues of its own, but those that a rollback kept.
BEFORE_TICKETS = {SessionStage.SITE_INFO_COLLECTION, SessionStage.UPLOAD, SessionStage.PROCESSING}


async def earlier_issues(session: AsyncSession, record: Session) -> dict[str, list[KnownIssue]]:
    """The issues by row; none as long as the session has not seen its Jira."""
    if record.jira_site is None:
        return {}
    found = await ExportRepository(session).find(record.jira_site, record.jira_project_key)
    ours_count = record.current_stage in BEFORE_TICKETS
    return by_row(
        KnownIssue(row=one.row_identity, key=one.jira_ticket_key, content_hash=one.content_hash)
        for one in found
        if ours_count or one.session_id != record.id
    )
