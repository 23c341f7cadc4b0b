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
        # Errors must not show parameters: they hold texts of customers and encrypted tokens.
        options = {"pool_pre_ping": True, "pool_size": 5, "max_overflow": 10, "hide_parameters": True}
        # Another task of this loop may have been faster while the block was loaded.
        _engines.setdefault(loop, block.get_engine(**options))
    return _engines[loop]
