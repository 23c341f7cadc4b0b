"""Every minute: what our database says is running is compared with Prefect, and repaired."""

from prefect import flow

from tasks.export_later import search_again
from tasks.lifecycle import clear_ending
from tasks.reconcile import (
    ReconcileReport,
    close_lost_reviews,
    end_dead_runs,
    prune_own_runs,
    restart_stuck_runs,
    start_queued_runs,
)
from tasks.silent_runs import crash_silent_runs


@flow(name="reconcile-tasks", flow_run_name="reconcile-tasks")
@clear_ending
async def reconcile_tasks() -> ReconcileReport:
    """End what died without saying so, start what was queued and never started, look for second issues."""
    await crash_silent_runs()
    report = ReconcileReport(
        ended=await end_dead_runs(),
        restarted=await restart_stuck_runs(),
        started=await start_queued_runs(),
        reviews_closed=await close_lost_reviews(),
    )
    await search_again()
    await prune_own_runs()
    return report
