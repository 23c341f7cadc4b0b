"""Exports on the whole stack while worker, database or Prefect server go away: in the end each ticket is there once."""

import asyncio
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from sqlalchemy import text

from db.engine import create_engine, session_scope
from db.enums import SessionStage
from db.errors import Unavailable
from deployments.stack.state import read_state
from tasks.core.settings import JiraSettings
from tests.jira_sandbox import JiraSandbox
from tests.stack import RunningStack, run_stack
from tests.tasks.exporting import QUICK, Export, make_export, tickets

pytestmark = pytest.mark.stack
SCALED = JiraSettings(request_seconds=4, index_seconds=1)
SHORT, LONG = 60, 150
LATENCY = 0.2
PATIENCE = 300.0
Break = Callable[[RunningStack], None]


def process_of(stack: RunningStack, part: str) -> psutil.Process:
    state = read_state(stack.home)
    assert state is not None
    return psutil.Process(state.processes[part].pid)


def terminate_worker(stack: RunningStack) -> None:
    """The worker and the runs that it started, as when its container is stopped; the supervisor starts it again."""
    worker = process_of(stack, "worker")
    for process in [*worker.children(recursive=True), worker]:
        with suppress(psutil.NoSuchProcess):
            process.terminate()


def restart_postgres(stack: RunningStack) -> None:
    """Connections are cut, the database is away for a moment; the supervisor starts it again."""
    postgres = process_of(stack, "postgres")
    postgres.send_signal(signal.SIGINT)
    postgres.wait(30)


def pause_server(seconds: float) -> Break:
    """The Prefect server does not answer for so long."""

    def pause(stack: RunningStack) -> None:
        server = process_of(stack, "prefect-server")
        server.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        server.send_signal(signal.SIGCONT)

    return pause


@asynccontextmanager
async def export_of(
    stack: RunningStack, count: int, settings: JiraSettings = SCALED, project: str = "BREAK"
) -> AsyncIterator[Export]:
    """A session of the stack at the door to Jira, in a project of its own, and a Jira that takes its time."""
    sandbox = JiraSandbox(Path(), port=urlsplit(stack.connection.jira_url).port or 0)
    sandbox.join()
    sandbox.add_project(project)
    engine = create_engine(stack.connection.database_url, pooled=False)
    made = tickets(count, chained=True, files=5)
    export = await make_export(engine, sandbox, made, settings, project)
    sandbox.settings(latency=LATENCY)
    try:
        yield export
    finally:
        sandbox.settings(latency=0)
        sandbox.control.close()
        await engine.dispose()


def begin(stack: RunningStack, export: Export) -> subprocess.Popen[bytes]:
    program = str(Path(sys.executable).with_name("drupal-tickets"))
    command = [program, "export", str(export.session_id), "--json"]
    with tempfile.TemporaryFile() as output:
        return subprocess.Popen(command, env=stack.environment, stdout=output, stderr=output)


async def until_some_issues_are_there(export: Export, at_least: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while len(export.issues()) < at_least:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def is_completed(export: Export) -> bool:
    with suppress(Unavailable):
        return (await export.record()).current_stage is SessionStage.COMPLETED
    return False


async def see_it_through(stack: RunningStack, export: Export) -> int:
    """Resume it, as a person would, until it is completed; returns how often that was needed."""
    needed = 0
    async with asyncio.timeout(PATIENCE):
        while not await is_completed(export):
            await asyncio.to_thread(stack.cli, "session", "resume", str(export.session_id), "--yes", "--json")
            needed += 1
            await asyncio.sleep(1)
    return needed


async def interrupt(stack: RunningStack, export: Export, how: Break, at_least: int) -> None:
    started = time.monotonic()
    command = begin(stack, export)
    await until_some_issues_are_there(export, at_least)
    assert not await is_completed(export)
    await asyncio.to_thread(how, stack)
    await asyncio.to_thread(command.wait, PATIENCE)
    needed = await see_it_through(stack, export)
    await export.assert_exactly_once()
    print(f"resumed {needed} times, {time.monotonic() - started:.0f} s")  # noqa: T201


async def test_the_prefect_server_is_gone_for_a_while(stack: RunningStack) -> None:
    async with export_of(stack, SHORT) as export:
        await interrupt(stack, export, pause_server(5), at_least=50)


async def test_a_dry_run_shows_every_request_and_makes_none_that_writes(stack: RunningStack) -> None:
    async with export_of(stack, 3, QUICK, "DRY") as export:
        last = max((call["seq"] for call in export.sandbox.journal()), default=0)
        shown = await asyncio.to_thread(stack.cli, "export", str(export.session_id), "--dry-run", "--json")
        document = json.loads(shown.stdout)
        assert [issue["title"] for issue in document["issues"]] == [f"Create t{n}" for n in range(3)]
        assert all(issue["validated"] for issue in document["issues"])
        calls = [call for call in export.sandbox.journal(after=last) if call["path"].startswith("/rest/")]
        assert {call["method"] for call in calls} == {"GET"}
        await export.run()
        sent = [call for call in export.sandbox.journal("POST", after=last) if call["path"].endswith("/bulk")]
        assert sent[0]["request_body"]["issueUpdates"] == [issue["request"] for issue in document["issues"]]


async def test_the_reconciler_names_a_second_issue_that_came_after_the_export(stack: RunningStack) -> None:
    async with export_of(stack, 2, QUICK, "LATE") as export:
        late = QUICK.request_seconds + QUICK.index_seconds + 4
        export.sandbox.fault("late", method="POST", path="/issue/bulk$", seconds=late, times=1)
        await export.run()
        assert await export.fixes() == {}
        await until_some_issues_are_there(export, 4)
        async with session_scope(export.engine) as session:
            now = text("UPDATE send_intents SET search_again_at = clock_timestamp() WHERE session_id = :id")
            await session.execute(now, {"id": export.session_id})
        await asyncio.to_thread(reconcile, stack)
        named = [error.user_message for error in await export.errors() if error.error_code == "surplus-issue"]
        for first, second in export.issues_by_ticket().values():
            assert any(first in sentence and second in sentence for sentence in named)
        assert len(named) == 2


def reconcile(stack: RunningStack) -> None:
    """One run of the flow in a process of its own, as a worker starts it every minute."""
    code = "import asyncio\nfrom flows.reconciler import reconcile_tasks\nasyncio.run(reconcile_tasks())"
    environment = {**stack.environment, **stack.connection.environment()}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=180)


@pytest.mark.long
@pytest.mark.parametrize("at_least", [1, 51, LONG])
@pytest.mark.parametrize(
    "how", [terminate_worker, restart_postgres, pause_server(60)], ids=["worker", "postgres", "server"]
)
async def test_whatever_goes_away(how: Break, at_least: int) -> None:
    with run_stack() as own:  # broken more often than a supervisor forgives
        async with export_of(own, LONG) as export:
            await interrupt(own, export, how, at_least)
