"""The migrations make exactly the schema of the models, and can be undone."""

import asyncio
from collections.abc import Callable
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text

from db.engine import create_engine
from db.migrate import downgrade, is_current, upgrade
from db.models import Base

# Everything that Postgres itself knows of a schema, as text that two databases can be compared by.
CATALOG = {
    "columns": """
        SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, column_default
        FROM information_schema.columns WHERE table_schema = 'public'""",
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'""",
    "indexes": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "types": """
        SELECT typname FROM pg_type
        WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd')""",
}


def on(url: str, work: Callable[[Connection], Any]) -> Any:
    """Run synchronous work on a connection of its own, and commit."""

    async def run() -> Any:
        engine = create_engine(url, pooled=False)
        async with engine.begin() as connection:
            result = await connection.run_sync(work)
        await engine.dispose()
        return result

    return asyncio.run(run())


def catalog(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """The schema without Alembic's own table."""
    rows = {name: [tuple(row) for row in connection.execute(text(query))] for name, query in CATALOG.items()}
    return {
        name: sorted(row for row in found if "alembic_version" not in str(row))
        for name, found in rows.items()
    }


def test_the_migrations_make_the_schema_of_the_models(database_url: str, empty_database_url: str) -> None:
    on(empty_database_url, Base.metadata.create_all)
    assert on(database_url, catalog) == on(empty_database_url, catalog)


def test_autogenerate_finds_nothing_to_do(database_url: str) -> None:
    def differences(connection: Connection) -> Any:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        return compare_metadata(context, Base.metadata)

    assert on(database_url, differences) == []


def test_up_down_and_up_again(empty_database_url: str) -> None:
    upgrade(empty_database_url)
    first = on(empty_database_url, catalog)
    downgrade(empty_database_url, "base")
    assert not any(on(empty_database_url, catalog).values())
    upgrade(empty_database_url)
    assert on(empty_database_url, catalog) == first


def test_upgrading_a_current_database_changes_nothing(database_url: str) -> None:
    before = on(database_url, catalog)
    upgrade(database_url)
    assert on(database_url, catalog) == before


async def test_two_that_migrate_at_once_do_not_disturb_each_other(empty_database_url: str) -> None:
    await asyncio.gather(*(asyncio.to_thread(upgrade, empty_database_url) for _ in range(3)))
    engine = create_engine(empty_database_url, pooled=False)
    async with engine.connect() as connection:
        assert await is_current(connection)
    await engine.dispose()


async def test_a_database_without_tables_is_not_current(empty_database_url: str) -> None:
    engine = create_engine(empty_database_url, pooled=False)
    async with engine.connect() as connection:
        assert not await is_current(connection)
    await engine.dispose()


def test_the_tables_of_record_are_there(database_url: str) -> None:
    of_record = {
        "sessions", "session_tasks", "session_validations", "uploaded_files", "tickets",
        "ticket_dependencies", "attachments", "jira_auth_tokens", "jira_project_context", "session_errors",
        "audit_log",
    }  # fmt: skip
    tables = {row[0] for row in on(database_url, catalog)["columns"]}
    assert of_record <= tables
