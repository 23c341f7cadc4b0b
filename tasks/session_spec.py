"""The spec of a session, from its stored files: read anew by whoever needs it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import session_scope
from db.enums import TypeSetBy
from db.models import UploadedFile
from db.repositories.files import FileRepository
from db.repositories.sessions import SessionRepository
from tasks.core.errors import UserFixable
from tasks.core.findings import Finding
from tasks.core.settings import SessionSettings
from tasks.core.spec.changes import SpecChanges
from tasks.core.spec.load import load_spec
from tasks.core.spec.model import SourceFile, Spec
from tasks.core.spec.report import SpecReport, spec_report
from tasks.core.tickets.known_issues import KnownIssue, already_in_jira
from tasks.core.tickets.planning import plan_tickets
from tasks.earlier_issues import earlier_issues


@dataclass(frozen=True, slots=True)
class SessionSpec:
    """The files of a session, the spec that they make, all findings, and what the last upload changed."""

    site_name: str
    settings: SessionSettings
    files: Sequence[UploadedFile]
    spec: Spec
    findings: tuple[Finding, ...]
    changes: SpecChanges

    def report(self) -> SpecReport:
        """All of it as a report."""
        return spec_report(self.spec, self.findings, self.site_name, self.changes)


async def read_session_spec(engine: AsyncEngine, session_id: UUID) -> SessionSpec:
    """The spec as the stored files say it now; raises UserFixable when there are none."""
    async with session_scope(engine) as session:
        record = await SessionRepository(session).get(session_id)
        files = await FileRepository(session).list_files(session_id, content=True)
        known = await earlier_issues(session, record)
    if not files:
        raise UserFixable(
            "The session has no files.",
            actions=(f"Give it the spec: drupal-tickets upload {session_id} FOLDER",),
            code="no-files",
        )
    settings = SessionSettings.model_validate(record.settings)
    spec, findings = await asyncio.to_thread(_load, files, settings, known)
    changes = SpecChanges.model_validate(record.spec_changes)
    return SessionSpec(record.site_name, settings, files, spec, findings, changes)


def _load(
    files: Sequence[UploadedFile], settings: SessionSettings, known: Mapping[str, Sequence[KnownIssue]]
) -> tuple[Spec, tuple[Finding, ...]]:
    """The spec, and its findings with those that planning its tickets adds, and what is in Jira already."""
    types = {
        file.filename: file.csv_type
        for file in files
        if file.type_set_by is TypeSetBy.PERSON and file.csv_type
    }
    spec = load_spec([SourceFile(file.filename, file.content) for file in files], settings, types)
    if spec.blocking:
        return spec, spec.findings
    plan = plan_tickets(spec, settings)
    return spec, (*spec.findings, *plan.findings, *already_in_jira(plan.tickets, known))
