"""Two people at work on one session: what they may do at random, and what must hold whatever they did."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from db.actor import Actor
from db.engine import session_scope
from db.enums import SessionStage
from db.errors import DatabaseError
from db.models import Attachment, Ticket, TicketVersion
from db.repositories.rollback import RollbackRepository
from db.repositories.tickets import TicketRepository
from db.repositories.validations import ValidationRepository
from tasks import review
from tasks.checking import check, store
from tasks.core.errors import ProductError
from tasks.core.tickets.description import MAX_JSON, MAX_TEXT, json_length, text_length
from tasks.core.tickets.hashing import content_hash
from tasks.core.tickets.model import AttachmentFile, Description
from tasks.core.tickets.pushing import Side
from tasks.core.tickets.validation import problems
from tasks.regeneration import regenerate_one
from tasks.review_files import pull, push
from tasks.review_versions import restore_version, versions_of
from tasks.writers import OfflineWriter
from tests.builders.database import move_to
from tests.builders.reviewing import restore_tickets, reviewable

ALLOWED = (ProductError, DatabaseError)  # a clear refusal is always an answer


class Reviewers:
    """One session, its two people, and a folder for each of them."""

    def __init__(self, engine: AsyncEngine, folder: Path) -> None:
        self.engine = engine
        self.folder = folder
        self.session_id = UUID(int=0)
        self.outcomes: Counter[tuple[str, bool]] = Counter()  # operation, whether it was done
        self.said: dict[tuple[UUID, str], set[str]] = {}  # every text that an edit was told is kept

    async def begin(self) -> None:
        self.session_id = await reviewable(self.engine)

    async def tickets(self) -> list[Ticket]:
        async with session_scope(self.engine) as session:
            return await TicketRepository(session).list_tickets(self.session_id)

    async def ticket(self, number: int) -> Ticket:
        tickets = sorted(await self.tickets(), key=lambda ticket: ticket.key)
        return tickets[number % len(tickets)]

    async def attempt(self, person: str, operation: str, number: int, value: Any) -> str:
        """Do something as a person; "" when it was done, else how it was refused."""
        try:
            await getattr(self, operation)(Actor(person), number, value)
        except ALLOWED as error:
            self.outcomes[operation, False] += 1
            return str(error)
        self.outcomes[operation, True] += 1
        return ""

    async def together(self, *attempts: tuple[str, str, int, Any]) -> None:
        """Two people at once."""
        await asyncio.gather(*(self.attempt(*attempt) for attempt in attempts))

    # What people do

    async def edit(self, actor: Actor, number: int, value: dict[str, Any]) -> None:
        ticket = await self.ticket(number)
        done = await review.edit_ticket(self.engine, self.session_id, ticket.id, value, actor)  # type: ignore[arg-type]
        for name in ("title", "story", "user_notes"):
            if name in value:
                self.said.setdefault((ticket.id, name), set()).add(getattr(done, name))

    async def assign(self, actor: Actor, number: int, value: str) -> None:
        chosen = [ticket.id for ticket in await self.tickets()][: number % 3 + 1]
        await review.assign_tickets(
            self.engine, self.session_id, chosen, {"sprint": value[:40] or None}, actor
        )

    async def link(self, actor: Actor, number: int, value: int) -> None:
        one, other = await self.ticket(number), await self.ticket(value)
        await review.set_dependency(self.engine, self.session_id, one.id, other.id, actor, wanted=True)

    async def unlink(self, actor: Actor, number: int, value: int) -> None:
        one, other = await self.ticket(number), await self.ticket(value)
        await review.set_dependency(self.engine, self.session_id, one.id, other.id, actor, wanted=False)

    async def order(self, actor: Actor, number: int, value: int) -> None:
        one, other = await self.ticket(number), await self.ticket(value)
        await review.place_ticket(
            self.engine, self.session_id, one.id, other.id, actor, after=bool(number % 2)
        )

    async def lock(self, actor: Actor, number: int, value: int) -> None:
        ticket = await self.ticket(number)
        async with session_scope(self.engine) as session:
            await TicketRepository(session).set_locked(
                self.session_id, [ticket.id], bool(value % 2), actor=actor
            )

    async def regenerate(self, actor: Actor, number: int, value: int) -> None:
        ticket = await self.ticket(number)
        write = OfflineWriter().write
        await regenerate_one(self.engine, ticket, write, actor, replace_edits=bool(value % 2))

    async def restore(self, actor: Actor, number: int, value: int) -> None:
        ticket = await self.ticket(number)
        _, versions = await versions_of(self.engine, self.session_id, ticket.id)
        if versions:
            version = versions[value % len(versions)].revision
            await restore_version(self.engine, self.session_id, ticket.id, version, actor)

    async def pull(self, actor: Actor, number: int, value: Any) -> None:
        await pull(self.engine, self.session_id, self.folder / actor.claimed, discard=bool(number % 2))

    async def write_in_file(self, actor: Actor, number: int, value: str) -> None:
        files = sorted((self.folder / actor.claimed).glob("*.md"))
        if files:
            path = files[number % len(files)]
            path.write_text(path.read_text().replace("# Notes\n", f"# Notes\n\n{value}\n", 1))

    async def push(self, actor: Actor, number: int, value: int) -> None:
        side = (None, Side.MINE, Side.THEIRS)[value % 3]
        await push(self.engine, self.session_id, self.folder / actor.claimed, actor, side=side)

    async def validate(self, actor: Actor, number: int, value: Any) -> None:
        tickets = [ticket.id for ticket in await self.tickets()][: number % 3]  # none chosen: all of them
        checked = await check(self.engine, self.session_id, actor, tickets)
        await asyncio.sleep(0)  # others may come in between
        async with session_scope(self.engine) as session:
            await store(session, self.session_id, checked, actor)

    async def roll_back(self, actor: Actor, number: int, value: Any) -> None:
        async with session_scope(self.engine) as session:
            await RollbackRepository(session).roll_back(self.session_id, SessionStage.PROCESSING, actor=actor)
        self.said.clear()
        await restore_tickets(self.engine, self.session_id)
        await move_to(self.engine, self.session_id, SessionStage.REVIEW)

    # What must hold

    async def check(self) -> None:
        async with session_scope(self.engine) as session:
            repository = TicketRepository(session)
            tickets = await repository.list_tickets(self.session_id)
            edges = await repository.dependencies(self.session_id)
            fresh = await ValidationRepository(session).is_fresh(self.session_id)
            files = await session.scalar(select(func.count(Attachment.id)))
            versions = list(await session.scalars(select(TicketVersion)))
        assert not cycle(edges), "people made a cycle"
        assert files == sum(ticket.attachment is not None for ticket in tickets), "a file without its ticket"
        for ticket in tickets:
            assert not problems(sent(ticket), ticket.title), "something that Jira would refuse"
            assert text_length(ticket.description) <= max(MAX_TEXT, MAX_JSON)
            assert json_length(ticket.description) <= MAX_JSON, "an oversize description"
            assert ticket.content_hash == hash_of(ticket), "a hash of something else"
            if fresh:
                assert ticket.validated_hash == ticket.content_hash, "a stale validation reported fresh"
        self._assert_nothing_lost(tickets, versions)

    def _assert_nothing_lost(self, tickets: Iterable[Ticket], versions: Iterable[TicketVersion]) -> None:
        """Whatever an edit was told is kept can still be read, in the ticket or in one of its versions."""
        here: dict[tuple[UUID, str], set[str]] = {}
        for ticket in tickets:
            for name in ("title", "story", "user_notes"):
                here.setdefault((ticket.id, name), set()).add(getattr(ticket, name))
        for version in versions:
            for name in ("title", "story", "user_notes"):
                here.setdefault((version.ticket_id, name), set()).add(getattr(version, name))
        for key, texts in self.said.items():
            assert texts <= here.get(key, set()), "a lost edit"


def sent(ticket: Ticket) -> Description:
    return Description(adf=ticket.description, attachment=_file(ticket))


def hash_of(ticket: Ticket) -> str:
    return content_hash(ticket.title, ticket.description, _file(ticket))


def _file(ticket: Ticket) -> AttachmentFile | None:
    file = ticket.attachment
    return AttachmentFile(filename=file.filename, content=file.content) if file else None


def cycle(edges: dict[UUID, list[UUID]]) -> bool:
    done: set[UUID] = set()
    for start in edges:
        stack = [(start, frozenset({start}))]
        while stack:
            ticket, above = stack.pop()
            for other in edges.get(ticket, ()):
                if other in above:
                    return True
                if other not in done:
                    stack.append((other, above | {other}))
        done.add(start)
    return False
