"""Trouble for a running stack: runs killed, stopped and cancelled, workers and servers gone, and what is left of it."""

import asyncio
import contextlib
import json
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import httpx
import psutil
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import create_engine, session_scope
from db.enums import SessionStage, TaskStatus
from db.models import Session, SessionTask, Ticket
from db.repositories.audit import AuditRepository
from db.repositories.background import TaskRepository
from db.repositories.sessions import SessionRepository
from db.repositories.tickets import TicketRepository
from deployments.stack import parts
from deployments.stack.state import running
from tests.builders.database import make_session, move_to, store_tickets
from tests.prefect_api import PrefectApi, is_over
from tests.stack import RunningStack
from tests.tasks.exporting import tickets

T = TypeVar("T")
REPAIRED_WITHIN = 180.0  # seconds after worker and server are back
PROJECT = "TEST"
READING = re.compile("/search|/bulkfetch|/permissions/check")
FILES = [
    {
        "filename": "Roles.csv",
        "text": "ID,Name,Machine name,X,Dev,QA,Notes\n"
        ",Chief Editor,chief_editor,a,,,Publishes.\n,Intern,intern,a,,,Drafts.\n",
    }
]


class Trouble:
    """One session of a stack, and the means to disturb it."""

    def __init__(self, stack: RunningStack, api: PrefectApi, session_id: UUID) -> None:
        self.stack, self.api, self.id = stack, api, session_id

    # Runs

    def start(self, deployment: str, **parameters: Any) -> str:
        return self.api.start(deployment, session_id=str(self.id), requested_by="trouble", **parameters)

    def until(self, seen: Callable[[], object], within: float = 180.0) -> float:
        """Wait until it is so; returns how long it took."""
        began = time.monotonic()
        while not seen():
            assert time.monotonic() - began < within, f"not within {within} s: {self.story()}"
            time.sleep(0.05)
        return time.monotonic() - began

    def until_event(self, event: str, within: float = 180.0) -> None:
        self.until(lambda: event in self.events(), within)

    def until_asked(self, path: str) -> None:
        """Until Jira has received such a request for this session."""
        self.until(lambda: any(path in call["path"] for call in self.writes()))

    def signal(self, run_id: str, sign: signal.Signals) -> None:
        """To the process of a run, and to nothing else."""
        process_of(run_id).send_signal(sign)

    def cancel_in_prefect(self, run_id: str) -> None:
        """What the Cancel button of the UI does."""
        self.api.set_state(run_id, "CANCELLING", "Cancelling")

    def watch(self, run_id: str, begins: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Watch a run from the command line; the run rests until the watcher says that it `begins`."""
        self.until_event("validate-tickets.started")
        process = process_of(run_id)
        process.suspend()
        program = str(Path(sys.executable).with_name("drupal-tickets"))
        command = [program, "session", "watch", str(self.id), "--json"]
        with subprocess.Popen(
            command,
            env={**self.stack.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as watcher:
            assert watcher.stderr
            told = "".join(iter_until(watcher.stderr, begins))
            process.resume()
            out, err = watcher.communicate(timeout=180)
        return subprocess.CompletedProcess(command, watcher.returncode, out, told + err)

    def is_over(self, run_id: str) -> bool:
        try:
            return is_over(self.api.run(run_id))
        except httpx.TransportError:
            return False

    # What the database and Jira say

    def events(self) -> list[str]:
        return [entry.event_type for entry in self.trail()]

    def trail(self) -> Sequence[Any]:
        async def read(engine: AsyncEngine) -> Sequence[Any]:
            async with session_scope(engine) as session:
                return await AuditRepository(session).trail(self.id)

        return self.in_database(read)

    def story(self) -> list[str]:
        """The end of the trail, for the message of a test that failed."""
        return [f"{entry.created_at:%H:%M:%S} {entry.event_type}" for entry in self.trail()][-12:]

    def rows(self) -> list[SessionTask]:
        async def read(engine: AsyncEngine) -> list[SessionTask]:
            async with session_scope(engine) as session:
                return await TaskRepository(session).history(self.id)

        return self.in_database(read)

    def nothing_runs(self) -> bool:
        return TaskStatus.RUNNING not in {row.status for row in self.rows()}

    def record(self) -> Session:
        async def read(engine: AsyncEngine) -> Session:
            async with session_scope(engine) as session:
                return await SessionRepository(session).get(self.id)

        return self.in_database(read)

    def tickets(self) -> list[Ticket]:
        async def read(engine: AsyncEngine) -> list[Ticket]:
            async with session_scope(engine) as session:
                return await TicketRepository(session).list_tickets(self.id, brief=True)

        return self.in_database(read)

    def in_database(self, work: Callable[[AsyncEngine], Awaitable[T]]) -> T:
        return in_database(self.stack, work)

    def jira(self, method: str, path: str, body: Any = None) -> Any:
        url = f"{self.stack.connection.jira_url}/_sandbox{path}"
        return httpx.request(method, url, json=body, trust_env=False, timeout=30).raise_for_status().json()

    def slow(self, path: str, seconds: float) -> int:
        """Every write to such a path takes so long; returns the id of the fault."""
        fault = {"kind": "slow", "method": "POST", "path": path, "seconds": seconds}
        return int(self.jira("POST", "/faults", fault)["id"])

    def writes(self) -> list[dict[str, Any]]:
        """What was written to Jira for this session; some reading is a POST, too."""
        keys = [ticket.jira_ticket_key for ticket in self.tickets() if ticket.jira_ticket_key]
        ours = re.compile(rf"\b({'|'.join([str(self.id), *keys])})\b")
        calls = [call for call in self.jira("GET", "/journal?after=0") if call["method"] != "GET"]
        return [call for call in calls if not READING.search(call["path"]) and ours.search(json.dumps(call))]

    def doubled(self) -> list[str]:
        """Tickets that have more than one issue."""
        marks = Counter(
            mark["ticket"]
            for issue in self.jira("GET", f"/issues?project={PROJECT}")
            for mark in issue["properties"].values()
            if isinstance(mark, dict) and mark.get("session") == str(self.id)
        )
        return [ticket for ticket, count in marks.items() if count > 1]

    # The promise

    def resume_and_complete(self) -> None:
        """A person resumes the session; it is completed, and nothing is in Jira twice."""
        done = self.stack.cli("session", "resume", str(self.id), "--yes", "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        self.assert_completed()

    def assert_completed(self) -> None:
        assert self.record().current_stage is SessionStage.COMPLETED, self.story()
        assert all(ticket.jira_ticket_key for ticket in self.tickets())
        assert self.doubled() == []
        assert self.nothing_runs()


def iter_until(lines: Iterable[str], text: str) -> Iterator[str]:
    """The lines up to the one that holds the text."""
    for line in lines:
        yield line
        if text in line:
            return


def process_of(run_id: str) -> psutil.Process:
    """The process that executes a flow run."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("PREFECT__FLOW_RUN_ID") == run_id:
                return process
    raise AssertionError(f"no process executes {run_id}")


def part(stack: RunningStack, name: str) -> psutil.Process:
    """The process of a part of the stack."""
    state = running(stack.home)
    assert state is not None
    return psutil.Process(state.processes[name].pid)


def worker_of(stack: RunningStack) -> psutil.Process:
    return part(stack, parts.WORKER)


def server_of(stack: RunningStack) -> psutil.Process:
    return part(stack, parts.SERVER)


def at_review(stack: RunningStack, count: int = 12) -> UUID:
    """A session whose tickets wait for review."""

    async def make(engine: AsyncEngine) -> UUID:
        session_id = await make_session(engine, site_name="Troubled", jira_project_key=PROJECT)
        await move_to(engine, session_id, SessionStage.REVIEW)
        await store_tickets(engine, session_id, *tickets(count, chained=True, files=4))
        return session_id

    return in_database(stack, make)


def at_the_beginning(stack: RunningStack) -> UUID:
    """A session that has its files and nothing else."""
    return in_database(
        stack, lambda engine: make_session(engine, site_name="Troubled", jira_project_key=PROJECT)
    )


def in_database(stack: RunningStack, work: Callable[[AsyncEngine], Awaitable[T]]) -> T:
    async def with_engine() -> T:
        engine = create_engine(stack.connection.database_url, pooled=False)
        try:
            return await work(engine)
        finally:
            await engine.dispose()

    return asyncio.run(with_engine())


@contextmanager
def slow_jira(trouble: Trouble, path: str, seconds: float) -> Iterator[None]:
    """For as long as the body runs, writes to such a path take their time."""
    fault = trouble.slow(path, seconds)
    try:
        yield
    finally:
        trouble.jira("DELETE", f"/faults/{fault}")


@contextmanager
def far_away_jira(stack: RunningStack, seconds: float) -> Iterator[None]:
    """For as long as the body runs, every call to Jira takes so long."""
    address = f"{stack.connection.jira_url}/_sandbox/settings"
    httpx.patch(address, json={"latency": seconds}, trust_env=False).raise_for_status()
    try:
        yield
    finally:
        httpx.patch(address, json={"latency": 0}, trust_env=False).raise_for_status()
