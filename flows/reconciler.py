"""Every minute: what our database says is running is compared with Prefect, and repaired."""

from prefect import flow

from tasks.export_later import search_again
from tasks.lifecycle import clear_ending
from tasks.reconcile import ReconcileReport, end_dead_runs, prune_own_runs, start_queued_runs


@flow(name="reconcile-tasks", flow_run_name="reconcile-tasks")
@clear_ending
async def reconcile_tasks() -> ReconcileReport:
    """End runs that died without saying so, start what was queued and never started, look for second issues."""
    ended = await end_dead_runs()
    started = await start_queued_runs()
    await search_again()
    await prune_own_runs()
    return ReconcileReport(ended=ended, started=started)
