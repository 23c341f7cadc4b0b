"""Export under SIGKILL: wherever the process dies, the next run completes it and nothing is there twice."""

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tasks.core.errors import Temporary
from tasks.core.settings import JiraSettings
from tests.jira_sandbox import JiraSandbox
from tests.tasks.exporting import Export, make_export, ticket

ROOT = Path(__file__).parents[2]
SCALED = JiraSettings(request_seconds=1.5, index_seconds=0.5)
FILES, SITTINGS, PARTS = 5, 4, 2
TOO_LATE = "nothing was sent"  # on a machine with much to do; a person starts it again
SHORT_TICKETS, SHORT_LINES, SHORT_POINTS, SHORT_RANGE = 60, 3, 1, (500, 10_000)
LONG_TICKETS, LONG_POINTS, LONG_RANGE = 150, 200, (500, 26_000)  # ranges: of the lines that one export runs


class Killable:
    """The process that exports in forks."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.tasks.killable"]
        self.process = subprocess.Popen(
            command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def order(self, export: Export, database_url: str, run: str, **kill: Any) -> dict[str, Any]:
        assert self.process.stdin
        assert self.process.stdout
        order = {
            "database": database_url,
            "port": export.sandbox.port,
            "session": str(export.session_id),
            "run": run,
            **kill,
        }
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def close(self) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(10)


@pytest.fixture(scope="module")
def killable() -> Iterator[Killable]:
    process = Killable()
    yield process
    process.close()


class Trial:
    """Exports, killed and started again, in a Jira whose search lags and whose writes land late."""

    def __init__(self, engine: AsyncEngine, url: str, sandbox: JiraSandbox, killable: Killable) -> None:
        self.engine, self.url, self.sandbox, self.killable = engine, url, sandbox, killable
        self.count = LONG_TICKETS

    async def prepare(self, seed: int = 0) -> Export:
        self.sandbox.reset()
        self.sandbox.settings(search_lag=0.3, seed=seed)
        self.sandbox.fault("slow", method="POST", path="/issue/bulk$", rate=0.3, seconds=0.3, seed=seed)
        self.sandbox.fault("slow", method="POST", path="/attachments$", rate=0.3, seconds=0.3, seed=seed)
        made = [
            ticket(
                f"t{n}",
                n,
                depends_on=[f"t{n - 7}"] if n >= 7 else [],
                file=f"# Table of t{n}\n" if n % (self.count // FILES) == 0 else "",
            )
            for n in range(self.count)
        ]
        return await make_export(self.engine, self.sandbox, made, SCALED)

    async def lines(self) -> list[str]:
        """Every line that is run in the export and the Jira client once the first intent is being written."""
        export = await self.prepare()
        told = self.killable.order(export, self.url, "dry")
        assert not told["error"]
        await export.assert_exactly_once()
        first = min(number for place, number in told["seen"].items() if place.startswith("export_intents"))
        return [
            place
            for place, number in sorted(told["seen"].items(), key=lambda item: item[1])
            if number >= first
        ]

    async def kill(self, seed: int = 0, **at: Any) -> bool:
        """Kill one run there, start it again, and see that all is well; False when it never came there."""
        export = await self.prepare(seed)
        told = self.killable.order(export, self.url, "killed", **at)
        if not told["killed"]:
            assert not told["error"] or TOO_LATE in told["error"], told["error"]
            return False
        export.runs = 1
        again = await export.claim("killed")
        await export.fail(again)
        await self.finish(export)
        await export.assert_exactly_once()
        assert not [call for call in self.sandbox.journal("DELETE") if "/attachment/" not in call["path"]]
        return True

    async def finish(self, export: Export) -> None:
        """Start it again; on a machine with much to do it may be too late for a request more than once."""
        for sitting in range(SITTINGS):
            with suppress(Temporary):
                await export.run(f"resumed-{sitting}")
                return
        raise AssertionError("The export never completed.")


@pytest.fixture
def trial(engine: AsyncEngine, database_url: str, jira_sandbox: JiraSandbox, killable: Killable) -> Trial:
    return Trial(engine, database_url, jira_sandbox, killable)


async def test_killed_at_some_lines_and_some_random_points(trial: Trial) -> None:
    trial.count = SHORT_TICKETS
    lines = await trial.lines()
    assert len(lines) > 100
    chosen = random.Random(7)
    at_lines = [await trial.kill(at_line=line) for line in chosen.sample(lines, SHORT_LINES)]
    at_points = [await trial.kill(n, at_count=chosen.randrange(*SHORT_RANGE)) for n in range(SHORT_POINTS)]
    assert any(at_lines + at_points)


@pytest.mark.long
@pytest.mark.parametrize("part", range(PARTS))
async def test_killed_at_every_line(trial: Trial, part: int) -> None:
    lines = (await trial.lines())[part::PARTS]
    reached = [line for line in lines if await trial.kill(at_line=line) or await trial.kill(1, at_line=line)]
    missed = sorted(set(lines) - set(reached))
    print(f"killed at {len(reached)} of {len(lines)} lines; never came to {missed}")  # noqa: T201
    assert len(reached) > 0.9 * len(lines)


@pytest.mark.long
async def test_killed_at_random_points(trial: Trial) -> None:
    chosen = random.Random(11)
    kills = [await trial.kill(seed, at_count=chosen.randrange(*LONG_RANGE)) for seed in range(LONG_POINTS)]
    print(f"killed {sum(kills)} of {LONG_POINTS} runs")  # noqa: T201
