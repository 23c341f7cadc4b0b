"""Writing as the flow runs it, without Prefect: a real database, the real client libraries, a stand-in that counts."""

import asyncio
import sys
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from blocks.model_client import ModelClient
from db.engine import create_engine, session_scope
from db.enums import SessionStage, TaskType
from db.fence import Fence
from db.models import ModelReply, ModelReservation
from db.repositories.background import TaskRepository
from db.repositories.progress import ProgressRepository
from db.repositories.reservations import ReservationRepository
from tasks.core.settings import WritingSettings
from tasks.core.tickets.model import PlannedTicket
from tasks.core.tickets.prompt import ANSWER, instructions
from tasks.core.tickets.written import Written
from tasks.model_ledger import SpendLedger
from tasks.writers import ModelWriter
from tests.builders.database import FLOW, make_session, move_to
from tests.builders.spec import bundle, tab
from tests.builders.spec import field as spec_field
from tests.builders.tickets import tickets as planned_tickets

MODEL = "claude-haiku-5-5"
SITE = instructions("Lakeside", "A small college.", WritingSettings())


@dataclass
class Writing:
    """One session whose tickets are being written."""

    engine: AsyncEngine
    url: str
    key: str
    session_id: uuid.UUID
    limit_usd: Decimal = Decimal(5)
    style: WritingSettings = field(default_factory=WritingSettings)
    limits: dict[str, Any] = field(default_factory=dict)
    in_flight: int = 16

    def client(self, fence: Fence) -> ModelClient:
        from blocks.anthropic_client import open_client

        ledger = SpendLedger(self.engine, self.session_id, fence, "anthropic", MODEL, self.limit_usd)
        return open_client(self.key, self.url, MODEL, ledger, ANSWER, in_flight=self.in_flight, **self.limits)

    def writer(self, client: ModelClient) -> ModelWriter:
        words = instructions("Lakeside", "A small college.", self.style)
        return ModelWriter(client, MODEL, words, self.style)

    async def claim(self, run: str = "run-1") -> Fence:
        async with session_scope(self.engine) as session:
            attempt = await TaskRepository(session).claim(
                self.session_id, TaskType.PROCESSING, run, actor=FLOW
            )
            fence = Fence(run, attempt)
            await ReservationRepository(session).settle_those_of_the_dead(self.session_id, fence)
        return fence

    async def write(self, tickets: Sequence[PlannedTicket], fence: Fence | None = None) -> list[Written]:
        """All tickets, as many at once as the flow takes."""
        fence = fence or await self.claim()
        gate = asyncio.Semaphore(2 * self.in_flight)
        async with self.client(fence) as client:
            writer = self.writer(client)

            async def one(ticket: PlannedTicket) -> Written:
                async with gate:
                    return await writer.write(ticket)

            jobs = [asyncio.ensure_future(one(ticket)) for ticket in tickets]
            try:
                return await asyncio.gather(*jobs)
            except BaseException:
                for job in jobs:
                    job.cancel()
                await asyncio.gather(*jobs, return_exceptions=True)
                raise

    async def spent(self) -> float:
        """Spent and set aside, as the database knows it."""
        async with session_scope(self.engine) as session:
            return float(await ProgressRepository(session).spent_usd(self.session_id))

    async def replies(self) -> int:
        async with session_scope(self.engine) as session:
            return await session.scalar(select(func.count()).select_from(ModelReply)) or 0

    async def open_reservations(self) -> int:
        query = (
            select(func.count()).select_from(ModelReservation).where(ModelReservation.settled_at.is_(None))
        )
        async with session_scope(self.engine) as session:
            return await session.scalar(query) or 0


async def make_writing(engine: AsyncEngine, url: str, key: str, **given: Any) -> Writing:
    """A session at the door to processing."""
    session_id = await make_session(engine)
    await move_to(engine, session_id, SessionStage.PROCESSING)
    return Writing(engine, url, key, session_id, **given)


def some_tickets(number: int, *fields: str) -> list[PlannedTicket]:
    """So many content types."""
    names = [f"Kind {at}" for at in range(number)]
    rows = [spec_field(f"{name} (Content type)", label) for name in names for label in fields]
    parts = [tab("Bundles", *map(bundle, names))] + ([tab("Fields", *rows)] if rows else [])
    return list(planned_tickets(*parts).values())


async def go_on(database_url: str, url: str, key: str, session_id: str, run: str, number: int) -> None:
    """The whole of a run, for a process of its own that is killed somewhere."""
    engine = create_engine(database_url)
    writing = Writing(engine, url, key, uuid.UUID(session_id))
    await writing.write(some_tickets(number), await writing.claim(run))
    await engine.dispose()


if __name__ == "__main__":
    address, url, key, session, run, number = sys.argv[1:]
    asyncio.run(go_on(address, url, key, session, run, int(number)))
