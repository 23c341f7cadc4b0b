"""Upload: files into the database, then read, recognised and checked together."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from prefect import task

from blocks.database import database_engine
from db.engine import session_scope
from db.enums import ErrorSeverity, FileValidationStatus, SessionStage, TypeSetBy
from db.models import UploadedFile
from db.repositories.files import FileRepository
from db.repositories.sessions import SessionRepository
from tasks.artifacts import publish_page, publish_table
from tasks.core.errors import UserFixable
from tasks.core.findings import Finding
from tasks.core.forms import InlineFile
from tasks.core.outcomes import StageOutcome, StageRun
from tasks.core.settings import SessionSettings
from tasks.core.spec.load import load_spec
from tasks.core.spec.model import SourceFile, Spec, Table
from tasks.core.spec.report import spec_report
from tasks.core.tickets.planning import plan_tickets
from tasks.progress import Count, shown_progress
from tasks.retrying import ONCE, RETRYING
from tasks.sources import read_named
from tasks.stage_record import actor_of


@task(task_run_name="store files", **ONCE)
async def store_files(
    run: StageRun, names: Sequence[str], files: Sequence[InlineFile], types: dict[str, str]
) -> int:
    """Keep the given files with the session, so that a worker anywhere has them; returns how many."""
    engine = await database_engine()
    async with session_scope(engine) as session:
        record = await SessionRepository(session).get(run.session_id)
    limits = SessionSettings.model_validate(record.settings).limits
    inline = [SourceFile(file.filename, file.text.encode()) for file in files]
    given = await asyncio.to_thread(read_named, names, limits, inline) if names or files else []
    async with session_scope(engine) as session:
        repository = FileRepository(session)
        for file in given:
            await repository.add(run.session_id, file.filename, file.content, actor=actor_of(run))
        await repository.set_types(run.session_id, types, actor=actor_of(run))
    return len(given)


@task(task_run_name="check the spec", **RETRYING)
async def check_spec(run: StageRun) -> list[Finding]:
    """Read all files of the session together and store what each is and what is wrong with them."""
    engine = await database_engine()
    async with session_scope(engine) as session:
        record = await SessionRepository(session).get(run.session_id)
        settings = SessionSettings.model_validate(record.settings)
        files = await FileRepository(session).list_files(run.session_id, content=True)
    if not files:
        raise UserFixable(
            "The session has no files.",
            actions=(f"Give it the spec: drupal-tickets upload {run.session_id} FOLDER",),
            code="no-files",
        )
    count = Count(len(files))
    async with shown_progress(run, "files checked", count.measure):
        spec = await asyncio.to_thread(load_files, files, settings)
        async with session_scope(engine) as session:
            await _store(run, files, spec, FileRepository(session), SessionRepository(session))
        count.advance(len(files))
    return list(spec.findings)


def load_files(files: Sequence[UploadedFile], settings: SessionSettings) -> Spec:
    """The spec that the stored files make together, with what planning its tickets finds."""
    types = {
        file.filename: file.csv_type
        for file in files
        if file.type_set_by is TypeSetBy.PERSON and file.csv_type
    }
    spec = load_spec([SourceFile(file.filename, file.content) for file in files], settings, types)
    if spec.blocking:
        return spec
    plan = plan_tickets(spec, settings)
    return replace(spec, findings=(*spec.findings, *plan.findings))


async def load_session_spec(run: StageRun) -> tuple[Spec, SessionSettings]:
    """The spec of a session as its stored files say it now, with the session's settings."""
    async with session_scope(await database_engine()) as session:
        record = await SessionRepository(session).get(run.session_id)
        settings = SessionSettings.model_validate(record.settings)
        files = await FileRepository(session).list_files(run.session_id, content=True)
    return await asyncio.to_thread(load_files, files, settings), settings


@task(task_run_name="publish the spec report", **RETRYING)
async def publish_spec_report(run: StageRun) -> None:
    """Show findings and scope in the UI."""
    spec, _ = await load_session_spec(run)
    await publish_table(
        run, "findings", [_finding_row(finding) for finding in spec.findings], f"Findings of {run.site_name}"
    )
    await publish_page(
        run, "spec-report", spec_report(spec, run.site_name), f"Spec report of {run.site_name}"
    )


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
    run: StageRun,
    files: Sequence[UploadedFile],
    spec: Spec,
    repository: FileRepository,
    sessions: SessionRepository,
) -> None:
    tables = {table.filename: table for table in spec.tables}
    blocked = {finding.file for finding in spec.blocking}
    for file in files:
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
    await sessions.store_spec_report(
        run.session_id,
        findings=[finding.model_dump(mode="json") for finding in spec.findings],
        scope_counts={tab: dict(counts) for tab, counts in spec.scope_counts.items()},
        held=[
            {"file": held.file, "record": held.record, "x": held.x, "reason": held.reason}
            for held in spec.held
        ],
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
