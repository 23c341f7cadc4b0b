"""Background work: deployments triggered through Prefect's client, and their runs followed to the end."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from deployments.cli.output import note
from tasks.core.errors import AdminRequired, UserFixable

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient
    from prefect.client.schemas.objects import FlowRun, State

    from blocks.jira import JiraCredentials
    from deployments.stack.state import Connection

POLL_SECONDS = 0.5
CANCEL_SECONDS = 15
SILENCE_SECONDS = 5.0
MOST_RUNS = 200


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended: COMPLETED, FAILED, CRASHED, CANCELLED, or PAUSED when it waits for a person."""

    run_id: UUID
    state: str
    message: str


@asynccontextmanager
async def prefect_client(connection: "Connection") -> AsyncIterator["PrefectClient"]:
    """Prefect's client for the server of this connection."""
    os.environ.update(connection.environment())  # Prefect reads its settings when it is imported
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "ERROR")
    from prefect.client.orchestration import get_client

    async with get_client() as client:
        yield client


async def runs_of(client: "PrefectClient", session_id: UUID) -> list["FlowRun"]:
    """The runs that were triggered here for a session, newest first; runs below a parent are not among them."""
    from prefect.client.schemas.filters import FlowRunFilter
    from prefect.client.schemas.sorting import FlowRunSort

    wanted = {"tags": {"all_": [_tag(session_id)]}, "parent_task_run_id": {"is_null_": True}}
    return await client.read_flow_runs(
        flow_run_filter=FlowRunFilter.model_validate(wanted),
        sort=FlowRunSort.EXPECTED_START_TIME_DESC,
        limit=MOST_RUNS,
    )


async def run_going_on(client: "PrefectClient", session_id: UUID) -> "FlowRun | None":
    """The run that works on the session now, or is about to."""
    return next((run for run in await runs_of(client, session_id) if _works(run.state)), None)


async def trigger(
    client: "PrefectClient",
    deployment: str,
    session_id: UUID,
    parameters: Mapping[str, Any],
    key: str | None = None,
    tags: Sequence[str] = (),
) -> "FlowRun":
    """Start a deployment for a session; the same one still at work is joined, another one is in the way.

    Two people who trigger at the same moment get one run: the key counts the attempts before it.
    """
    found = await _deployment(client, deployment)
    earlier = await runs_of(client, session_id)
    for run in filter(lambda run: _works(run.state), earlier):
        if run.deployment_id == found:
            return run
        raise UserFixable(
            f"Another run works on this session: {run.name}.",
            actions=(
                f"Follow it: drupal-tickets session watch {session_id}",
                f"Or stop it: drupal-tickets session cancel {session_id}",
            ),
            code="already-running",
        )
    attempt = sum(run.deployment_id == found for run in earlier) + 1
    return await client.create_flow_run_from_deployment(
        found,
        parameters={"session_id": str(session_id), **parameters},
        idempotency_key=key or f"{session_id}:{deployment}:{attempt}",
        tags=[_tag(session_id), *tags],
    )


async def trigger_alone(client: "PrefectClient", deployment: str, parameters: Mapping[str, Any]) -> "FlowRun":
    """Start a deployment that belongs to no session."""
    return await client.create_flow_run_from_deployment(
        await _deployment(client, deployment), parameters=dict(parameters)
    )


async def half_a_second() -> None:
    """The pause between two looks at a run when nothing tells of news."""
    await asyncio.sleep(POLL_SECONDS)


async def follow(
    client: "PrefectClient",
    run_id: UUID,
    tick: "Callable[[State | None], Awaitable[None]] | None" = None,
    pause: Callable[[], Awaitable[None]] = half_a_second,
) -> Ending:
    """Wait until the run has ended or waits for a person; `tick` is awaited with its state at every look."""
    while True:
        run = await _look(client, run_id)
        if tick:
            await tick(run.state)
        if run.state and not _works(run.state):
            return Ending(run_id, run.state.type.value, run.state.message or "")
        await pause()


async def _look(client: "PrefectClient", run_id: UUID) -> "FlowRun":
    """Say so when the server is away: Prefect's client tries again for minutes, without a word."""
    away = (
        "Prefect's server does not answer; trying again for some minutes. Is `drupal-tickets up` still there?"
    )
    warning = asyncio.get_running_loop().call_later(SILENCE_SECONDS, note, away)
    try:
        return await client.read_flow_run(run_id)
    finally:
        warning.cancel()


async def cancel(client: "PrefectClient", run_id: UUID) -> bool:
    """Ask Prefect to stop a run and wait a while; whether it has ended."""
    from prefect.states import Cancelling

    await client.set_flow_run_state(run_id, Cancelling(message="Cancelled from the command line."))
    for _ in range(int(CANCEL_SECONDS / POLL_SECONDS)):
        run = await client.read_flow_run(run_id)
        if run.state and run.state.is_final():
            return True
        await asyncio.sleep(POLL_SECONDS)
    return False


async def root_of(client: "PrefectClient", run_id: UUID) -> UUID:
    """The run that has a process: a stage of a parent is stopped by stopping the parent."""
    run = await client.read_flow_run(run_id)
    if run.parent_task_run_id is None:
        return run_id
    above = (await client.read_task_run(run.parent_task_run_id)).flow_run_id
    return await root_of(client, above) if above else run_id


async def jira_site_of(client: "PrefectClient", block: str) -> str:
    """The site that a Jira block leads to; AdminRequired when there is no such block."""
    return str((await _jira_block(client, block))["url"]).rstrip("/")


async def jira_block_of(client: "PrefectClient", block: str) -> "JiraCredentials":
    """A Jira block with its secrets, which are never shown."""
    from blocks.jira import JiraCredentials

    return JiraCredentials.model_validate(await _jira_block(client, block, include_secrets=True))


async def _jira_block(
    client: "PrefectClient", block: str, *, include_secrets: bool = False
) -> dict[str, Any]:
    from prefect.exceptions import ObjectNotFound

    try:
        document = await client.read_block_document_by_name(
            block, "jira-credentials", include_secrets=include_secrets
        )
    except ObjectNotFound:
        raise AdminRequired(
            f"There is no Jira block named “{block}”.",
            actions=(
                f"Make it by logging in: drupal-tickets jira login --jira-site {block}",
                "Or in the Prefect UI under Blocks, or leave --jira-site out.",
            ),
            code="jira-block-missing",
        ) from None
    return document.data


async def _deployment(client: "PrefectClient", name: str) -> UUID:
    from prefect.exceptions import ObjectNotFound

    try:
        return (await client.read_deployment_by_name(f"{name}/{name}")).id
    except ObjectNotFound:
        raise AdminRequired(
            f"The Prefect server has no deployment {name}.",
            actions=("Deploy it there: python -m deployments.bootstrap",),
            code="deployment-missing",
        ) from None


def _works(state: "State | None") -> bool:
    return state is None or not (state.is_final() or state.is_paused())


def _tag(session_id: UUID) -> str:
    return f"session:{session_id}"
