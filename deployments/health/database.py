"""The application's database: does it answer, has it the tables of this version, is its clock right?"""

from sqlalchemy import make_url, text

from db.engine import create_engine
from db.migrate import is_current
from deployments.health.checkup import NotRunning, require_same_time
from deployments.stack.external import require_database
from deployments.stack.state import Connection
from tasks.core.errors import AdminRequired


async def database(connection: Connection | None) -> str:
    """Reachable, migrated, on time."""
    if connection is None:
        raise NotRunning("Nothing runs for this home; `up` starts an embedded Postgres.")
    url = connection.database_url
    await require_database(url)
    engine = create_engine(url, pooled=False)
    try:
        async with engine.connect() as opened:
            version = await opened.scalar(text("SHOW server_version"))
            if not await is_current(opened):
                raise AdminRequired(
                    "The database does not have the tables of this version.",
                    actions=("Back it up, then migrate it: python -m deployments.migrate",),
                    code="schema",
                )
            skew = require_same_time("the database", await opened.scalar(text("SELECT clock_timestamp()")))
    finally:
        await engine.dispose()
    shown = make_url(url).render_as_string(hide_password=True)
    return f"Postgres {version} at {shown}, tables of this version, clock: {skew}"
