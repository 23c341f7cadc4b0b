"""What 150 tickets may take, measured beside `select 1` on the same connection."""

import time
import uuid
from collections.abc import Awaitable, Callable
from statistics import median
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import session_scope
from db.repositories.tickets import TicketRepository
from tests.builders.database import DIRECTOR, FLOW, adf, make_session, new_ticket

COUNT = 150
LIMIT_MS = 100.0


async def milliseconds(engine: AsyncEngine, work: Callable[[TicketRepository, int], Awaitable[Any]]) -> float:
    """The median of a few turns, each in a transaction of its own."""
    taken = []
    for turn in range(7):
        async with session_scope(engine) as session:
            await session.execute(text("SELECT 1"))
            started = time.perf_counter()
            await work(TicketRepository(session), turn)
            taken.append((time.perf_counter() - started) * 1000)
    return median(taken)


def tickets(turn: int) -> list[Any]:
    """As large as real ones: ADF and plan of some 10 kB each."""
    return [
        new_ticket(
            f"t{number}",
            position=number,
            content_hash=f"{number} in turn {turn}",
            description=adf(f"{turn} " + "x" * 10_000),
            plan={"rows": ["y" * 100] * 100},
            depends_on=[f"t{number - 1}"] if number else [],
        )
        for number in range(COUNT)
    ]


@pytest.mark.long
async def test_reading_and_bulk_edits_of_150_tickets_take_less_than_a_tenth_of_a_second(
    engine: AsyncEngine,
) -> None:
    session_id = await make_session(engine)
    ids: list[uuid.UUID] = []

    async def replace(repository: TicketRepository, turn: int) -> None:
        made = await repository.replace_all(session_id, tickets(turn), actor=FLOW)
        ids[:] = list(made.values())

    async def list_all(repository: TicketRepository, turn: int) -> None:
        assert len(await repository.list_tickets(session_id)) == COUNT

    async def assign(repository: TicketRepository, turn: int) -> None:
        await repository.assign(session_id, ids[:100], {"sprint": f"Sprint {turn}"}, actor=DIRECTOR)

    async def depend(repository: TicketRepository, turn: int) -> None:
        assert len(await repository.dependencies(session_id)) == COUNT - 1

    async def nothing(repository: TicketRepository, turn: int) -> None:
        await repository.session.execute(text("SELECT 1"))

    works = {"select 1": nothing, "replace": replace, "list": list_all, "assign": assign, "depend": depend}
    measured = {name: round(await milliseconds(engine, work), 1) for name, work in works.items()}
    limits = {"list": LIMIT_MS, "assign": LIMIT_MS, "depend": LIMIT_MS, "replace": 3 * LIMIT_MS}
    assert not {name: ms for name, ms in measured.items() if ms > limits.get(name, LIMIT_MS)}, measured
