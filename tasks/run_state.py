"""What Prefect knows of a run and of the parents that took it along: is it still wanted, is it dead?

A cancellation may not reach a run after an outage of the server, and it is the parent that a person cancels.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled as CancelledState
from sqlalchemy.ext.asyncio import AsyncEngine

from db.actor import Actor
from db.engine import session_scope
from db.repositories.background import TaskRepository
from tasks.core.errors import Cancelled
from tasks.repair import Death, end_dead_row

ASK_EVERY, ANSWER_WITHIN = 1.0, 1.0
ENDED_BY_PERSON = {StateType.CANCELLING, StateType.CANCELLED}
# A worker gives a process half a minute to end; after this time there is no worker.
CANCEL_PATIENCE = timedelta(seconds=60)


class RunState:
    """Asked before every side effect, asks the server once a second; a server that does not answer decides nothing."""

    def __init__(self, read: Callable[[], Awaitable[StateType | None]]) -> None:
        self._read = read
        self._state: StateType | None = None
        self._asked = float("-inf")

    async def require_wanted(self) -> None:
        """Raises Cancelled when a person cancelled the run in Prefect."""
        if time.monotonic() - self._asked >= ASK_EVERY:
            self._asked = time.monotonic()
            self._state = await self._ask() or self._state
        if self._state in ENDED_BY_PERSON:
            raise Cancelled("The run was cancelled in Prefect.")

    async def _ask(self) -> StateType | None:
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                return await self._read()
        except Exception:  # whatever is wrong with the server, our own flag decides then
            return None


def state_of(flow_run_id: str) -> RunState:
    """The state of a flow run as Prefect's server knows it; cancelled as soon as one of its parents is."""
    family: list[UUID] = []

    async def read() -> StateType | None:
        if not flow_run_id:
            return None
        identifier = UUID(flow_run_id)
        async with get_client() as client:
            if family:
                wanted = FlowRunFilter.model_validate({"id": {"any_": family}})
                runs = await client.read_flow_runs(flow_run_filter=wanted)
            else:
                runs = await lineage(client, identifier)
                whole = runs[-1].parent_task_run_id is None
                family.extend([run.id for run in runs] if whole else [])
        states = [run.state_type for run in runs]
        return next((state for state in states if state in ENDED_BY_PERSON), states[0])

    return RunState(read)


async def death_of(client: PrefectClient, task_id: str) -> Death | None:
    """How a run ended, by itself or with the parent that took it along; None while it may still be working."""
    try:
        runs = await lineage(client, UUID(task_id))
    except ObjectNotFound:
        return Death(cancelled=False, why="Prefect does not know the run any more.")
    for run in runs:
        if run.state and run.state.is_final():
            why = f"Prefect says {run.state.name}: {run.state.message or 'no message'}"
            return Death(run.state.type is StateType.CANCELLED, why)
    for run in runs:
        if run.state and run.state.is_cancelling() and _overdue(run.state.timestamp):
            why = "Cancelled; nobody was left to stop its process."
            await client.set_flow_run_state(run.id, CancelledState(message=why), force=True)
            return Death(cancelled=True, why=why)
    return None


async def end_dead_holder(engine: AsyncEngine, session_id: UUID, actor: Actor) -> bool:
    """End the run that holds a session where Prefect says that it is over: nobody has to wait for the reconciler."""
    async with session_scope(engine) as session:
        row = await TaskRepository(session).current(session_id)
    if row is None or row.task_id is None:
        return False
    async with get_client() as client:
        death = await death_of(client, row.task_id)
    return death is not None and await end_dead_row(engine, row, death, actor)


async def lineage(client: PrefectClient, run_id: UUID) -> list[FlowRun]:
    """A run and its parents as far as they are known, itself first; raises ObjectNotFound when it is not itself."""
    run = await client.read_flow_run(run_id)
    if run.parent_task_run_id:
        # The server writes task runs down when it comes to it: a parent may be unknown for a moment.
        with contextlib.suppress(ObjectNotFound):
            above = (await client.read_task_run(run.parent_task_run_id)).flow_run_id
            return [run, *(await lineage(client, above) if above else [])]
    return [run]


def _overdue(since: datetime) -> bool:
    return datetime.now(UTC) - since > CANCEL_PATIENCE
