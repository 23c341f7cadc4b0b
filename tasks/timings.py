"""How long the stages of a session took, from its audit trail."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime

from db.models import AuditLogEntry

# What is timed, under the name of the stage it belongs to.
TIMED = {
    "collect-site-info": "site_info_collection",
    "upload-spec": "upload",
    "generate-tickets": "processing",
    "validate-tickets": "adf_validation",
    "revalidation-gate": "revalidation_gate",
    "export-tickets": "jira_export",
}
MOST_ENTRIES = 10_000


def timings(trail: Sequence[AuditLogEntry]) -> dict[str, float]:
    """Seconds per stage, over all its runs."""
    spent: defaultdict[str, float] = defaultdict(float)
    for entry in trail:
        flow, _, what = entry.event_type.partition(".")
        if flow in TIMED and what != "started" and entry.execution_time_ms is not None:
            spent[TIMED[flow]] += entry.execution_time_ms / 1000
    return {stage: round(seconds, 3) for stage, seconds in spent.items()}


def running_time(trail: Sequence[AuditLogEntry], flow_run_id: str) -> dict[str, float]:
    """Seconds of a stage that is still at work, by the run that works on it."""
    begun = [
        entry for entry in trail if entry.request_id == flow_run_id and entry.event_type.endswith(".started")
    ]
    return {
        TIMED[flow]: timings(trail).get(TIMED[flow], 0.0) + (datetime.now(UTC) - entry.created_at).total_seconds()
        for entry in begun[-1:]
        if (flow := entry.event_type.partition(".")[0]) in TIMED
    }  # fmt: skip
