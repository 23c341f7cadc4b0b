"""Going back with issues in Jira: kept and archived, or deleted once each is proven to be ours."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from blocks.jira_answers import Issue
from db.engine import session_scope
from db.enums import SessionStage, SessionStatus
from db.errors import InJira
from db.repositories.audit import AuditRepository
from db.repositories.exports import ExportedRow, ExportRepository
from db.repositories.intents import IntentRepository, JiraIssue
from db.repositories.rollback import RollbackRepository
from db.repositories.sessions import SessionRepository
from db.repositories.tickets import TicketRepository
from tasks.core.errors import UserFixable
from tasks.core.tickets.payload import PROPERTY
from tasks.rollback import proven
from tests.builders.database import DIRECTOR
from tests.builders.reviewing import restore_tickets, reviewable

SITE, TO = "https://lake.example", SessionStage.PROCESSING


async def exported(engine: AsyncEngine) -> tuple[UUID, dict[UUID, str]]:
    """A session whose tickets are in Jira; its issues by ticket."""
    session_id = await reviewable(engine)
    async with session_scope(engine) as session:
        await SessionRepository(session).bind_account(session_id, SITE, "a1", "Ada", actor=DIRECTOR)
        tickets = await TicketRepository(session).list_tickets(session_id)
        issues = {ticket.id: f"LAKE-{number}" for number, ticket in enumerate(tickets, start=1)}
        made = [JiraIssue(ticket, key, f"{SITE}/browse/{key}") for ticket, key in issues.items()]
        await IntentRepository(session).resolve(session_id, made, actor=DIRECTOR)
        rows = [ExportedRow(f"row {key}", "x", "hash", key) for key in issues.values()]
        await ExportRepository(session).record(session_id, SITE, "LAKE", rows, actor=DIRECTOR)
    return session_id, issues


async def known_rows(engine: AsyncEngine) -> set[str]:
    async with session_scope(engine) as session:
        return {row.jira_ticket_key for row in await ExportRepository(session).find(SITE, "LAKE")}


async def test_without_a_word_about_the_issues_it_is_refused(engine: AsyncEngine) -> None:
    session_id, _ = await exported(engine)
    with pytest.raises(InJira, match="3 tickets"):
        async with session_scope(engine) as session:
            await RollbackRepository(session).roll_back(session_id, TO, actor=DIRECTOR)


async def test_kept_issues_are_archived_and_later_tickets_are_new(engine: AsyncEngine) -> None:
    session_id, issues = await exported(engine)
    async with session_scope(engine) as session:
        await RollbackRepository(session).roll_back(session_id, TO, actor=DIRECTOR, keep=True)
    await restore_tickets(engine, session_id)
    async with session_scope(engine) as session:
        record = await SessionRepository(session).get(session_id)
        tickets = await TicketRepository(session).list_tickets(session_id)
        trail = await AuditRepository(session).trail(session_id)
    assert (record.current_stage, record.status, record.completed_at) == (TO, SessionStatus.ACTIVE, None)
    assert {ticket.jira_ticket_key for ticket in tickets} == {None}
    assert not {ticket.id for ticket in tickets} & issues.keys()
    [archived] = [entry for entry in trail if entry.event_type == "issues.archived"]
    assert archived.event_data["issues"] == sorted(issues.values())
    assert await known_rows(engine) == set(issues.values())


async def test_deleted_issues_are_forgotten(engine: AsyncEngine) -> None:
    session_id, issues = await exported(engine)
    async with session_scope(engine) as session:
        await RollbackRepository(session).roll_back(session_id, TO, actor=DIRECTOR, deleted=issues.values())
    assert await known_rows(engine) == set()


async def test_it_is_refused_when_some_are_left(engine: AsyncEngine) -> None:
    session_id, issues = await exported(engine)
    some = list(issues.values())[1:]
    with pytest.raises(InJira):
        async with session_scope(engine) as session:
            await RollbackRepository(session).roll_back(session_id, TO, actor=DIRECTOR, deleted=some)
    assert await known_rows(engine) == set(issues.values())


class Jira:
    """Answers which issues there are, with their properties."""

    def __init__(self, marks: dict[str, Any]) -> None:
        self.marks = marks

    async def fetch(self, keys: Any, *, properties: Any) -> list[Issue]:
        found = (key for key in keys if key in self.marks)
        return [Issue(id="1", key=key, properties={PROPERTY: self.marks[key]}) for key in found]


OURS = {"LAKE-1": "t1", "LAKE-2": "t2"}


async def test_issues_with_our_mark_may_be_deleted_and_those_gone_are_fine() -> None:
    jira = Jira({"LAKE-2": {"session": "s", "ticket": "t2"}})
    assert await proven(jira, OURS, "s") == ["LAKE-2"]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "mark", [None, {}, "x", {"session": "other", "ticket": "t1"}, {"session": "s", "ticket": "t2"}]
)
async def test_one_that_is_not_ours_keeps_all_from_being_deleted(mark: Any) -> None:
    jira = Jira({"LAKE-1": mark, "LAKE-2": {"session": "s", "ticket": "t2"}})
    with pytest.raises(UserFixable) as refused:
        await proven(jira, OURS, "s")  # type: ignore[arg-type]
    assert "LAKE-1" in refused.value.actions[0]
    assert "LAKE-2" not in refused.value.actions[0]
