"""State hooks: what Prefect ends from outside is ended in our database at once, not at the reconciler's next look.

A hook may not run at all, or twice, or in the worker's process: whatever it leaves out, the reconciler does.
"""

from typing import Any, TypedDict

from prefect import Flow
from prefect.client.schemas.objects import FlowRun, State
from prefect.flows import FlowStateHook

from tasks.repair import Death, end_runs_of


async def end_what_it_held(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """End the rows of a run that is over, and of the stages that it ran."""
    cancelled = state.is_cancelling() or state.is_cancelled()
    why = f"Prefect says {state.name}: {state.message or 'no message'}"
    await end_runs_of(flow_run.id, Death(cancelled, why), by=f"hook of {flow.name}")


class Hooks(TypedDict):
    """The options that every flow with a row of its own, or a stage that has one, shares."""

    on_cancellation: list[FlowStateHook[..., Any]]
    on_crashed: list[FlowStateHook[..., Any]]
    on_failure: list[FlowStateHook[..., Any]]


HOOKS: Hooks = {
    "on_cancellation": [end_what_it_held],
    "on_crashed": [end_what_it_held],
    "on_failure": [end_what_it_held],
}
