"""`drupal-tickets doctor`: is every part well, and if not, who does what? Starts nothing and changes nothing."""

import asyncio
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deployments.cli.options import JiraSite, project_key_of, settings_from_environment
from deployments.cli.output import Json, printable, show
from deployments.health.checkup import Finding, NotRunning, examine, exit_code_of

if TYPE_CHECKING:
    from deployments.cli.workplace import Workplace
    from deployments.settings import Settings
    from deployments.stack.state import Connection

MARKS = {"ok": "✓", "not running": "-", "wrong": "✗"}
NEEDS_SERVER = ("workers", "deployments", "blocks", "jira")


def doctor(
    project_key: Annotated[
        str | None, typer.Option(help="Check what the account may do in this Jira project as well.")
    ] = None,
    jira_site: JiraSite = "jira",
    json: Json = False,
) -> None:
    """Check every part and say what to do; nothing is started or changed."""
    key = project_key_of(project_key) if project_key else None
    findings = asyncio.run(_examine_all(settings_from_environment(), jira_site, key))
    code = exit_code_of(findings)
    document = {"healthy": code == 0, "exit_code": code, "parts": [asdict(one) for one in findings]}
    show(document, json, partial(_print, findings=findings))
    raise typer.Exit(code)


async def _examine_all(settings: "Settings", block: str, key: str | None) -> list[Finding]:
    from deployments.health import database, machine, outside

    connection = _connection(settings)
    findings = [
        await examine("versions", machine.versions),
        await examine("home", partial(machine.home_folder, settings)),
        await examine("disk", partial(machine.disk, settings)),
        await examine("encryption key", partial(machine.stored_logins_key, settings)),
        await examine("database", partial(database.database, _with_database(settings, connection))),
        *await _examine_prefect(settings, connection, block, key),
        await examine("model", partial(outside.model, settings)),
    ]
    if connection and connection.jira_url:
        findings.append(await examine("clock", partial(outside.jira_clock, connection.jira_url.rstrip("/"))))
    return findings


async def _examine_prefect(
    settings: "Settings", connection: "Connection | None", block: str, key: str | None
) -> list[Finding]:
    from deployments.health import prefect_server
    from deployments.stack.parts import web_client

    if connection is None or not connection.prefect_api_url:
        return [await examine(part, _nothing_runs) for part in ("prefect server", *NEEDS_SERVER)]
    async with web_client() as client:
        server = partial(prefect_server.server, client, connection.prefect_api_url)
        found = await examine("prefect server", server)
    if found.health != "ok":
        return [found]
    return [found, *await _examine_inside(settings, connection, block, key)]


async def _examine_inside(
    settings: "Settings", connection: "Connection", block: str, key: str | None
) -> list[Finding]:
    from db.engine import create_engine
    from deployments.cli.runs import prefect_client
    from deployments.cli.workplace import Workplace
    from deployments.health import prefect_server

    engine = create_engine(connection.database_url, pooled=False)
    async with prefect_client(connection) as client:
        place = Workplace(engine, client, connection)
        checks: dict[str, Any] = {
            "workers": partial(prefect_server.workers, client),
            "deployments": partial(prefect_server.deployments, client),
            "blocks": partial(prefect_server.blocks, client, settings, connection.database_url),
            "jira": partial(_jira, place, block, key),
        }
        found = [await examine(part, check) for part, check in checks.items()]
    await engine.dispose()
    return found


async def _jira(place: "Workplace", block: str, key: str | None) -> str:
    from deployments.health import outside

    return await outside.jira(place, block, key)


async def _nothing_runs() -> str:
    raise NotRunning("Nothing runs for this home; `up` starts it.")


def _connection(settings: "Settings") -> "Connection | None":
    """Where the parts are: those that run for this home, or those that the environment names."""
    from deployments.stack.home import Home
    from deployments.stack.state import Connection, joined, running

    state = running(Home(settings.home))
    if state and state.connection:
        return joined(settings, state.connection)
    if not (settings.database_url and settings.prefect_api_url):
        return None
    return Connection(
        database_url=settings.database_url.get_secret_value(),
        prefect_api_url=settings.prefect_api_url.rstrip("/"),
        jira_url=settings.jira_url or "",
    )


def _with_database(settings: "Settings", connection: "Connection | None") -> "Connection | None":
    from deployments.stack.state import Connection

    if connection or not settings.database_url:
        return connection
    return Connection(database_url=settings.database_url.get_secret_value())


def _print(target: Any, findings: list[Finding]) -> None:
    width = max(len(finding.part) for finding in findings)
    for finding in findings:
        line = f"{MARKS[finding.health]} {finding.part:<{width}}  {finding.message}"
        target.print(printable(line), soft_wrap=True)
        for action in finding.actions:
            target.print(printable(f"  {'':<{width}}  → {action}"), soft_wrap=True)
