"""Project, tokens and errors of a session."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import session_scope
from db.enums import ErrorCategory, ErrorSeverity, SessionStage
from db.models import AuditLogEntry
from db.repositories.errors import ErrorRepository
from db.repositories.projects import ProjectRepository
from db.repositories.tokens import TokenRepository
from tests.builders.database import FLOW, make_session, store_tickets
from tests.db.full_session import store_project, store_token


async def test_a_project_is_known_for_a_day(engine: AsyncEngine) -> None:
    session_id = await make_session(engine)
    async with session_scope(engine) as session:
        projects = ProjectRepository(session)
        assert await projects.get(session_id) is None
        await store_project(session_id, projects)
        await store_project(session_id, projects)
        project = await projects.get(session_id)
        assert project is not None
        assert project.available_sprints == [{"id": 1, "name": "Sprint 1"}]
        await session.execute(text("UPDATE jira_project_context SET cached_at = now() - interval '25 hours'"))
        assert await projects.get(session_id) is None
        assert await projects.get(session_id, max_age=None) is not None


async def test_tokens_are_replaced_as_a_pair_and_forgotten(engine: AsyncEngine) -> None:
    async with session_scope(engine) as session:
        tokens = TokenRepository(session)
        await store_token(tokens)
        await tokens.store(
            "account-1",
            "https://jira",
            access_token=b"new-access",
            refresh_token=b"new-refresh",
            access_token_expires_at=datetime.now(UTC),
            refresh_token_expires_at=datetime.now(UTC) + timedelta(days=90),
            granted_scopes=[],
            actor=FLOW,
        )
        token = await tokens.lock("account-1", "https://jira")
        assert token is not None
        assert (token.access_token, token.refresh_token) == (b"new-access", b"new-refresh")
        assert await tokens.get("account-1", "https://elsewhere") is None
        assert await tokens.forget("account-1", "https://jira", actor=FLOW)
        assert not await tokens.forget("account-1", "https://jira", actor=FLOW)
        trail = list(await session.scalars(select(AuditLogEntry)))
    assert "secret" not in str([(entry.description, entry.event_data) for entry in trail])


async def test_errors_keep_what_happened_although_ticket_and_text_are_odd(engine: AsyncEngine) -> None:
    session_id = await make_session(engine)
    ids = await store_tickets(engine, session_id, "a")
    async with session_scope(engine) as session:
        await ErrorRepository(session).record(
            session_id,
            category=ErrorCategory.USER_FIXABLE,
            severity=ErrorSeverity.BLOCKING,
            stage=SessionStage.REVIEW,
            code="odd",
            message="A cell holds \x00 and \ud800.",
            recovery_actions=["Clean the cell."],
            technical_details={"api_token": "s3cret", "cell": "\x00"},
            related_ticket_id=ids["a"],
            actor=FLOW,
        )
    await store_tickets(engine, session_id, "b")
    async with session_scope(engine) as session:
        [error] = await ErrorRepository(session).list_errors(session_id)
    assert error.user_message == "A cell holds \ufffd and \ufffd."
    assert error.technical_details == {"api_token": "***", "cell": "\ufffd"}
    assert error.recovery_actions == ["Clean the cell."]
    assert error.related_ticket_id is None, "the ticket is gone, the error is not"


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE sessions SET current_stage = 'lunch'", "ck_sessions_sessionstage"),
        ("UPDATE sessions SET status = 'ACTIVE'", "ck_sessions_sessionstatus"),
        ("UPDATE tickets SET title = repeat('x', 256)", "ck_tickets_title_length"),
        ("UPDATE tickets SET title = ''", "ck_tickets_title_length"),
        ("UPDATE tickets SET jira_ticket_key = 'X-1'", "ck_tickets_key_with_url"),
        ("UPDATE tickets SET entity_group = 'Other'", "ck_tickets_entitygroup"),
        (
            "INSERT INTO ticket_dependencies SELECT id, id FROM tickets LIMIT 1",
            "ck_ticket_dependencies_not_itself",
        ),
        (
            "INSERT INTO attachments (session_id, ticket_id, filename, content, file_size_bytes)"
            " SELECT session_id, id, 'a.md', repeat('x', 1048577), 1048577 FROM tickets LIMIT 1",
            "ck_attachments_size_limit",
        ),
        (
            "INSERT INTO attachments (session_id, ticket_id, filename, content, file_size_bytes)"
            " SELECT session_id, id, 'a.md', 'ä', 1 FROM tickets LIMIT 1",
            "ck_attachments_size_of_content",
        ),
        (
            "INSERT INTO session_tasks (session_id, task_type, retry_count) SELECT id, 'export', 4 FROM sessions",
            "ck_session_tasks_retry_count",
        ),
        (
            "INSERT INTO session_tasks (session_id, task_type) SELECT id, 'upload' FROM sessions",
            "ck_session_tasks_tasktype",
        ),
        (
            "UPDATE audit_log SET event_data = jsonb_build_object('x', repeat('x', 102400))",
            "ck_audit_log_event_data_limit",
        ),
    ],
)
async def test_the_tables_themselves_refuse_what_must_not_be(
    engine: AsyncEngine, statement: str, constraint: str
) -> None:
    session_id = await make_session(engine)
    await store_tickets(engine, session_id, "a", "b")
    async with session_scope(engine) as session:
        with pytest.raises(IntegrityError, match=constraint):
            await session.execute(text(statement))
