"""What is chosen from the project: held against what Jira said, which is asked again when it is old or lacks it."""

from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import session_scope
from db.repositories.projects import ProjectRepository
from tasks.core.errors import UserFixable
from tasks.review_choices import choose
from tests.builders.database import DIRECTOR, make_session
from tests.builders.reviewing import know_project

PRIORITIES = {
    "Task": [{"field_id": "priority", "name": "Priority", "allowed_values": [{"id": "1", "name": "High"}]}]
}


class Jira:
    """Counts how often it is asked, and knows one sprint more than it did."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine, self.asked = engine, 0

    async def refresh(self, session_id: UUID) -> None:
        self.asked += 1
        async with session_scope(self.engine) as session:
            await ProjectRepository(session).store(
                session_id,
                project_key="LAKE",
                project_name="Lakeside",
                can_create_tickets=True,
                can_assign_tickets=True,
                available_sprints=[{"id": 5, "name": "Sprint 5"}, {"id": 6, "name": "Sprint 6"}],
                team_members=[],
                issue_types=[],
                create_fields=PRIORITIES,
                actor=DIRECTOR,
            )


@pytest.fixture
async def known(engine: AsyncEngine) -> UUID:
    session_id = await make_session(engine)
    await know_project(engine, session_id)
    return session_id


async def test_a_known_sprint_is_taken_without_asking(engine: AsyncEngine, known: UUID) -> None:
    jira = Jira(engine)
    assert await choose(engine, known, {"sprint": "sprint 5"}, jira.refresh) == {"sprint": "Sprint 5"}
    assert jira.asked == 0


async def test_one_that_is_not_known_is_asked_for_once(engine: AsyncEngine, known: UUID) -> None:
    jira = Jira(engine)
    assert await choose(engine, known, {"sprint": "6"}, jira.refresh) == {"sprint": "Sprint 6"}
    with pytest.raises(UserFixable, match="no sprint"):
        await choose(engine, known, {"sprint": "Sprint 7"}, jira.refresh)
    assert jira.asked == 2


async def test_a_project_a_day_old_is_asked_anew(engine: AsyncEngine, known: UUID) -> None:
    async with session_scope(engine) as session:
        await session.execute(text("UPDATE jira_project_context SET cached_at = now() - interval '25 hours'"))
    jira = Jira(engine)
    await choose(engine, known, {"sprint": "Sprint 5"}, jira.refresh)
    assert jira.asked == 1


async def test_an_old_answer_counts_where_nobody_can_ask(engine: AsyncEngine, known: UUID) -> None:
    async with session_scope(engine) as session:
        await session.execute(text("UPDATE jira_project_context SET cached_at = now() - interval '25 hours'"))
    assert await choose(engine, known, {"assignee": "b2"}) == {"assignee": "Ben Builder"}


async def test_taking_a_value_away_asks_nobody(engine: AsyncEngine, known: UUID) -> None:
    jira = Jira(engine)
    assert await choose(engine, known, {"sprint": None, "title": "x"}, jira.refresh) == {
        "sprint": None,
        "title": "x",
    }
    assert jira.asked == 0


async def test_a_priority_is_held_against_the_create_screen(engine: AsyncEngine, known: UUID) -> None:
    await Jira(engine).refresh(known)
    assert await choose(engine, known, {"priority": "high"}) == {"priority": "High"}
    with pytest.raises(UserFixable, match="no priority"):
        await choose(engine, known, {"priority": "Cosmic"})
