"""Runs of the reconciler and the clean-ups that died with their worker, before they could say so.

One that was taken and never started holds the only place of its deployment: without this, the reconciler that repairs
all others would never run again.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import FlowRunFilter, WorkPoolFilter
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.states import Crashed

HELD = (StateType.PENDING, StateType.RUNNING, StateType.CANCELLING)
PATIENCE = timedelta(minutes=2)  # a worker starts what it has taken within seconds
WHY = "Its worker ended before it did."


async def end_orphaned_runs(client: PrefectClient, pool: str, *, own_server: bool) -> str:
    """End what no process works on any more, so that its place is free; says how many.

    Of a server of our own nobody works in the pool yet. Elsewhere, only runs that should have started long ago are
    orphans for certain; those that have begun are ended when their heartbeats stop.
    """
    orphans = [run for run in await _taken(client, pool) if own_server or _never_started(run)]
    for run in orphans:
        ended: State[Any] = Crashed(message=WHY)
        await client.set_flow_run_state(run.id, ended, force=True)
    return f"work pool {pool}: {len(orphans)} dead runs ended"


async def _taken(client: PrefectClient, pool: str) -> list[FlowRun]:
    states = {"state": {"type": {"any_": list(HELD)}}}
    return await client.read_flow_runs(
        flow_run_filter=FlowRunFilter.model_validate(states),
        work_pool_filter=WorkPoolFilter.model_validate({"name": {"any_": [pool]}}),
    )


def _never_started(run: FlowRun) -> bool:
    state = run.state
    return bool(state and state.is_pending() and datetime.now(UTC) - state.timestamp > PATIENCE)
