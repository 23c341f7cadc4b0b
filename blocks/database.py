"""How flows and tasks reach the database: one engine per process and running event loop."""

import asyncio
from weakref import WeakKeyDictionary

from prefect_sqlalchemy import AsyncSqlAlchemyConnector  # type: ignore[import-untyped]
from sqlalchemy.ext.asyncio import AsyncEngine

DATABASE_BLOCK = "drupal-tickets"

_engines: WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncEngine] = WeakKeyDictionary()


async def database_engine(block_name: str = DATABASE_BLOCK) -> AsyncEngine:
    """The engine of the running loop, made from the database block on first use."""
    loop = asyncio.get_running_loop()
    if loop not in _engines:
        block = await AsyncSqlAlchemyConnector.aload(block_name)
        # Another task of this loop may have been faster while the block was loaded.
        _engines.setdefault(loop, block.get_engine(pool_pre_ping=True, pool_size=5, max_overflow=10))
    return _engines[loop]


async def close_database() -> None:
    """Close the connections of the running loop; the next use opens new ones."""
    if (engine := _engines.pop(asyncio.get_running_loop(), None)) is not None:
        await engine.dispose()
