"""The parts beside Postgres: how each is started, and how one knows that it answers."""

import os
import socket
import sys
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx

from deployments.stack.ports import LOOPBACK, port_of
from deployments.stack.state import own_credential

POOL = "drupal-tickets"
MAINTENANCE_POOL = "drupal-tickets-maintenance"
SERVER, SANDBOX, BOOTSTRAP, WORKER, MAINTENANCE = (
    "prefect-server",
    "jira-sandbox",
    "bootstrap",
    "worker",
    "maintenance-worker",
)


@dataclass(frozen=True)
class Part:
    """One process of the stack."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    answers: Callable[[httpx.AsyncClient], Awaitable[bool]]
    door: socket.socket | None = field(default=None, repr=False)  # where it listens
    patience: float = 180
    grace: float = 10


def prefect_server(environment: Mapping[str, str], host: str, door: socket.socket) -> Part:
    """Prefect's API, services and UI on one port."""
    where = ("--host", host, "--port", str(port_of(door)), "--fd", str(door.fileno()))
    command = _python("deployments.stack.server", *where)
    url = f"{environment['PREFECT_API_URL']}/health"
    return Part(SERVER, command, environment, lambda client: responds(client, url), door)


def jira_sandbox(environment: Mapping[str, str], door: socket.socket, state: str) -> Part:
    """Our stand-in for Jira."""
    command = _python("deployments.jira_sandbox", "--fd", str(door.fileno()), "--state", state)
    url = f"http://{LOOPBACK}:{port_of(door)}/healthz"
    return Part(SANDBOX, command, environment, lambda client: responds(client, url), door)


def bootstrap(environment: Mapping[str, str], *, own_server: bool) -> Part:
    """Ends by itself when everything is set up; it gets going when the pool of sessions is there."""
    command = _python("deployments.bootstrap", *(["--own-server"] if own_server else []))
    pool = f"{environment['PREFECT_API_URL']}/work_pools/{POOL}"
    return Part(BOOTSTRAP, command, environment, lambda client: responds(client, pool))


def worker(environment: Mapping[str, str], name: str, pool: str, limit: int) -> Part:
    """A process worker of one pool; the pool exists already."""
    options = (
        "--pool",
        pool,
        "--type",
        "process",
        "--name",
        f"{name} on {os.uname().nodename}",
        "--limit",
        str(limit),
    )
    command = _python("prefect", "worker", "start", *options)
    api_url, since = environment["PREFECT_API_URL"], datetime.now(UTC)
    return Part(name, command, environment, lambda client: is_online(client, api_url, pool, since), grace=15)


def session_limit() -> int:
    """How many sessions' runs this machine takes at once."""
    return max(4, 2 * (os.cpu_count() or 1))


def web_client() -> httpx.AsyncClient:
    """A client for our own parts, past any proxy, and for a Prefect server elsewhere with its credential."""
    headers = {}
    if credential := own_credential().get("PREFECT_API_AUTH_STRING"):
        headers["Authorization"] = f"Basic {b64encode(credential.encode()).decode()}"
    elif key := os.environ.get("PREFECT_API_KEY"):
        headers["Authorization"] = f"Bearer {key}"
    direct = httpx.AsyncHTTPTransport()
    return httpx.AsyncClient(timeout=5, headers=headers, mounts={"all://127.0.0.1": direct})


async def workers_elsewhere(api_url: str) -> bool:
    """Whether workers of this Prefect server take sessions already."""
    async with web_client() as client:
        return await is_online(client, api_url, POOL, datetime.min.replace(tzinfo=UTC))


async def responds(client: httpx.AsyncClient, url: str) -> bool:
    """Whether the address answers with success."""
    try:
        return (await client.get(url)).is_success
    except httpx.HTTPError:
        return False


async def is_online(client: httpx.AsyncClient, api_url: str, pool: str, since: datetime) -> bool:
    """Whether a worker of the pool has given a sign of life since then."""
    try:
        workers = await _read_workers(client, api_url, pool)
    except (httpx.HTTPError, ValueError):
        return False
    beats = [worker["last_heartbeat_time"] for worker in workers if worker["status"] == "ONLINE"]
    return any(datetime.fromisoformat(beat) >= since for beat in beats if beat)


async def _read_workers(client: httpx.AsyncClient, api_url: str, pool: str) -> list[dict[str, Any]]:
    # Reading by filter is a POST, and every POST needs the server's CSRF token.
    visitor = str(uuid4())
    answer = await client.get(f"{api_url}/csrf-token", params={"client": visitor})
    token = answer.json()["token"] if answer.is_success else ""
    headers = {"Prefect-Csrf-Client": visitor, "Prefect-Csrf-Token": token}
    found = await client.post(f"{api_url}/work_pools/{pool}/workers/filter", json={}, headers=headers)
    workers: list[dict[str, Any]] = found.raise_for_status().json()
    return workers


def _python(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module, *arguments)
