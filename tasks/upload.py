"""Upload: files into the database, then read, recognised and checked together."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence

from prefect import task

from blocks.database import database_engine
from db.engine import session_scope
from db.enums import ErrorSeverity, FileValidationStatus, SessionStage, TypeSetBy
from db.repositories.files import FileRepository
from db.repositories.sessions import SessionRepository
from tasks.artifacts import publish_page, publish_picture, publish_table
from tasks.core.errors import UserFixable
from tasks.core.findings import Finding
from tasks.core.forms import InlineFile
from tasks.core.outcomes import StageOutcome, StageRun
from tasks.core.settings import SessionSettings
from tasks.core.spec.changes import Reading, compare, reading_of
from tasks.core.spec.model import SourceFile, Spec, Table
from tasks.core.spec.report_markdown import as_markdown
from tasks.core.tickets.picture import svg
from tasks.progress import Count, shown_progress
from tasks.retrying import ONCE, RETRYING
from tasks.session_files import keep_files, set_types
from tasks.session_spec import SessionSpec, read_session_spec
from tasks.sources import read_named
from tasks.stage_record import actor_of


@task(task_run_name="store files", **ONCE)
async def store_files(
    run: StageRun, names: Sequence[str], files: Sequence[InlineFile], types: Mapping[str, str]
) -> int:
    """Keep the given files with the session, so that a worker anywhere has them; returns how many."""
    engine = await database_engine()
    async with session_scope(engine) as session:
        record = await SessionRepository(session).get(run.session_id)
    limits = SessionSettings.model_validate(record.settings).limits
    inline = [SourceFile(file.filename, file.content) for file in files]
    given = await asyncio.to_thread(read_named, names, limits, inline) if names or files else []
    async with session_scope(engine) as session:
        repository = FileRepository(session)
        await keep_files(repository, run.session_id, given, limits, actor_of(run))
        await set_types(repository, run.session_id, types, actor_of(run))
    return len(given)


@task(task_run_name="check the spec", **RETRYING)
async def check_spec(run: StageRun) -> list[Finding]:
    """Read all files of the session together and store what each is and what is wrong with them."""
    engine = await database_engine()
    found = await read_session_spec(engine, run.session_id)
    count = Count(len(found.files))
    async with shown_progress(run, "files checked", count.measure):
        async with session_scope(engine) as session:
            await _store(run, found, FileRepository(session), SessionRepository(session))
        count.advance(len(found.files))
    return list(found.findings)


async def load_session_spec(run: StageRun) -> tuple[Spec, SessionSettings]:
    """The spec of a session as its stored files say it now, with the session's settings."""
    found = await read_session_spec(await database_engine(), run.session_id)
    return found.spec, found.settings


@task(task_run_name="publish the spec report", **RETRYING)
async def publish_spec_report(run: StageRun) -> None:
    """Show findings, scope and the graph of bundles in the UI."""
    found = await read_session_spec(await database_engine(), run.session_id)
    rows = [_finding_row(finding) for finding in found.findings]
    await publish_table(run, "findings", rows, f"Findings of {run.site_name}")
    report = found.report()
    advice = (
        f"As one page to send to the client: `drupal-tickets session report {run.session_id} --html FILE`"
    )
    page = as_markdown(report, advice, draw=False)  # the picture is an artifact of its own
    await publish_page(run, "spec-report", page, f"Spec report of {run.site_name}")
    for section in report.sections:
        if section.graph is not None:
            picture = svg(section.graph, run.site_name, "bundle")
            await publish_picture(run, "bundles", picture, f"{section.heading}: {run.site_name}")


@task(task_run_name="finish upload", **RETRYING)
async def finish_upload(run: StageRun, findings: list[Finding]) -> StageOutcome:
    """Move the session on to processing, or say everything that blocks it at once."""
    blocking = [finding for finding in findings if finding.severity is ErrorSeverity.BLOCKING]
    if blocking:
        raise UserFixable(
            _blocked(blocking),
            actions=tuple(action for finding in blocking for action in finding.actions),
            code=blocking[0].code,
            details={"findings": [finding.model_dump(mode="json") for finding in blocking]},
        )
    async with session_scope(await database_engine()) as session:
        await SessionRepository(session).move(
            run.session_id, SessionStage.UPLOAD, SessionStage.PROCESSING, actor=actor_of(run)
        )
    counts = Counter(finding.severity.value for finding in findings)
    return StageOutcome(
        session_id=run.session_id,
        stage=SessionStage.PROCESSING,
        message=f"The spec is read: {counts['warning']} warnings, {counts['info']} notes, nothing that blocks.",
        counts=dict(counts),
    )


async def _store(
    run: StageRun, found: SessionSpec, repository: FileRepository, sessions: SessionRepository
) -> None:
    tables = {table.filename: table for table in found.spec.tables}
    blocked = {finding.file for finding in found.spec.blocking}
    for file in found.files:
        table = tables.get(file.filename)
        await repository.store_parsed(
            file.id,
            csv_type=table.csv_type if table else None,
            parsed=_parsed(table) if table else None,
            row_count=len(table.rows) if table else 0,
            status=FileValidationStatus.INVALID if file.filename in blocked else FileValidationStatus.VALID,
            type_set_by=file.type_set_by or TypeSetBy.DETECTION,
            actor=actor_of(run),
        )
    before = Reading.model_validate(await sessions.spec_reading(run.session_id))
    now = reading_of(found.spec, found.findings)
    changes = compare(before, now) if before.rows else None
    await sessions.store_spec_report(
        run.session_id,
        findings=[finding.model_dump(mode="json") for finding in found.findings],
        scope_counts={tab: dict(counts) for tab, counts in found.spec.scope_counts.items()},
        held=[
            {"file": held.file, "record": held.record, "x": held.x, "reason": held.reason}
            for held in found.spec.held
        ],
        reading=now.model_dump(mode="json"),
        changes=changes.model_dump(mode="json") if changes else None,
        actor=actor_of(run),
    )


def _parsed(table: Table) -> dict[str, object]:
    return {
        "header": list(table.header),
        "confidence": table.confidence,
        "reasons": list(table.reasons),
        "rows": [
            {"record": row.record, "x": row.x, "cells": [cell for _, cell in row.cells]} for row in table.rows
        ],
    }


def _finding_row(finding: Finding) -> dict[str, object]:
    return {
        "severity": finding.severity.value,
        "file": finding.file or "",
        "records": ", ".join(map(str, finding.records)),
        "column": finding.column or "",
        "value": finding.value or "",
        "message": finding.message,
        "what to do": " ".join(finding.actions),
        "code": finding.code,
    }


def _blocked(blocking: Sequence[Finding]) -> str:
    where = [
        f"{finding.file}: {finding.message}" if finding.file else finding.message for finding in blocking
    ]
    return "The spec cannot be used as it is. " + " ".join(where)
