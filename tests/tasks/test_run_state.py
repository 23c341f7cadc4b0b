"""Whether Prefect still wants a run to go on."""

import asyncio

import pytest
from prefect.client.schemas.objects import StateType
from sqlalchemy.ext.asyncio import AsyncEngine

from tasks.core.errors import Cancelled
from tasks.run_state import RunState
from tests.jira_sandbox import JiraSandbox
from tests.tasks.exporting import make_export, run_steps, tickets


class Server:
    """Says what it is told to say, or nothing for too long, or fails."""

    def __init__(self, state: StateType | Exception | None) -> None:
        self.state, self.asked = state, 0

    async def read(self) -> StateType | None:
        self.asked += 1
        if isinstance(self.state, Exception):
            raise self.state
        if self.state is StateType.PENDING:
            await asyncio.sleep(60)
        return self.state


@pytest.mark.parametrize("state", [StateType.CANCELLING, StateType.CANCELLED])
async def test_a_cancelled_run_is_not_wanted(state: StateType) -> None:
    with pytest.raises(Cancelled):
        await RunState(Server(state).read).require_wanted()


@pytest.mark.parametrize("state", [StateType.RUNNING, None, StateType.PENDING, OSError("away")])
async def test_a_running_run_and_a_server_that_is_away_decide_nothing(
    state: StateType | Exception | None,
) -> None:
    await RunState(Server(state).read).require_wanted()


async def test_the_server_is_asked_once_a_second_at_most() -> None:
    server = Server(StateType.RUNNING)
    state = RunState(server.read)
    for _ in range(100):
        await state.require_wanted()
    assert server.asked == 1


async def test_a_run_that_prefect_cancelled_writes_nothing(
    engine: AsyncEngine, jira_sandbox: JiraSandbox
) -> None:
    export = await make_export(engine, jira_sandbox, tickets(3))
    wanted = RunState(Server(StateType.CANCELLED).read).require_wanted
    async with export.desk(await export.claim(), wanted) as desk:
        with pytest.raises(Cancelled):
            await run_steps(desk)
    assert export.issues() == []
