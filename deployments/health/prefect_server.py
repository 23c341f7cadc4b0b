"""Prefect: the server, its workers, our deployments in it, and the blocks that flows work with."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import httpx
from sqlalchemy import make_url

from deployments.health.checkup import date_of, require_same_time
from deployments.stack.parts import MAINTENANCE_POOL, POOL
from deployments.variants import prefect_file
from tasks.core.errors import AdminRequired, Temporary

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient

    from deployments.settings import Settings

DEPLOY = "Set it up as this version wants it: python -m deployments.bootstrap"


async def server(client: httpx.AsyncClient, api_url: str) -> str:
    """It answers, lets us in, has Prefect's version that we have, and its clock is right."""
    try:
        answer = await client.get(f"{api_url}/admin/version")
    except httpx.HTTPError:
        raise Temporary(
            f"The Prefect server {api_url} does not answer.",
            actions=("Check PREFECT_API_URL and that the server runs: drupal-tickets up",),
            code="away",
        ) from None
    if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        raise AdminRequired(
            f"The Prefect server {api_url} refuses our credential.",
            actions=(
                "Set PREFECT_API_AUTH_STRING to what the server has as PREFECT_SERVER_API_AUTH_STRING.",
            ),
            code="prefect-login",
        )
    version, wanted = answer.raise_for_status().json(), prefect_file()["prefect-version"]
    if version != wanted:
        raise AdminRequired(
            f"The server runs Prefect {version}; this version was made for {wanted}.",
            actions=("Upgrade the server, or install the version of it: docs/deploy.md",),
            code="prefect-version",
        )
    skew = require_same_time("the server", date_of(answer.headers["date"]))
    return f"Prefect {version} at {api_url}, clock: {skew}"


async def workers(client: "PrefectClient") -> str:
    """Each pool takes runs and has somebody who works on them."""
    found = []
    for name in (POOL, MAINTENANCE_POOL):
        pool = await _pool(client, name)
        if pool.is_paused:
            raise AdminRequired(
                f"The work pool {name} is paused: nothing of it starts.",
                actions=(f"Resume it: prefect work-pool resume {name}",),
                code="paused",
            )
        online = [one for one in await client.read_workers_for_work_pool(name) if one.status == "ONLINE"]
        if not online:
            raise AdminRequired(
                f"No worker takes runs of the pool {name}.",
                actions=(f"Start one: prefect worker start --pool {name}, or drupal-tickets up",),
                code="no-worker",
            )
        found.append(f"{name}: {len(online)}")
    return ", ".join(found)


async def deployments(client: "PrefectClient") -> str:
    """Every deployment of prefect.yaml is there, and is that of this version."""
    known = {one.name: one for one in await client.read_deployments(limit=200)}
    wanted = {one["name"]: one for one in prefect_file()["deployments"]}
    missing = sorted(set(wanted) - set(known))
    other = sorted(name for name in set(wanted) & set(known) if not _same(known[name], wanted[name]))
    if missing or other:
        lists = {"missing": missing, "of another version": other}
        told = "; ".join(f"{what}: {', '.join(names)}" for what, names in lists.items() if names)
        raise AdminRequired(f"Deployments {told}.", actions=(DEPLOY,), code="deployments")
    return f"{len(wanted)}, as prefect.yaml has them"


async def blocks(client: "PrefectClient", settings: "Settings", database_url: str) -> str:
    """The blocks lead where the environment says."""
    from prefect_sqlalchemy import AsyncSqlAlchemyConnector  # type: ignore[import-untyped]

    from blocks.database import DATABASE_BLOCK
    from blocks.jira import JiraCredentials
    from deployments.server_blocks import JIRA_BLOCK

    database = await _block(client, AsyncSqlAlchemyConnector.get_block_type_slug(), DATABASE_BLOCK)
    if not _same_database(database["connection_info"], database_url):
        raise AdminRequired(
            "The database block leads flows to another database than DATABASE_URL.",
            actions=("Set DATABASE_URL to the server's database, or use another Prefect server.",),
            code="mismatch",
        )
    jira = await _block(client, JiraCredentials.get_block_type_slug(), JIRA_BLOCK)
    if settings.jira_url and settings.jira_url.rstrip("/") != str(jira["url"]).rstrip("/"):
        raise AdminRequired(
            f"The Jira block leads to {jira['url']}; JIRA_URL says {settings.jira_url}.",
            actions=(DEPLOY,),
            code="mismatch",
        )
    return f"database and Jira ({jira['url']}), as the environment says"


async def _pool(client: "PrefectClient", name: str) -> Any:
    from prefect.exceptions import ObjectNotFound

    try:
        return await client.read_work_pool(name)
    except ObjectNotFound:
        raise AdminRequired(f"There is no work pool {name}.", actions=(DEPLOY,), code="no-pool") from None


async def _block(client: "PrefectClient", kind: str, name: str) -> dict[str, Any]:
    from prefect.exceptions import ObjectNotFound

    try:
        return (await client.read_block_document_by_name(name, kind)).data
    except ObjectNotFound:
        raise AdminRequired(f"There is no block {kind}/{name}.", actions=(DEPLOY,), code="no-block") from None


def _same(found: Any, wanted: Mapping[str, Any]) -> bool:
    crons = {schedule.schedule.cron for schedule in found.schedules if schedule.active}
    return (
        found.entrypoint == wanted["entrypoint"]
        and found.version == wanted["version"]
        and found.description.strip() == wanted["description"].strip()
        and set(found.tags) == set(wanted["tags"])
        and found.work_pool_name == wanted["work_pool"]["name"]
        and crons == {schedule["cron"] for schedule in wanted.get("schedules", [])}
    )


def _same_database(block: Mapping[str, Any], url: str) -> bool:
    wanted = make_url(url)
    query = {name: str(value) for name, value in wanted.query.items()}
    named = (block.get("host"), block.get("port"), block.get("database"), block.get("username"))
    same_name = named == (wanted.host, wanted.port, wanted.database, wanted.username)
    return same_name and (block.get("query") or {}) == query
