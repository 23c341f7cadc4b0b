"""Commands that read sessions or decide on them, against real Postgres."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import session_scope
from db.enums import ErrorCategory, ErrorSeverity, EventCategory, SessionStage, TaskType
from db.repositories.audit import AuditRepository
from db.repositories.background import TaskRepository
from db.repositories.errors import ErrorRepository
from db.repositories.sessions import SessionRepository
from tests.builders.database import DIRECTOR, make_session, validate
from tests.builders.reviewing import reviewable
from tests.deployments.cli.conftest import Cli, InDatabase


@pytest.fixture
def session(database: InDatabase[UUID]) -> UUID:
    """A session under review with three tickets."""
    return database(reviewable)


def ids(result: Any) -> list[str]:
    return [one["id"] for one in result.document["sessions"]]


def test_incomplete_sessions_are_listed_and_closed_ones_only_on_request(cli: Cli, session: UUID) -> None:
    assert str(session) in ids(cli("session", "list", "--json"))
    cli("session", "close", session)
    assert str(session) not in ids(cli("session", "list", "--json"))
    assert str(session) in ids(cli("session", "list", "--all", "--json"))


@pytest.mark.parametrize(
    "command", [("upload",), ("export",), ("session", "resume"), ("session", "cancel")], ids=" ".join
)
def test_that_there_is_no_such_session_is_said_before_a_stack_is_started(
    cli: Cli, database: InDatabase[Any], command: tuple[str, ...]
) -> None:
    unknown = uuid4()
    told = cli(*command, unknown)
    assert told.exit_code == 10
    assert f"There is no session {unknown}" in told.err
    assert "Starting" not in told.err


def test_people_see_where_their_sessions_stand(cli: Cli, session: UUID) -> None:
    told = cli("session", "list").out
    assert str(session)[:8] in told
    assert "review" in told


def test_a_session_is_shown_with_its_whole_document(cli: Cli, session: UUID) -> None:
    document = cli("session", "show", session, "--json").document
    assert document["session"]["waiting_for"] == "review"
    assert len(document["tickets"]) == 3
    told = cli("session", "show", str(session)[:13]).out
    assert "Content" in told
    assert "resume" in told


def test_a_session_that_is_being_worked_on_waits_for_nobody(
    cli: Cli, database: InDatabase[Any], session: UUID
) -> None:
    async def begin(engine: AsyncEngine) -> None:
        async with session_scope(engine) as scope:
            await TaskRepository(scope).queue(session, TaskType.ADF_VALIDATION, actor=DIRECTOR)

    database(begin)
    assert cli("session", "show", session, "--json").document["session"]["waiting_for"] is None
    assert cli("session", "close", session).exit_code == 10


def test_time_per_stage_comes_from_the_audit_trail(
    cli: Cli, database: InDatabase[Any], session: UUID
) -> None:
    async def work(engine: AsyncEngine) -> None:
        async with session_scope(engine) as scope:
            for event, spent in (
                ("upload-spec.started", 0),
                ("upload-spec.failed", 500),
                ("upload-spec.completed", 700),
            ):
                await AuditRepository(scope).write(
                    DIRECTOR, event, EventCategory.UPLOAD, session_id=session, execution_time_ms=spent
                )

    database(work)
    assert cli("session", "show", session, "--json").document["timings"] == {"upload": 1.2}


def test_findings_and_held_rows_are_told(cli: Cli, database: InDatabase[Any], session: UUID) -> None:
    finding = {
        "code": "bundle-empty", "severity": "warning", "category": "user_fixable", "file": "Bundles.csv",
        "records": [3], "column": None, "value": None, "message": "It has no fields.", "actions": ["Add fields."],
    }  # fmt: skip
    held = {"file": "Bundles.csv", "record": 4, "x": "w", "reason": "It waits."}

    async def report(engine: AsyncEngine) -> None:
        async with session_scope(engine) as scope:
            await SessionRepository(scope).store_spec_report(
                session, findings=[finding], scope_counts={"bundles": {"a": 3}}, held=[held], actor=DIRECTOR
            )

    database(report)
    document = cli("session", "show", session, "--json").document
    assert (document["findings"], document["held"]) == ([finding], [held])
    assert document["scope"] == {"bundles": {"a": 3}}
    told = cli("session", "show", session).out
    assert "It has no fields." in told
    assert "Add fields." in told


def test_errors_are_listed_with_what_to_do(cli: Cli, database: InDatabase[Any], session: UUID) -> None:
    async def fail(engine: AsyncEngine) -> None:
        async with session_scope(engine) as scope:
            await ErrorRepository(scope).record(
                session,
                category=ErrorCategory.TEMPORARY,
                severity=ErrorSeverity.BLOCKING,
                stage=SessionStage.JIRA_EXPORT,
                code="jira-away",
                message="Jira does not answer.",
                recovery_actions=["Try again."],
                actor=DIRECTOR,
            )

    database(fail)
    [error] = cli("session", "errors", session, "--json").document["errors"]
    assert (error["category"], error["stage"], error["actions"]) == (
        "temporary", "jira_export", ["Try again."],
    )  # fmt: skip
    assert "Try again." in cli("session", "errors", session).out


def test_a_review_says_what_stands_between_the_tickets_and_jira(
    cli: Cli, database: InDatabase[Any], session: UUID
) -> None:
    document = cli("review", session, "--json").document
    assert document["review"]["validation"] == "required: never validated"
    database(lambda engine: validate(engine, session))
    assert cli("review", session, "--json").document["review"]["validation"] == "passed"
    ticket = cli("tickets", "list", session, "--json").document["tickets"][0]["id"]
    cli("tickets", "edit", session, ticket, "--title", "Another", "--not-ready")
    document = cli("review", session, "--json").document
    assert document["review"]["validation"] == "required: tickets changed since"
    assert document["groups"][0] == {"group": "Content", "tickets": 2, "edited": 1, "not_ready": 1}


def test_an_approval_is_of_the_tickets_as_they_are(cli: Cli, session: UUID) -> None:
    done = cli("review", session, "--approve", "--note", "Fine.", "--requested-by", "Dana", "--json").document
    assert done["review"]["decision"] == "approve"
    assert done["review"]["decided_by"] == "Dana"
    assert not done["review"]["changed_since"]
    ticket = cli("tickets", "list", session, "--json").document["tickets"][0]["id"]
    cli("tickets", "edit", session, ticket, "--title", "Another")
    assert cli("review", session, "--json").document["review"]["changed_since"]


def test_nothing_is_approved_before_there_are_tickets(cli: Cli, database: InDatabase[UUID]) -> None:
    early = database(make_session)
    assert cli("review", early, "--approve").exit_code == 10


def test_a_rollback_shows_first_what_would_be_lost(cli: Cli, session: UUID) -> None:
    result = cli("session", "rollback", session, "--to", "upload", "--json")
    nothing_sent = {"tickets": 3, "attachments": 0, "edits": 0, "issues": 0}
    assert result.document == {"impact": nothing_sent, "done": False}
    assert "--yes" in result.err
    assert len(cli("session", "show", session, "--json").document["tickets"]) == 3


def test_the_cost_of_the_offline_writer_is_nothing(cli: Cli, session: UUID) -> None:
    cost = cli("cost", session, "--json").document["cost"]
    assert (cost["spent_usd"], cost["budget_usd"], cost["writer"]) == (0, 5, "offline")
    assert "offline" in cli("cost", session).out


@pytest.mark.parametrize(
    "arguments",
    [
        ("session", "show"),
        ("session", "close"),
        ("session", "errors"),
        ("session", "rollback", "--to", "upload"),
        ("review",),
        ("cost",),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("unknown", ["ffffffff-0000-4000-8000-000000000000", "'; DROP TABLE"])
def test_a_session_that_is_not_there_is_the_persons_to_correct(
    cli: Cli, database: InDatabase[Any], arguments: tuple[str, ...], unknown: str
) -> None:
    result = cli(*arguments, "--json", "--", unknown)
    assert result.exit_code == 10
    assert "session" in result.document["error"]["message"]


def test_an_id_that_several_sessions_begin_with_names_none(cli: Cli, database: InDatabase[Any]) -> None:
    for _ in range(17):  # sixteen first digits
        database(make_session)
    firsts = [one[0] for one in ids(cli("session", "list", "--json"))]
    twice = next(first for first in firsts if firsts.count(first) > 1)
    result = cli("session", "show", twice, "--json")
    assert result.exit_code == 10
    assert "begin with" in result.document["error"]["message"]
