"""How Alembic reaches the database: on the connection of `db.migrate`, or from its own command line."""

import asyncio
import os

from alembic import context
from sqlalchemy import Connection

from db.engine import create_engine
from db.models import Base


def migrate(connection: Connection) -> None:
    """Run the migrations in one transaction."""
    context.configure(connection=connection, target_metadata=Base.metadata, compare_server_default=True)
    with context.begin_transaction():
        context.run_migrations()


async def from_command_line() -> None:
    """`alembic -c db/migrations/alembic.ini ...`, for whoever writes a migration."""
    engine = create_engine(os.environ["DATABASE_URL"], pooled=False)
    async with engine.begin() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()


if (given := context.config.attributes.get("connection")) is not None:
    migrate(given)
else:
    asyncio.run(from_command_line())
