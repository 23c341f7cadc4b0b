"""Export while people edit, and two exports at the same moment: only validated content is ever sent."""

import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import create_engine
from db.errors import AlreadyRunning, Changed, InJira, NotValidated, Unavailable
from tasks.core.settings import JiraSettings
from tasks.core.tickets.hashing import content_hash
from tasks.core.tickets.payload import chunks
from tests.builders.database import validate
from tests.jira_sandbox import JiraSandbox
from tests.tasks.exporting import QUICK, Export, make_export, tickets

TICKETS = 12
SHORT, LONG = 8, 1000
AT_A_TIME, RESET_AFTER = 4, 40
PATIENT = JiraSettings(request_seconds=20, index_seconds=1)  # nothing gets lost here
CUT = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


class Race:
    """One session, an export that is started until it completes, and people who edit meanwhile."""

    def __init__(self, export: Export, seed: int) -> None:
        self.export, self.random = export, random.Random(seed)
        self.passed: list[tuple[float, set[str]]] = []
        self.stopped = self.sent = 0
        self.begun = max((call["seq"] for call in export.sandbox.journal("POST", "/issue/bulk")), default=0)

    async def validate(self) -> None:
        hashes = set((await validate(self.export.engine, self.export.session_id)).values())
        self.passed.append((time.time(), hashes))

    async def edit(self, person: str) -> None:
        pace = self.random.choice([0.03, 0.1, 0.3])
        for number in range(4):
            await asyncio.sleep(self.random.uniform(0, pace))
            key = self.random.choice(list(self.export.ids))
            with suppress(InJira, Changed):  # it is too late, or the other one was faster
                await self.export.edit(key, f"{person} says {number} of {key}")

    async def deliver(self) -> None:
        for _ in range(10):
            await asyncio.sleep(self.random.uniform(0, 0.08))
            try:
                await self.export.run()
                return
            except NotValidated:
                self.stopped += 1
                await self.validate()
        raise AssertionError("The export never completed.")

    async def run(self) -> None:
        await self.validate()
        await asyncio.gather(self.deliver(), self.edit("Ann"), self.edit("Bob"))
        await self.export.assert_exactly_once()
        for call in self.export.sandbox.journal("POST", "/issue/bulk", after=self.begun):
            for sent in call["request_body"].get("issueUpdates", ()):
                if sent["fields"]["project"]["key"] != self.export.project:
                    continue
                self.sent += 1
                allowed = set().union(*(hashes for when, hashes in self.passed if when <= call["time"]))
                assert hash_of(sent) in allowed
        assert self.sent >= TICKETS


def hash_of(sent: dict[str, Any]) -> str:
    return content_hash(sent["fields"]["summary"], sent["fields"]["description"], None)


async def race(engine: AsyncEngine, sandbox: JiraSandbox, seed: int) -> int:
    project = f"RACE{seed}"
    sandbox.add_project(project)
    export = await make_export(engine, sandbox, tickets(TICKETS), PATIENT, project)
    run = Race(export, seed)
    await run.run()
    return run.stopped


async def races(engine: AsyncEngine, sandbox: JiraSandbox, seeds: Sequence[int]) -> int:
    """Races of several sessions at a time; returns how many had to be validated again."""
    sandbox.reset()
    sandbox.fault("slow_answer", method="POST", path="/issue/bulk$", rate=0.5, seconds=0.03, seed=seeds[0])
    stopped = 0
    for group in chunks(seeds, AT_A_TIME):
        stopped += sum(map(bool, await asyncio.gather(*(race(engine, sandbox, seed) for seed in group))))
    return stopped


async def test_whatever_is_edited_meanwhile_only_validated_content_is_sent(
    engine: AsyncEngine, jira_sandbox: JiraSandbox
) -> None:
    assert await races(engine, jira_sandbox, range(SHORT)) > 0


@pytest.mark.long
async def test_a_thousand_interleavings(engine: AsyncEngine, jira_sandbox: JiraSandbox) -> None:
    stopped = [await races(engine, jira_sandbox, seeds) for seeds in chunks(range(LONG), RESET_AFTER)]
    print(f"{sum(stopped)} of {LONG} exports had to be validated again")  # noqa: T201


async def test_of_two_exports_at_the_same_moment_one_runs_and_the_other_says_so(
    engine: AsyncEngine, jira_sandbox: JiraSandbox
) -> None:
    export = await make_export(engine, jira_sandbox, tickets(TICKETS))
    outcomes = await asyncio.gather(export.run("one"), export.run("other"), return_exceptions=True)
    [refused] = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert isinstance(refused, AlreadyRunning)
    await export.assert_exactly_once()


async def test_connections_that_postgres_ends_cost_another_sitting_and_nothing_else(
    engine: AsyncEngine, jira_sandbox: JiraSandbox, database_url: str
) -> None:
    export = await make_export(engine, jira_sandbox, tickets(60, chained=True, files=3), QUICK)
    cutter = create_engine(database_url, pooled=False)

    async def cut() -> None:
        for _ in range(4):
            await asyncio.sleep(0.4)
            async with cutter.connect() as connection:
                await connection.execute(text(CUT))

    cutting = asyncio.create_task(cut())
    for sitting in range(8):
        with suppress(Unavailable):
            await finish(export, f"sitting-{sitting}")
            break
    await cutting
    await cutter.dispose()
    await export.assert_exactly_once()


async def finish(export: Export, run: str) -> None:
    """A sitting that may be cut off anywhere, even while it writes down that it was."""
    current = await export.current()
    if current is not None:
        await export.fail(current)
    await export.run(run)
