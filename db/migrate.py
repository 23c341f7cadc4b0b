"""Brings a database to the current schema, or back."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import create_engine

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK = 0x6474_6D67  # any constant of our own: whoever migrates first makes the others wait


def upgrade(url: str, revision: str = "head") -> None:
    """Migrate up to `revision`; several processes may do so at once. Not from inside an event loop."""
    asyncio.run(_migrate(url, lambda config: command.upgrade(config, revision)))


def downgrade(url: str, revision: str) -> None:
    """Migrate down to `revision`; `base` removes every table of ours."""
    asyncio.run(_migrate(url, lambda config: command.downgrade(config, revision)))


async def is_current(connection: AsyncConnection) -> bool:
    """Whether the database has the schema that this code expects."""
    heads = set(ScriptDirectory.from_config(configuration()).get_heads())
    return heads == await connection.run_sync(
        lambda sync: set(MigrationContext.configure(sync).get_current_heads())
    )


def configuration(connection: Connection | None = None) -> Config:
    """Alembic's configuration; with a connection, migrations run on that one."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


async def _migrate(url: str, run: Callable[[Config], None]) -> None:
    engine = create_engine(url, pooled=False)
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
            await connection.run_sync(lambda sync: run(configuration(sync)))
    finally:
        await engine.dispose()
