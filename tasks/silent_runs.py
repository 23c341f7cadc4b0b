"""Runs that have stopped giving signs of life.

Prefect's automation crashes them sooner, but a restart of the server can make it forget what it was waiting for.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from prefect import task
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, WorkPoolFilter
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.events.filters import EventFilter
from prefect.runtime import flow_run
from prefect.states import Crashed

from tasks.retrying import RETRYING

POOLS = ("drupal-tickets", "drupal-tickets-maintenance")
# Two heartbeats and a half; a run that lives gives the next one within the second time, also after an outage.
SILENCE, SECOND_CHANCE = timedelta(seconds=75), timedelta(seconds=35)


@task(task_run_name="crash silent runs", **RETRYING)
async def crash_silent_runs() -> int:
    """Crash the runs that say nothing any more, and still say nothing when looked at again; returns how many."""
    async with get_client() as client:
        if not (suspects := await _silent(client, await _at_work(client))):
            return 0
        await asyncio.sleep(SECOND_CHANCE.total_seconds())
        suspected = {run.id for run in suspects}
        dead = await _silent(client, [run for run in await _at_work(client) if run.id in suspected])
        for run in dead:
            why = "No sign of life: its process or its worker has died."
            crashed: State[Any] = Crashed(message=why)
            await client.set_flow_run_state(run.id, crashed)
    return len(dead)


async def _at_work(client: PrefectClient) -> list[FlowRun]:
    """Runs with a process of their own; this one lives."""
    wanted = {
        "state": {"type": {"any_": [StateType.RUNNING]}},
        "parent_task_run_id": {"is_null_": True},
        "id": {"not_any_": [UUID(flow_run.id)] if flow_run.id else []},
    }
    return await client.read_flow_runs(
        flow_run_filter=FlowRunFilter.model_validate(wanted),
        work_pool_filter=WorkPoolFilter.model_validate({"name": {"any_": list(POOLS)}}),
    )


async def _silent(client: PrefectClient, runs: list[FlowRun]) -> list[FlowRun]:
    before = datetime.now(UTC) - SILENCE
    begun = [run for run in runs if run.state and run.state.timestamp < before]
    return [run for run in begun if not await _has_spoken(client, run, before)]


async def _has_spoken(client: PrefectClient, run: FlowRun, since: datetime) -> bool:
    wanted = {
        "occurred": {"since": since},
        "resource": {"id": [f"prefect.flow-run.{run.id}"]},
    }
    page = await client.read_events(EventFilter.model_validate(wanted), limit=1)
    return bool(page.events)
