"""For commands: a running stack or database, started where none runs for this home, stopped by its last user."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from deployments.settings import Settings
from deployments.stack.home import DATABASE_USERS, STACK_USERS, Home
from deployments.stack.locks import FileLock
from deployments.stack.processes import open_log
from deployments.stack.state import Connection, State, joined, running
from tasks.core.errors import AdminRequired, ProductError, Temporary, UserFixable

PAUSE = 0.05
TRIES = 10


@contextmanager
def ensure_stack(settings: Settings, say: Callable[[str], object] = lambda _: None) -> Iterator[Connection]:
    """Everything that a session needs, for as long as the body runs.

    With a database and a Prefect server elsewhere whose workers are at work, nothing is started here.
    """
    if elsewhere := _elsewhere(settings):
        yield elsewhere
        return
    with _joined(settings, STACK_USERS, lambda state: state.ready, say) as connection:
        yield connection


@contextmanager
def ensure_database(settings: Settings) -> Iterator[Connection]:
    """The application's database, migrated, for as long as the body runs. Prefect is not imported."""
    if settings.database_url:
        yield Connection(database_url=settings.database_url.get_secret_value())
        return
    with _joined(settings, DATABASE_USERS, lambda state: state.database_ready, lambda _: None) as connection:
        yield connection


def _elsewhere(settings: Settings) -> Connection | None:
    if not (settings.database_url and settings.prefect_api_url):
        return None
    from deployments.stack.parts import workers_elsewhere

    api_url = settings.prefect_api_url.rstrip("/")
    if not asyncio.run(workers_elsewhere(api_url)):
        return None
    return Connection(
        database_url=settings.database_url.get_secret_value(),
        prefect_api_url=api_url,
        ui_url=settings.ui_url or api_url.removesuffix("/api"),
        jira_url=settings.jira_url or "",
    )


@contextmanager
def _joined(
    settings: Settings, lock: str, enough: Callable[[State], bool], say: Callable[[str], object]
) -> Iterator[Connection]:
    home = Home(settings.home)
    home.prepare()
    with FileLock(home.run / lock) as share:
        share.share()  # first, so that nobody takes the stack down while we look
        yield _wait(settings, home, enough, say)


def _wait(
    settings: Settings, home: Home, enough: Callable[[State], bool], say: Callable[[str], object]
) -> Connection:
    tries, told = 0, False
    while True:
        state = running(home)
        if state and state.connection and enough(state):
            return joined(settings, state.connection)
        if not told:
            say("Starting Postgres, Prefect and the Jira sandbox ...")
            told = True
        if state is None:
            tries += 1
            if tries > TRIES:
                raise AdminRequired(f"The stack of {home.root} does not come up.", code="stack")
            _start_supervisor(settings, home)
        time.sleep(PAUSE)


def _start_supervisor(settings: Settings, home: Home) -> None:
    """Start one and wait until it is ready or has ended; raises the error that it ended with."""
    reading, writing = os.pipe()
    with os.fdopen(reading) as output, open_log(home.log("supervisor")) as log:
        try:
            subprocess.run(
                [sys.executable, "-m", "deployments.stack.supervise"],
                env={**os.environ, **settings.environment()},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=writing,
                stderr=log,
                start_new_session=True,
                check=True,
            )
        finally:
            os.close(writing)
        told = output.read()  # ends when the supervisor lets go of its output
    if told:
        raise _as_error(json.loads(told))


def _as_error(told: dict[str, Any]) -> ProductError:
    kinds = {kind.exit_code: kind for kind in (UserFixable, AdminRequired, Temporary)}
    kind = kinds.get(told["exit_code"], AdminRequired)
    return kind(told["message"], actions=told["actions"], code=told["code"])
