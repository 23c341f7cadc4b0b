"""Whether Prefect still wants this run to go on: a cancellation may not reach a run after an outage of the server."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import StateType

from tasks.core.errors import Cancelled

ASK_EVERY, ANSWER_WITHIN = 1.0, 1.0
ENDED_BY_PERSON = {StateType.CANCELLING, StateType.CANCELLED}


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
    """The state of a flow run, as Prefect's server knows it."""

    async def read() -> StateType | None:
        if not flow_run_id:
            return None
        async with get_client() as client:
            return (await client.read_flow_run(UUID(flow_run_id))).state_type

    return RunState(read)
