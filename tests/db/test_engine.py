"""The one session scope: commits, rolls back, and says when the database is away."""

import asyncio

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import async_url, create_engine, session_scope
from db.errors import Misconfigured, Unavailable
from db.models import Session, Ticket
from tests.builders.database import make_session, store_tickets


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("postgres://u:p@h/d", "postgresql+asyncpg://u:p@h/d"),
        ("postgresql://u:p@h:5433/d?host=%2Frun", "postgresql+asyncpg://u:p@h:5433/d?host=%2Frun"),
        ("postgresql+psycopg://h/d?sslmode=require", "postgresql+asyncpg://h/d?ssl=require"),
        ("postgresql+asyncpg://h/d?ssl=require", "postgresql+asyncpg://h/d?ssl=require"),
    ],
)
def test_any_postgres_address_is_understood(given: str, url: str) -> None:
    assert async_url(given).render_as_string(hide_password=False) == url


async def test_a_scope_commits_at_its_end_and_rolls_back_when_it_fails(engine: AsyncEngine) -> None:
    async def add(fail: bool) -> None:
        async with session_scope(engine) as session:
            session.add(Session(site_name="Lakeside", jira_project_key="LAKE"))
            await session.flush()
            if fail:
                raise RuntimeError("on purpose")

    await add(fail=False)
    with pytest.raises(RuntimeError, match="on purpose"):
        await add(fail=True)
    async with session_scope(engine) as session:
        assert len(list(await session.scalars(select(Session)))) == 1


async def test_a_database_that_does_not_answer_is_unavailable() -> None:
    engine = create_engine("postgresql://nobody@127.0.0.1:9/none", pooled=False)
    with pytest.raises(Unavailable, match="does not answer"):
        async with session_scope(engine):
            pass


async def test_a_database_that_does_not_know_us_is_misconfigured(engine: AsyncEngine) -> None:
    missing = create_engine(
        engine.url.set(database="missing").render_as_string(hide_password=False), pooled=False
    )
    with pytest.raises(Misconfigured, match='refuses us: database "missing" does not exist'):
        async with session_scope(missing):
            pass


async def test_a_connection_that_is_lost_in_the_middle_is_unavailable(engine: AsyncEngine) -> None:
    async def lose() -> None:
        async with session_scope(engine) as session:
            pid = await session.scalar(text("SELECT pg_backend_pid()"))
            async with session_scope(engine) as other:
                await other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
            await session.execute(text("SELECT 1"))

    with pytest.raises(Unavailable):
        await lose()


async def test_a_deadlock_is_worth_another_try(engine: AsyncEngine) -> None:
    first, second = await make_session(engine), await make_session(engine)
    lock = text("UPDATE sessions SET site_name = 'x' WHERE id = :id")
    both_hold_one = asyncio.Barrier(2)

    async def take(*ids: object) -> None:
        async with session_scope(engine) as session:
            await session.execute(lock, {"id": ids[0]})
            await both_hold_one.wait()
            await session.execute(lock, {"id": ids[1]})

    outcomes = await asyncio.gather(take(first, second), take(second, first), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NoneType", "Unavailable"]


async def test_other_errors_of_the_database_are_not_hidden_but_their_values_are(engine: AsyncEngine) -> None:
    async with session_scope(engine) as session:
        with pytest.raises(DBAPIError) as raised:
            await session.execute(text("SELECT CAST(:secret AS text), 1 / 0"), {"secret": "s3cret"})
    assert "s3cret" not in str(raised.value)


async def test_nothing_is_loaded_behind_ones_back(engine: AsyncEngine) -> None:
    session_id = await make_session(engine)
    await store_tickets(engine, session_id, "a")
    async with session_scope(engine) as session:
        [ticket] = await session.scalars(select(Ticket))
        with pytest.raises(InvalidRequestError, match="raise"):
            _ = ticket.attachment
