"""Services that are not ours to start: do they answer?"""

import asyncpg
import httpx
from sqlalchemy import make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError

from db.engine import create_engine
from deployments.stack.parts import responds
from tasks.core.errors import AdminRequired, Temporary

# Wrong login, no such role, no such database, no permission: waiting does not help.
REFUSALS = ("28", "3D", "42")


async def require_database(url: str) -> None:
    """Raise when the database of DATABASE_URL cannot be worked with."""
    try:
        engine = create_engine(url, pooled=False)
    except (ArgumentError, ValueError, TypeError) as error:
        raise AdminRequired(
            "DATABASE_URL is not the address of a Postgres database.", code="database-url"
        ) from error
    shown = make_url(url).render_as_string(hide_password=True)
    try:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
    except asyncpg.PostgresError as error:
        if (error.sqlstate or "").startswith(REFUSALS):
            raise AdminRequired(f"The database {shown} refuses: {error}", code="database-refuses") from error
        raise _away(shown) from error
    except (OSError, TimeoutError, DBAPIError) as error:
        raise _away(shown) from error
    finally:
        await engine.dispose()


async def require_prefect(client: httpx.AsyncClient, api_url: str) -> None:
    """Raise when the server of PREFECT_API_URL does not answer."""
    if not await responds(client, f"{api_url.rstrip('/')}/health"):
        raise Temporary(
            f"The Prefect server {api_url} does not answer.",
            actions=("Check PREFECT_API_URL and that the server runs, then try again.",),
            code="away",
        )


def _away(shown: str) -> Temporary:
    return Temporary(
        f"The database {shown} does not answer.",
        actions=("Check DATABASE_URL and that the server runs, then try again.",),
        code="away",
    )
