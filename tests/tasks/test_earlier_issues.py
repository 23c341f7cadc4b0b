"""A changed spec for the same project: its tickets are found in Jira by their rows, and said before they double."""

import uuid

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import session_scope
from db.enums import ErrorSeverity, SessionStage
from db.repositories.exports import ExportedRow, ExportRepository
from db.repositories.files import FileRepository
from db.repositories.sessions import SessionRepository
from tasks.core.tickets.known_issues import KnownIssue, by_row, in_jira
from tasks.session_spec import read_session_spec
from tests.builders.database import DIRECTOR, make_session, move_to
from tests.builders.spec import bundle, tab

SITE = "https://acme.atlassian.net"


async def session_of(engine: AsyncEngine, *names: str, project: str = "LAKE") -> uuid.UUID:
    """A session whose spec has these content types."""
    session_id = await make_session(engine, jira_project_key=project)
    file = tab("Bundles", *(bundle(name) for name in names))
    async with session_scope(engine) as session:
        await SessionRepository(session).bind_account(session_id, SITE, "account", "Dana", actor=DIRECTOR)
        await FileRepository(session).add(session_id, file.filename, file.content, actor=DIRECTOR)
    return session_id


async def exported(engine: AsyncEngine, session_id: uuid.UUID, *keys: str, project: str = "LAKE") -> None:
    """The export record of a session: each key names an issue and the content type that it was made of."""
    rows = [
        ExportedRow(f"bundles:content type:{name}", f"bundle:{name}", "hash", issue)
        for issue, name in (key.split("=") for key in keys)
    ]
    async with session_scope(engine) as session:
        await ExportRepository(session).record(session_id, SITE, project, rows, actor=DIRECTOR)


async def said(engine: AsyncEngine, session_id: uuid.UUID) -> dict[str, str]:
    found = (await read_session_spec(engine, session_id)).findings
    assert all(
        f.severity is ErrorSeverity.WARNING and f.actions for f in found if f.code == "already-in-jira"
    )
    return {f.message: str(f.value) for f in found if f.code == "already-in-jira"}


async def test_a_ticket_whose_row_is_in_jira_is_named_with_its_issue(engine: AsyncEngine) -> None:
    await exported(engine, await session_of(engine, "Article", "Page"), "LAKE-3=article", "LAKE-4=page")
    found = await said(engine, await session_of(engine, "Article", "Event"))
    assert list(found.values()) == ["LAKE-3"]
    assert "“Article” is in Jira already as LAKE-3" in next(iter(found))


async def test_another_project_and_a_session_that_never_saw_its_jira_know_nothing(
    engine: AsyncEngine,
) -> None:
    await exported(engine, await session_of(engine, "Article"), "LAKE-3=article")
    assert await said(engine, await session_of(engine, "Article", project="DEMO")) == {}
    unbound = await make_session(engine)
    file = tab("Bundles", bundle("Article"))
    async with session_scope(engine) as session:
        await FileRepository(session).add(unbound, file.filename, file.content, actor=DIRECTOR)
    assert await said(engine, unbound) == {}


async def test_a_session_is_not_warned_of_its_own_issues_but_of_those_that_a_rollback_kept(
    engine: AsyncEngine,
) -> None:
    session_id = await session_of(engine, "Article")
    await exported(engine, session_id, "LAKE-3=article")
    assert list((await said(engine, session_id)).values()) == ["LAKE-3"]
    await move_to(engine, session_id, SessionStage.REVIEW)
    assert await said(engine, session_id) == {}


async def test_the_record_outlives_its_session(engine: AsyncEngine) -> None:
    first = await session_of(engine, "Article")
    await exported(engine, first, "LAKE-3=article")
    async with session_scope(engine) as session:
        await SessionRepository(session).delete(first, actor=DIRECTOR)
    assert list((await said(engine, await session_of(engine, "Article"))).values()) == ["LAKE-3"]


@pytest.mark.parametrize(("content_hash", "unchanged"), [("same", True), ("other", False)])
def test_an_issue_that_says_the_same_is_told_apart_from_one_that_does_not(
    content_hash: str, unchanged: bool
) -> None:
    row = {"csv_type": "bundles", "type": "Content type", "machine_name": "article"}
    known = by_row([KnownIssue(row="bundles:content type:article", key="LAKE-3", content_hash="same")])
    there = in_jira([row, {**row, "machine_name": "page"}], known, content_hash)
    assert there is not None
    assert (there.issues, there.unchanged) == (("LAKE-3",), unchanged)
    assert in_jira([{**row, "machine_name": "page"}], known) is None
