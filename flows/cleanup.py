"""Housekeeping on schedules: what is past its retention goes, in small batches, and the counts are shown."""

from prefect import flow

from tasks.cleanup import (
    CleanupReport,
    publish_report,
    remove_audit_entries,
    remove_model_calls,
    remove_sessions,
    remove_tokens,
)
from tasks.cleanup_prefect import remove_runs
from tasks.lifecycle import clear_ending


@flow(name="cleanup-sessions", flow_run_name="cleanup-sessions")
@clear_ending
async def cleanup_sessions(
    retention_days: int = 7, dry_run: bool = False, model_retention_days: int = 90
) -> CleanupReport:
    """Remove sessions whose last activity is long ago; never one that runs, waits for review or may be in Jira.

    Prefect's runs and artifacts of them go too.

    What models answered outlives the sessions, so that nothing is paid for twice; what was of no use for long goes.

    Args:
        retention_days: Days since the last activity.
        dry_run: Count only, remove nothing.
        model_retention_days: Days since a model's reply was last of use.
    """
    report = await remove_sessions(retention_days, dry_run)
    if not dry_run:
        report = report.model_copy(update={"runs_removed": await remove_runs()})
    await publish_report(report, await remove_model_calls(model_retention_days, dry_run))
    return report


@flow(name="cleanup-audit-log", flow_run_name="cleanup-audit-log")
@clear_ending
async def cleanup_audit_log(retention_days: int = 90, dry_run: bool = False) -> CleanupReport:
    """Remove audit entries past their retention.

    Args:
        retention_days: Days an entry is kept.
        dry_run: Count only, remove nothing.
    """
    report = await remove_audit_entries(retention_days, dry_run)
    await publish_report(report)
    return report


@flow(name="cleanup-tokens", flow_run_name="cleanup-tokens")
@clear_ending
async def cleanup_tokens(retention_days: int = 30, dry_run: bool = False) -> CleanupReport:
    """Remove Jira logins whose refresh token expired long ago.

    Args:
        retention_days: Days since the refresh token expired.
        dry_run: Count only, remove nothing.
    """
    report = await remove_tokens(retention_days, dry_run)
    await publish_report(report)
    return report
