"""`drupal-tickets up`: the whole stack on one machine, in the foreground."""

import asyncio
import json
import os
import sys
import time

from sqlalchemy import make_url

from deployments import logging_json
from deployments.settings import SANDBOX_EMAIL, Settings
from deployments.stack.home import SUPERVISOR_LOCK, Home
from deployments.stack.locks import FileLock
from deployments.stack.logs import Follower
from deployments.stack.stack import Stack
from deployments.stack.state import Connection, running
from deployments.stack.supervisor import run_until_told, stack_of
from tasks.core.errors import Cancelled, UserFixable

PAUSE = 0.3
PATIENCE = 20  # seconds for a command that only reads to finish with the database


def up(settings: Settings, *, as_json: bool = False) -> int:
    """Start everything, print the addresses, follow the logs; Ctrl-C or SIGTERM stops all of it and nothing else."""
    home = Home(settings.home)
    home.prepare()
    with FileLock(home.run / SUPERVISOR_LOCK) as lock:
        _be_the_only_one(home, lock)
        ready: list[bool] = []
        told = run_until_told(_run(settings, home, as_json, ready))
    if told and not ready:
        raise Cancelled("Stopped before everything was up.")
    _say("Everything is stopped.")
    return 0


def _be_the_only_one(home: Home, lock: FileLock) -> None:
    state = None
    deadline = time.monotonic() + PATIENCE
    while not lock.take(PAUSE):
        state = running(home) or state
        serves_sessions = state is not None and bool(state.connection and state.connection.ui_url)
        if serves_sessions or time.monotonic() > deadline:
            where = f" at {state.connection.ui_url}" if state and state.connection else ""
            who = f" (process {state.supervisor.pid})" if state else ""
            raise UserFixable(
                f"A stack already runs for {home.root}{where}{who}.",
                actions=("Use it, stop it first, or set DRUPAL_TICKETS_HOME to another folder.",),
                code="already-up",
            )


async def _run(settings: Settings, home: Home, as_json: bool, ready: list[bool]) -> None:
    began = time.monotonic()
    _say(f"Starting in {home.root} ...")
    logs = Follower(home.logs, sys.stderr, as_json=logging_json.wanted(os.environ))
    async with stack_of(settings, home, "up") as stack:
        try:
            await _start(stack, logs)
            ready.append(True)
            _announce(settings, stack.state.connection, as_json, time.monotonic() - began)
            while True:
                await stack.revive()
                logs.follow()
                await asyncio.sleep(PAUSE)
        finally:
            logs.follow()
            _say("Stopping ...")
    logs.follow()


async def _start(stack: Stack, logs: Follower) -> None:
    starting = asyncio.ensure_future(stack.start_all())
    try:
        while not (await asyncio.wait([starting], timeout=PAUSE))[0]:
            logs.follow()
        await starting
    except asyncio.CancelledError:
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        raise


def _announce(settings: Settings, connection: Connection | None, as_json: bool, seconds: float) -> None:
    if connection is None:
        return
    facts = {
        "ui_url": connection.ui_url,
        "prefect_api_url": connection.prefect_api_url,
        "jira_url": connection.jira_url,
        "database": make_url(connection.database_url).render_as_string(hide_password=True),
        "home": str(settings.home),
    }
    if as_json:
        sys.stdout.write(json.dumps(facts, indent=2) + "\n")
    else:
        sandbox = "" if settings.jira_url else f"   (sandbox; log in as {SANDBOX_EMAIL})"
        sys.stdout.write(
            f"\nPrefect UI   {facts['ui_url']}\n"
            f"Prefect API  {facts['prefect_api_url']}\n"
            f"Jira         {facts['jira_url']}{sandbox}\n"
            f"Database     {facts['database']}\n"
            f"Home, logs   {facts['home']}\n"
            f"Ready after {seconds:.0f} s. Ctrl-C stops everything.\n\n"
        )
    sys.stdout.flush()


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
