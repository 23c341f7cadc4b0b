"""Runs that died with their worker, before they could say so.

One of the reconciler's that was taken and never started holds the only place of its deployment: without this, the
reconciler that repairs all others would never run again. And whoever resumes a session after a restart of the machine
need not wait until the silence of its run proves it dead.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import FlowRunFilter, WorkPoolFilter
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.states import Crashed

BEGUN = (StateType.RUNNING, StateType.CANCELLING)
TAKEN = (StateType.PENDING, *BEGUN)
PATIENCE = timedelta(minutes=2)  # a worker starts what it has taken within seconds
WHY = "Its worker ended before it did."


async def end_runs_before(client: PrefectClient, pool: str, start: datetime) -> str:
    """End the runs that had begun before `start`, when a server of our own started and nobody worked for it.

    One that was taken and had not begun is left to the reconciler, which hands it to a worker again.
    """
    orphans = [run for run in await _held(client, pool, BEGUN) if run.state and run.state.timestamp < start]
    return await _end(client, pool, orphans)


async def free_places(client: PrefectClient, pool: str, *, own_server: bool) -> str:
    """End what no process works on any more in a pool whose deployments run one at a time, so that the place is free.

    Of a server of our own nobody works in the pool yet. Elsewhere, only runs that should have started long ago are
    orphans for certain; those that have begun are ended when their heartbeats stop.
    """
    orphans = [run for run in await _held(client, pool, TAKEN) if own_server or _never_started(run)]
    return await _end(client, pool, orphans)


async def _end(client: PrefectClient, pool: str, orphans: list[FlowRun]) -> str:
    for run in orphans:
        ended: State[Any] = Crashed(message=WHY)
        await client.set_flow_run_state(run.id, ended, force=True)
    return f"work pool {pool}: {len(orphans)} dead runs ended"


async def _held(client: PrefectClient, pool: str, states: tuple[StateType, ...]) -> list[FlowRun]:
    wanted = {"state": {"type": {"any_": list(states)}}}
    return await client.read_flow_runs(
        flow_run_filter=FlowRunFilter.model_validate(wanted),
        work_pool_filter=WorkPoolFilter.model_validate({"name": {"any_": [pool]}}),
    )


def _never_started(run: FlowRun) -> bool:
    state = run.state
    return bool(state and state.is_pending() and datetime.now(UTC) - state.timestamp > PATIENCE)
