"""Removing what is past its retention: in bounded batches, each a transaction of its own, so that it can be stopped."""

import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

from prefect import task
from prefect.artifacts import acreate_table_artifact
from prefect.runtime import flow_run
from pydantic import BaseModel, Field

from blocks.database import database_engine
from db.actor import Actor
from db.engine import session_scope
from db.enums import EventCategory
from db.repositories.audit import AuditRepository
from db.repositories.retention import RetentionRepository
from tasks.retrying import RETRYING

# Their tickets go along, and each entry of their trails is written anew: under a second.
SESSIONS_AT_ONCE = 10
ROWS_AT_ONCE = 1000
MOST_BATCHES = 1000

Remove = Callable[[RetentionRepository], Awaitable[int]]


class CleanupReport(BaseModel):
    """What a clean-up did, or would do."""

    what: str
    retention_days: int
    dry_run: bool
    past_retention: int = Field(description="How many were past their retention when the run began.")
    removed: int = 0
    runs_removed: int = Field(default=0, description="Of sessions: Prefect's runs, with logs and artifacts.")


@task(task_run_name="remove old sessions", **RETRYING)
async def remove_sessions(retention_days: int, dry_run: bool) -> CleanupReport:
    """Remove sessions without activity for so long; running, waiting and unsettled ones stay."""
    age = timedelta(days=retention_days)
    return await _clean(
        CleanupReport(what="sessions", retention_days=retention_days, dry_run=dry_run, past_retention=0),
        lambda retention: retention.count_sessions(age),
        lambda retention: retention.remove_sessions(age, SESSIONS_AT_ONCE, actor=_actor()),
    )


@task(task_run_name="remove old replies of models", **RETRYING)
async def remove_model_calls(retention_days: int, dry_run: bool) -> CleanupReport:
    """Remove replies that were of no use for so long; they belong to the installation and outlive the sessions."""
    age = timedelta(days=retention_days)
    return await _clean(
        CleanupReport(what="model-calls", retention_days=retention_days, dry_run=dry_run, past_retention=0),
        lambda retention: retention.count_model_calls(age),
        lambda retention: retention.remove_model_calls(age, ROWS_AT_ONCE),
    )


@task(task_run_name="remove old audit entries", **RETRYING)
async def remove_audit_entries(retention_days: int, dry_run: bool) -> CleanupReport:
    """Remove audit entries of so long ago."""
    age = timedelta(days=retention_days)
    return await _clean(
        CleanupReport(what="audit-log", retention_days=retention_days, dry_run=dry_run, past_retention=0),
        lambda retention: retention.count_audit_entries(age),
        lambda retention: retention.remove_audit_entries(age, ROWS_AT_ONCE),
    )


@task(task_run_name="remove old tokens", **RETRYING)
async def remove_tokens(retention_days: int, dry_run: bool) -> CleanupReport:
    """Remove Jira logins whose refresh token expired so long ago."""
    age = timedelta(days=retention_days)
    return await _clean(
        CleanupReport(what="tokens", retention_days=retention_days, dry_run=dry_run, past_retention=0),
        lambda retention: retention.count_tokens(age),
        lambda retention: retention.remove_tokens(age),
    )


@task(task_run_name="publish the counts", **RETRYING)
async def publish_report(*reports: CleanupReport) -> None:
    """Show what was removed in the UI, what the run is named for first."""
    what = reports[0].what
    table = [report.model_dump() for report in reports]
    await acreate_table_artifact(table=table, key=f"cleanup-{what}", description=f"Clean-up of {what}")


async def _clean(report: CleanupReport, count: Remove, remove: Remove) -> CleanupReport:
    engine, began = await database_engine(), time.monotonic()
    async with session_scope(engine) as session:
        past = await count(RetentionRepository(session))
    removed = 0
    for _ in range(0 if report.dry_run else MOST_BATCHES):
        async with session_scope(engine) as session:
            batch = await remove(RetentionRepository(session))
        removed += batch
        if batch == 0:
            break
    report = report.model_copy(update={"past_retention": past, "removed": removed})
    async with session_scope(engine) as session:
        await AuditRepository(session).write(
            _actor(),
            f"cleanup.{report.what}",
            EventCategory.SYSTEM,
            entity_type="retention",
            entity_id=report.what,
            description=f"{report.removed} of {report.past_retention} removed",
            event_data=report.model_dump(),
            execution_time_ms=round((time.monotonic() - began) * 1000),
        )
    return report


def _actor() -> Actor:
    return Actor(claimed="cleanup", request_id=str(flow_run.id or ""))
