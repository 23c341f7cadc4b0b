"""Deleting a session removes what is its own, and its trail is still found."""

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import session_scope
from db.models import AuditLogEntry, Base, ExportRecord
from db.repositories.audit import AuditRepository
from db.repositories.exports import ExportedRow, ExportRepository
from db.repositories.sessions import SessionRepository
from tests.builders.database import (
    DIRECTOR,
    FLOW,
    make_session,
)
from tests.db.full_session import fill


async def test_deleting_removes_all_that_is_the_sessions_own_and_nothing_else(engine: AsyncEngine) -> None:
    doomed, other = await make_session(engine), await make_session(engine)
    await fill(engine, doomed)
    await fill(engine, other)
    before = await count_rows(engine)
    async with session_scope(engine) as session:
        await SessionRepository(session).delete(doomed, actor=DIRECTOR)
    after = await count_rows(engine)
    shared = {"audit_log", "export_records", "jira_auth_tokens", "model_replies", "model_reservations"}
    for table in before.keys() - shared - {"jira_pauses"}:
        assert before[table] > 0, f"{table} is not filled"
        assert after[table] == before[table] // 2, f"{table} keeps rows of a session that is gone"
    assert after["audit_log"] == before["audit_log"] + 1
    for table in shared - {"audit_log"}:
        assert after[table] == before[table], f"{table} belongs to the installation"


async def test_the_trail_of_a_deleted_session_is_found_by_its_id(engine: AsyncEngine) -> None:
    session_id = await make_session(engine)
    await fill(engine, session_id)
    async with session_scope(engine) as session:
        await SessionRepository(session).delete(session_id, actor=DIRECTOR)
    async with session_scope(engine) as session:
        trail = await AuditRepository(session).trail(session_id)
        by_entity = select(func.count()).where(AuditLogEntry.entity_id == str(session_id))
        assert await session.scalar(by_entity)
        of_sessions = select(func.count()).where(AuditLogEntry.event_type != "login.stored")
        assert await session.scalar(of_sessions) == len(trail)
        records = list(await session.scalars(select(ExportRecord)))
    assert all(entry.session_id is None for entry in trail)
    assert trail[0].event_type == "session.created"
    assert trail[-1].event_type == "session.deleted"
    assert {entry.entity_type for entry in trail} >= {"session", "ticket", "uploaded_file", "session_task"}
    assert [record.session_id for record in records] == [session_id]


async def test_export_records_are_written_once_per_issue(engine: AsyncEngine) -> None:
    session_id = await make_session(engine)
    for content_hash in ("first", "second"):
        async with session_scope(engine) as session:
            rows = [ExportedRow("bundles:page", "page", content_hash, "LAKE-1")]
            await ExportRepository(session).record(session_id, "https://jira", "LAKE", rows, actor=FLOW)
    async with session_scope(engine) as session:
        [record] = await ExportRepository(session).find("https://jira", "LAKE")
        assert record.content_hash == "second"
        assert await ExportRepository(session).find("https://jira", "OTHER") == []


async def count_rows(engine: AsyncEngine) -> dict[str, int]:
    async with session_scope(engine) as session:
        return {
            table: (await session.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one()
            for table in Base.metadata.tables
        }
