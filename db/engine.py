"""The engine and the one session scope that commits."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from sqlalchemy import URL, NullPool, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from db.errors import DatabaseError, Misconfigured, Unavailable

# Deadlock and serialization failure; too many connections; the server shuts down or starts.
PASSING = {"40P01", "40001", "53300", "57P01", "57P02", "57P03"}


def async_url(url: str) -> URL:
    """Any Postgres address as one for asyncpg, which says `ssl` where libpq says `sslmode`."""
    parsed = make_url(url).set(drivername="postgresql+asyncpg")
    mode = parsed.query.get("sslmode")
    return parsed.difference_update_query(["sslmode"]).update_query_dict({"ssl": mode} if mode else {})


def create_engine(url: str, *, pooled: bool = True) -> AsyncEngine:
    """An engine for the running event loop; `pooled=False` for one-off work and short processes.

    Statements never show their parameters in errors: they hold texts of customers and encrypted tokens.
    """
    common = {"hide_parameters": True, "connect_args": {"timeout": 10}}
    if pooled:
        return create_async_engine(async_url(url), pool_pre_ping=True, pool_size=5, max_overflow=10, **common)
    return create_async_engine(async_url(url), poolclass=NullPool, **common)


@asynccontextmanager
async def session_scope(engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    """A session that commits at the end, or rolls back when the body raises.

    An outage becomes `Unavailable`. Objects stay readable after the commit. Never held over a network call.
    """
    async with AsyncSession(engine, expire_on_commit=False) as session:
        try:
            await session.connection()
        except (OSError, TimeoutError, DBAPIError, asyncpg.PostgresError) as error:
            raise _connection_error(error) from error
        try:
            yield session
            await session.commit()
        except DBAPIError as error:
            if error.connection_invalidated or getattr(error.orig, "sqlstate", None) in PASSING:
                raise Unavailable(f"The database gave up the transaction: {error.orig}") from error
            raise


def _connection_error(error: BaseException) -> DatabaseError:
    """Nobody there, or nobody for us: wrong login, no such database."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    if isinstance(cause, asyncpg.InvalidAuthorizationSpecificationError | asyncpg.InvalidCatalogNameError):
        return Misconfigured(f"The database refuses us: {cause}.")
    return Unavailable(f"The database does not answer: {cause}.")
