"""Sets the stage on a Prefect server, once or many times over: pools, blocks, automation, deployments.

`python -m deployments.bootstrap` takes everything from the environment (PREFECT_API_URL, DATABASE_URL, JIRA_URL...) and
says what it did. It is one process, because importing Prefect is what costs.
"""

import argparse
import asyncio
import contextlib
import io
import os
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import yaml
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.client.schemas.sorting import DeploymentSort
from prefect.context import AsyncClientContext
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.workers.utilities import get_default_base_job_template_for_infrastructure_type

from deployments.automations import ensure_notifications, ensure_zombie_automation
from deployments.model_blocks import ensure_anthropic_block
from deployments.orphaned_runs import end_runs_before, free_places
from deployments.server_blocks import ensure_database_block, ensure_jira_block
from deployments.settings import Settings
from deployments.variants import VARIANTS, pool_type, prefect_file
from tasks.core.errors import AdminRequired, ProductError, Temporary

PATIENCE = 180  # seconds until the server answers; it may be migrating its database
PAUSE = 0.1

# What runs in it, and how many runs at once.
SESSIONS, MAINTENANCE = "drupal-tickets", "drupal-tickets-maintenance"
POOLS = {
    SESSIONS: ("Sessions: everything that people wait for.", 20),
    MAINTENANCE: ("The reconciler and the clean-ups, apart from what they watch over.", 4),
}


def main() -> int:
    """Set up everything; the exit code says who can fix what went wrong."""
    start = datetime.now(UTC)  # no worker that was started beside this has taken a run yet
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--own-server", action="store_true", help="nobody else uses this server: blocks may move"
    )
    parser.add_argument("--variant", choices=VARIANTS, help="where runs go; default: processes of the worker")
    arguments = parser.parse_args()
    import_flows()  # while the server is still coming up
    try:
        settings = Settings.from_environment(os.environ)
        asyncio.run(set_stage(settings, start, own_server=arguments.own_server, variant=arguments.variant))
    except ProductError as error:
        say(f"Error: {error.message}")
        return error.exit_code
    return 0


def import_flows() -> None:
    """Load the flows of prefect.yaml: the better part of the time that deploying them takes."""
    for deployment in _deployments():
        import_module(deployment["entrypoint"].rpartition(".")[0])


async def set_stage(
    settings: Settings, start: datetime, *, own_server: bool, variant: str | None = None
) -> None:
    """Make whatever is missing; what is right already stays as it is."""
    await wait_for_server()
    async with AsyncClientContext.get_or_create() as context:  # one client for all of it: making one is slow
        client = context.client
        for name, (description, limit) in POOLS.items():
            say(await ensure_pool(client, name, description, limit, pool_type(variant)))
        if own_server:
            say(await end_runs_before(client, SESSIONS, start))
        say(await free_places(client, MAINTENANCE, own_server=own_server))
        say(await ensure_database_block(settings, own_server=own_server))
        say(await ensure_jira_block(settings, own_server=own_server))
        say(await ensure_anthropic_block(settings, own_server=own_server))
        say(await ensure_zombie_automation(client))
        for line in await ensure_notifications(client, settings.notify):
            say(line)
        await deploy(client, variant)


async def wait_for_server() -> None:
    """Return when the server answers."""
    deadline = time.monotonic() + PATIENCE
    async with get_client() as client:
        while (trouble := await client.api_healthcheck()) is not None:
            if time.monotonic() > deadline:
                raise Temporary(f"The Prefect server at {client.api_url} does not answer: {trouble}")
            await asyncio.sleep(PAUSE)


async def ensure_pool(client: PrefectClient, name: str, description: str, limit: int, kind: str) -> str:
    """A pool of this name; one that exists keeps its limit and template, people may have tuned them."""
    template = await get_default_base_job_template_for_infrastructure_type(kind)
    if template is None:
        raise AdminRequired(
            f"Prefect does not know work pools of type {kind} here.",
            actions=(f"Install it where this is installed: pip install --editable '.[{kind}]'",),
            code="pool-type",
        )
    wanted = WorkPoolCreate(
        name=name,
        description=description,
        type=kind,
        base_job_template=template,
        concurrency_limit=limit,
    )
    if await _created(client, wanted):
        return f"work pool {name}: created, {limit} runs at once"
    pool = await client.read_work_pool(name)
    if pool.type != kind:
        raise AdminRequired(
            f"The work pool {name} is of type {pool.type}, not {kind}.",
            actions=("Delete it in the Prefect UI while nothing runs in it, then try again.",),
            code="pool-type",
        )
    if pool.is_paused:  # somebody drained it before a restart
        await client.update_work_pool(name, WorkPoolUpdate(is_paused=False))
        return f"work pool {name}: resumed"
    return f"work pool {name}: unchanged"


async def _created(client: PrefectClient, wanted: WorkPoolCreate) -> bool:
    """Create it unless it is there. Asks first, because a refused insert is an error in Postgres' log."""
    try:
        await client.read_work_pool(wanted.name)
    except ObjectNotFound:
        with contextlib.suppress(ObjectAlreadyExists):  # another bootstrap was faster
            await client.create_work_pool(wanted)
            return True
    return False


async def deploy(client: PrefectClient, variant: str | None = None) -> None:
    """What `prefect deploy --all` does, without importing Prefect once more: prefect.yaml stays the one source."""
    existing = await client.read_deployments(limit=200, sort=DeploymentSort.NAME_ASC)
    known = {deployment.name for deployment in existing}
    output = io.StringIO()
    with contextlib.redirect_stdout(output), tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump(prefect_file(variant), file)
        file.flush()
        # Imported here, the command sees no terminal and asks nothing.
        from prefect.cli.deploy import deploy_app

        try:
            await deploy_app.run_async(["--all", "--prefect-file", file.name])
        except SystemExit as ending:
            if ending.code:
                say(output.getvalue())
                raise AdminRequired("The deployments of prefect.yaml could not be made.") from None
    for name in (deployment["name"] for deployment in _deployments()):
        say(f"deployment {name}: {'as in prefect.yaml' if name in known else 'created'}")


def _deployments() -> list[dict[str, Any]]:
    deployments: list[dict[str, Any]] = prefect_file()["deployments"]
    return deployments


def say(line: str) -> None:
    """One line per thing done."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
