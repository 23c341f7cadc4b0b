"""The export record: which row of a spec became which issue. No cleanup removes it."""

import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from db.actor import Actor
from db.base import NOW, table_of
from db.enums import EventCategory
from db.models import ExportRecord
from db.repositories.base import Repository


@dataclass(frozen=True, slots=True)
class ExportedRow:
    """One row of the spec and the issue that it stands in."""

    row_identity: str
    ticket_key: str
    content_hash: str
    jira_ticket_key: str


class ExportRepository(Repository):
    """Rows and their issues, by site and project."""

    async def record(
        self,
        session_id: uuid.UUID,
        jira_site: str,
        jira_project_key: str,
        rows: Sequence[ExportedRow],
        *,
        actor: Actor,
    ) -> None:
        """Keep which issues the rows are in; known ones get the hash of what was sent last."""
        if not rows:
            return
        place = {"session_id": session_id, "jira_site": jira_site, "jira_project_key": jira_project_key}
        statement = insert(table_of(ExportRecord))
        new = statement.excluded
        await self.session.execute(
            statement.on_conflict_do_update(
                constraint="uq_export_records_issue",
                set_={"content_hash": new.content_hash, "session_id": new.session_id, "exported_at": NOW},
            ),
            [place | asdict(row) for row in rows],
        )
        await self.audit.write(
            actor,
            "export.recorded",
            EventCategory.JIRA_EXPORT,
            session_id=session_id,
            entity_type="session",
            entity_id=session_id,
            description=f"{len(rows)} rows are in Jira",
            event_data={"rows": len(rows), "site": jira_site, "project": jira_project_key},
        )

    async def find(self, jira_site: str, jira_project_key: str) -> list[ExportRecord]:
        """Everything that ever went to this project, oldest first."""
        query = (
            select(ExportRecord)
            .where(ExportRecord.jira_site == jira_site, ExportRecord.jira_project_key == jira_project_key)
            .order_by(ExportRecord.exported_at, ExportRecord.row_identity)
        )
        return list(await self.session.scalars(query))
