"""The timeline of a session: who did what, under whose account and in which run; also when the session is gone."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from db.actor import Actor
from db.engine import session_scope
from db.enums import EventCategory
from db.repositories.audit import AuditRepository
from db.repositories.sessions import SessionRepository
from deployments.cli.options import account_name
from tests.builders.database import DIRECTOR
from tests.builders.reviewing import reviewable
from tests.deployments.cli.conftest import Cli, InDatabase

COMPREHENSIVE = {"audit_level": "comprehensive"}


def timeline(cli: Cli, session: UUID) -> list[dict[str, Any]]:
    return list(cli("session", "show", session, "--timeline", "--json").document["timeline"])


def test_it_begins_with_the_session_and_ends_with_what_was_done_last(
    cli: Cli, database: InDatabase[UUID]
) -> None:
    session = database(reviewable)
    cli("session", "close", session, "--requested-by", "Dana")
    told = timeline(cli, session)
    assert told[0]["event"] == "session.created"
    assert told[-1]["event"] == "session.closed"
    assert [entry["at"] for entry in told] == sorted(entry["at"] for entry in told)


def test_who_somebody_says_they_are_stands_beside_the_account_of_the_machine(
    cli: Cli, database: InDatabase[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    session = database(reviewable)
    monkeypatch.setenv("LOGNAME", "somebody else")
    cli("session", "close", session, "--requested-by", "Dana")
    actor = timeline(cli, session)[-1]["actor"]
    assert actor["claimed"] == "Dana"
    assert actor["authenticated"] == account_name()
    assert "somebody else" not in actor["authenticated"]


def test_how_much_is_kept_can_be_changed_on_the_way(cli: Cli, database: InDatabase[UUID]) -> None:
    session = database(reviewable)
    assert cli("session", "set", session, "--audit-level", "comprehensive").exit_code == 0
    cli("session", "close", session)
    changed, closed = timeline(cli, session)[-2:]
    assert changed["data"]["audit_level"] == {"from": "basic", "to": "comprehensive"}
    assert closed["data"]["before"]["status"] == "active"
    assert cli("session", "set", session, "--audit-level", "everything").exit_code == 2


def test_a_flow_is_shown_with_its_run_and_how_long_it_took(cli: Cli, database: InDatabase[Any]) -> None:
    session, run = database(reviewable), uuid4()

    async def write(engine: AsyncEngine) -> None:
        async with session_scope(engine) as scope:
            await AuditRepository(scope).write(
                Actor("dana@example.com", request_id=str(run)),
                "upload-spec.completed",
                EventCategory.UPLOAD,
                session_id=session,
                description="upload-spec completed",
                execution_time_ms=1500,
            )

    database(write)
    last = timeline(cli, session)[-1]
    assert (last["flow_run"], last["milliseconds"]) == (str(run), 1500)
    shown = cli("session", "show", session, "--timeline").out
    assert "dana@example.com" in shown
    assert "upload-spec completed" in shown
    assert "1.5 s" in shown


@pytest.mark.parametrize(
    ("settings", "kept"), [({}, False), (COMPREHENSIVE, True)], ids=["basic", "comprehensive"]
)
def test_the_level_of_the_session_decides_whether_values_are_kept(
    cli: Cli, database: InDatabase[Any], settings: dict[str, str], kept: bool
) -> None:
    session = database(lambda engine: reviewable(engine, settings=settings))
    ticket = cli("tickets", "list", session, "--json").document["tickets"][0]["id"]
    cli("tickets", "edit", session, ticket, "--title", "Build what was asked for")
    (edited,) = [entry for entry in timeline(cli, session) if entry["event"] == "ticket.edited"]
    assert ("Build what was asked for" in str(edited["data"])) == kept


def test_a_session_that_is_gone_still_has_its_timeline(cli: Cli, database: InDatabase[Any]) -> None:
    session = database(reviewable)

    async def remove(engine: AsyncEngine) -> None:
        async with session_scope(engine) as scope:
            await SessionRepository(scope).delete(session, actor=DIRECTOR)

    database(remove)
    assert timeline(cli, session)[-1]["event"] == "session.deleted"


def test_a_session_that_never_was_has_none(cli: Cli, database: InDatabase[Any]) -> None:
    database(reviewable)
    assert cli("session", "show", uuid4(), "--timeline", "--json").exit_code == 10


def test_an_unknown_level_is_refused(cli: Cli) -> None:
    asked = cli("session", "new", "--site-name", "L", "--project-key", "LAKE", "--audit-level", "everything")
    assert asked.exit_code == 2
