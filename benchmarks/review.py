"""How long the review takes: list, show, a bulk assignment of 100 tickets and readiness in the repository, beside
`select 1`, and as commands; pull and push of all tickets.

    DATABASE_URL=... DRUPAL_TICKETS_HOME=... python -m benchmarks.review SESSION_ID

Medians of 20 in one run, of 3 for commands. What the tickets get is taken away again.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from db.actor import Actor
from db.engine import create_engine, session_scope
from db.repositories.readiness import ReadinessRepository
from db.repositories.tickets import Assignment, TicketRepository
from tasks.review_files import pull, push

TIMES = 20
MANY = 100
WHO = Actor("benchmark")
Work = Callable[[int], Awaitable[object]]


async def median(work: Work) -> float:
    """The median of 20 runs, in milliseconds."""
    taken = []
    for number in range(TIMES):
        started = time.perf_counter()
        await work(number)
        taken.append((time.perf_counter() - started) * 1000)
    return statistics.median(taken)


def operations(engine: AsyncEngine, session_id: UUID, ids: list[UUID], some: UUID) -> dict[str, Work]:
    """What is measured, each in a transaction of its own."""

    async def select_one(_: int) -> object:
        async with session_scope(engine) as session:
            return await session.scalar(text("select 1"))

    async def list_all(_: int) -> object:
        async with session_scope(engine) as session:
            return await TicketRepository(session).list_tickets(session_id, brief=True)

    async def show(_: int) -> object:
        async with session_scope(engine) as session:
            return await TicketRepository(session).get(some, session_id)

    async def assign(number: int) -> object:
        values: Assignment = {"sprint": f"Benchmark {number % 2}" if number < TIMES - 1 else None}
        async with session_scope(engine) as session:
            return await TicketRepository(session).assign(session_id, ids[:MANY], values, actor=WHO)

    async def readiness(_: int) -> object:
        async with session_scope(engine) as session:
            return await ReadinessRepository(session).standing(session_id)

    return {
        "select 1": select_one,
        f"list {len(ids)} tickets": list_all,
        "show a ticket": show,
        f"assign {min(MANY, len(ids))} tickets": assign,
        "readiness": readiness,
    }


async def files(engine: AsyncEngine, session_id: UUID) -> tuple[float, float]:
    """Seconds for a pull of all tickets, and for a push that changes the notes of every one; undone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        place, back = Path(folder) / "changed", Path(folder) / "back"
        started = time.perf_counter()
        await pull(engine, session_id, place)
        pulled = time.perf_counter() - started
        await pull(engine, session_id, back)
        for path in place.glob("*.md"):
            path.write_text(path.read_text().replace("# Notes\n", "# Notes\n\nMeasured.\n", 1))
        started = time.perf_counter()
        await push(engine, session_id, place, WHO)
        pushed = time.perf_counter() - started
        for path in place.glob("*.md"):
            path.write_text(path.read_text().replace("# Notes\n\nMeasured.\n", "# Notes\n", 1))
        await push(engine, session_id, place, WHO)
    return pulled, pushed


def commands(session_id: UUID, ids: list[UUID]) -> dict[str, float]:
    """Seconds of commands, each in a process of its own as a person starts it."""
    some = [str(ticket) for ticket in ids[:MANY]]
    tried = {
        "tickets list": ["tickets", "list", str(session_id)],
        "tickets show": ["tickets", "show", str(session_id), some[0]],
        "tickets assign --not-ready": ["tickets", "assign", str(session_id), *some, "--not-ready"],
        "tickets assign --ready": ["tickets", "assign", str(session_id), *some, "--ready"],
        "review": ["review", str(session_id)],
    }
    return {name: statistics.median(_seconds(words) for _ in range(3)) for name, words in tried.items()}


def _seconds(words: list[str]) -> float:
    started = time.perf_counter()
    program = Path(sys.executable).with_name("drupal-tickets")
    subprocess.run([program, *words], check=True, capture_output=True)
    return time.perf_counter() - started


def _commit() -> str:
    return subprocess.check_output(["git", "rev-parse", "--short", "HEAD"], text=True).strip()


async def main() -> None:
    """Measure and print."""
    engine, session_id = create_engine(os.environ["DATABASE_URL"]), UUID(sys.argv[1])
    async with session_scope(engine) as session:
        tickets = await TicketRepository(session).list_tickets(session_id)
    ids = [ticket.id for ticket in tickets]
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} {_commit()}, load {os.getloadavg()[0]:.1f}")
    for name, work in operations(engine, session_id, ids, ids[0]).items():
        print(f"{name:<24} {await median(work):7.1f} ms")
    pulled, pushed = await files(engine, session_id)
    print(f"pull all {pulled:22.2f} s\npush all, each changed {pushed:8.2f} s")
    await engine.dispose()
    for name, seconds in commands(session_id, ids).items():
        print(f"{name:<28} {seconds:4.2f} s")


if __name__ == "__main__":
    asyncio.run(main())
