"""Sessions: made, found again, moved on, cancelled, closed, deleted."""

import asyncio
import uuid
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import session_scope
from db.enums import SessionStage, SessionStatus, TaskType
from db.errors import AlreadyRunning, NotFound, Refused
from db.fence import Fence
from db.models import Session
from db.repositories.audit import AuditRepository
from db.repositories.background import TaskRepository
from db.repositories.intents import IntentRepository, JiraIssue
from db.repositories.sessions import SessionRepository
from tests.builders.database import (
    DIRECTOR,
    FLOW,
    make_session,
    move_to,
    store_tickets,
    validate,
)

SITE_INFO, UPLOAD, PROCESSING, REVIEW, EXPORT, DONE = SessionStage


async def get(engine: AsyncEngine, session_id: uuid.UUID) -> Session:
    async with session_scope(engine) as session:
        return await SessionRepository(session).get(session_id)


async def test_a_new_session_stands_at_the_beginning(engine: AsyncEngine) -> None:
    record = await get(engine, await make_session(engine, site_description="A college"))
    assert (record.current_stage, record.status) == (SITE_INFO, SessionStatus.ACTIVE)
    assert (record.requested_by, record.jira_site, record.completed_at) == (DIRECTOR.claimed, None, None)
    assert record.created_at.tzinfo is not None
    assert (record.findings, record.held, record.given_way) == ([], [], [])


async def test_a_name_that_cannot_be_stored_as_it_is_is_stored_readably(engine: AsyncEngine) -> None:
    record = await get(
        engine, await make_session(engine, site_name="Lake\x00side", site_description="\ud800")
    )
    assert (record.site_name, record.site_description) == ("Lake\ufffdside", "\ufffd")


async def test_an_unknown_session_is_not_found(engine: AsyncEngine) -> None:
    async with session_scope(engine) as session:
        with pytest.raises(NotFound, match="There is no session"):
            await SessionRepository(session).get(uuid.uuid4())


async def test_the_newest_sessions_are_listed_first_and_completed_ones_left_out_on_request(
    engine: AsyncEngine,
) -> None:
    old, new = await make_session(engine), await make_session(engine)
    async with session_scope(engine) as session:
        await SessionRepository(session).close(old, actor=DIRECTOR)
    async with session_scope(engine) as session:
        sessions = SessionRepository(session)
        assert [record.id for record in await sessions.list_sessions()] == [new, old]
        assert [record.id for record in await sessions.list_sessions(incomplete_only=True)] == [new]
        assert len(await sessions.list_sessions(limit=1)) == 1


# Stages


async def test_stages_are_passed_in_order_and_twice_is_once(engine: AsyncEngine) -> None:
    session_id = await make_session(engine)
    for _ in range(2):
        async with session_scope(engine) as session:
            await SessionRepository(session).move(session_id, SITE_INFO, UPLOAD, actor=FLOW)
    assert (await get(engine, session_id)).current_stage is UPLOAD
    async with session_scope(engine) as session:
        trail = await AuditRepository(session).trail(session_id)
    assert [entry.event_type for entry in trail].count("session.moved") == 1


@pytest.mark.parametrize(
    ("from_stage", "to_stage", "message"),
    [
        (UPLOAD, PROCESSING, "is at stage site_info_collection, not upload"),
        (SITE_INFO, REVIEW, "no stage is skipped"),
    ],
)
async def test_no_stage_is_skipped(
    engine: AsyncEngine, from_stage: SessionStage, to_stage: SessionStage, message: str
) -> None:
    session_id = await make_session(engine)
    async with session_scope(engine) as session:
        with pytest.raises(Refused, match=message):
            await SessionRepository(session).move(session_id, from_stage, to_stage, actor=FLOW)


async def test_the_last_stage_completes_the_session(engine: AsyncEngine) -> None:
    record = await move_to(engine, await make_session(engine), DONE)
    assert (record.current_stage, record.status) == (DONE, SessionStatus.COMPLETED)
    assert record.completed_at is not None


async def test_moving_on_brings_a_failed_session_back(engine: AsyncEngine) -> None:
    session_id = await make_session(engine)
    async with session_scope(engine) as session:
        await SessionRepository(session).set_status(session_id, SessionStatus.FAILED, actor=FLOW)
    assert (await move_to(engine, session_id, UPLOAD)).status is SessionStatus.ACTIVE


# Found again by its spec


async def find(engine: AsyncEngine, site: str | None = "https://jira", **where: Any) -> uuid.UUID | None:
    async with session_scope(engine) as session:
        record = await SessionRepository(session).find_by_spec(site, "LAKE", "spec", **where)
        return record.id if record else None


async def test_the_same_spec_for_the_same_project_finds_its_session(engine: AsyncEngine) -> None:
    session_id = await make_session(engine, spec_hash="spec", jira_site="https://jira")
    await make_session(engine, spec_hash="another", jira_site="https://jira")
    await make_session(engine, spec_hash="spec", jira_site="https://elsewhere")
    await make_session(engine, spec_hash="spec", jira_site="https://jira", jira_project_key="OTHER")
    assert await find(engine) == session_id


async def test_a_session_whose_site_was_not_seen_yet_is_found_by_its_block(engine: AsyncEngine) -> None:
    session_id = await make_session(engine, spec_hash="spec", jira_block="client")
    assert await find(engine, jira_block="client") == session_id
    assert await find(engine, jira_block="jira") is None
    async with session_scope(engine) as session:
        await SessionRepository(session).bind_account(session_id, "https://jira", "u", "U", actor=FLOW)
    assert await find(engine, None, jira_block="client") == session_id
    assert await find(engine, "https://elsewhere", jira_block="client") is None


async def test_an_incomplete_session_goes_before_a_completed_one(engine: AsyncEngine) -> None:
    done = await make_session(engine, spec_hash="spec", jira_site="https://jira")
    await move_to(engine, done, DONE)
    assert await find(engine) == done
    again = await make_session(engine, spec_hash="spec", jira_site="https://jira")
    assert await find(engine) == again
    await move_to(engine, again, DONE)
    assert await find(engine) == again


@pytest.mark.parametrize("sent", [None, "unknown", "LAKE-1"])
async def test_a_session_that_was_given_up_counts_only_when_something_of_it_may_be_in_jira(
    engine: AsyncEngine, sent: str | None
) -> None:
    session_id = await make_session(engine, spec_hash="spec", jira_site="https://jira")
    ids = await store_tickets(engine, session_id, "page")
    hashes = await validate(engine, session_id)
    async with session_scope(engine) as session:
        tasks, intents = TaskRepository(session), IntentRepository(session)
        attempt = await tasks.claim(session_id, TaskType.EXPORT, "run", actor=FLOW)
        if sent is not None:
            fence = Fence("run", attempt)
            await intents.open_intents(session_id, fence, list(hashes.items()), actor=FLOW)
        if sent == "LAKE-1":
            await intents.resolve(session_id, [JiraIssue(ids["page"], sent, "https://jira/1")], actor=FLOW)
        await tasks.cancel(session_id, "run", attempt, actor=FLOW)
        await SessionRepository(session).close(session_id, actor=DIRECTOR)
    assert await find(engine) == (session_id if sent else None)


async def test_of_two_that_start_the_same_spec_at_once_one_creates_and_the_other_finds_it(
    engine: AsyncEngine,
) -> None:
    async def start() -> uuid.UUID:
        async with session_scope(engine) as session:
            sessions = SessionRepository(session)
            record = await sessions.find_by_spec(None, "LAKE", "spec")
            if record is None:
                await asyncio.sleep(0.05)
                record = await sessions.create(
                    site_name="L", jira_project_key="LAKE", spec_hash="spec", actor=DIRECTOR
                )
            return record.id

    assert len(set(await asyncio.gather(*(start() for _ in range(4))))) == 1


async def test_the_spec_is_noted_once(engine: AsyncEngine) -> None:
    session_id = await make_session(engine)
    for _ in range(2):
        async with session_scope(engine) as session:
            await SessionRepository(session).record_spec(session_id, "spec", actor=DIRECTOR)
    assert await find(engine, None) == session_id


# Account and settings


async def test_a_session_stays_with_its_site_and_account(engine: AsyncEngine) -> None:
    session_id = await make_session(engine)
    async with session_scope(engine) as session:
        sessions = SessionRepository(session)
        for _ in range(2):
            await sessions.bind_account(session_id, "https://jira", "account-1", "Dana", actor=FLOW)
        with pytest.raises(Refused, match="belongs to Dana at https://jira; the login is Eve"):
            await sessions.bind_account(session_id, "https://jira", "account-2", "Eve", actor=FLOW)
        with pytest.raises(Refused, match="https://elsewhere"):
            await sessions.bind_account(session_id, "https://elsewhere", "account-1", "Dana", actor=FLOW)


async def test_a_session_whose_account_nobody_has_seen_yet_is_told_by_its_site(engine: AsyncEngine) -> None:
    async with session_scope(engine) as session:
        sessions = SessionRepository(session)
        record = await sessions.create(
            actor=DIRECTOR, site_name="S", jira_project_key="K", jira_site="https://jira"
        )
        with pytest.raises(Refused, match="belongs to https://jira; the login is Eve at https://elsewhere"):
            await sessions.bind_account(record.id, "https://elsewhere", "account-2", "Eve", actor=FLOW)


async def test_provider_and_model_are_settled_once_processing_began(engine: AsyncEngine) -> None:
    session_id = await make_session(engine)

    async def choose(provider: str, budget: str) -> None:
        async with session_scope(engine) as session:
            settings = {"budget_usd": budget, "writing": {"provider": provider}}
            await SessionRepository(session).update_settings(session_id, settings, actor=DIRECTOR)

    await choose("anthropic", "5")
    await move_to(engine, session_id, PROCESSING)
    await choose("offline", "5")
    await choose("anthropic", "5")
    async with session_scope(engine) as session:
        attempt = await TaskRepository(session).claim(session_id, TaskType.PROCESSING, "run", actor=FLOW)
        await TaskRepository(session).fail(session_id, "run", attempt, context={}, actor=FLOW)
    with pytest.raises(Refused, match="Provider and model"):
        await choose("offline", "9")
    await choose("anthropic", "9")
    record = await get(engine, session_id)
    assert record.settings == {"budget_usd": "9", "writing": {"provider": "anthropic"}}


# Cancel, close, delete


async def test_a_request_to_cancel_is_seen_until_it_is_cleared(engine: AsyncEngine) -> None:
    session_id = await make_session(engine)
    async with session_scope(engine) as session:
        sessions = SessionRepository(session)
        assert not await sessions.cancel_requested(session_id)
        await sessions.request_cancel(session_id, actor=DIRECTOR)
        assert await sessions.cancel_requested(session_id)
        first = (await sessions.get(session_id)).cancel_requested_at
        await sessions.request_cancel(session_id, actor=DIRECTOR)
        assert (await sessions.get(session_id)).cancel_requested_at == first
        await sessions.clear_cancel(session_id, actor=DIRECTOR)
        assert not await sessions.cancel_requested(session_id)


async def test_a_session_that_somebody_works_on_is_neither_closed_nor_deleted(engine: AsyncEngine) -> None:
    session_id = await make_session(engine)
    async with session_scope(engine) as session:
        await TaskRepository(session).queue(session_id, TaskType.EXPORT, actor=DIRECTOR)
    async with session_scope(engine) as session:
        with pytest.raises(AlreadyRunning):
            await SessionRepository(session).close(session_id, actor=DIRECTOR)
        with pytest.raises(AlreadyRunning):
            await SessionRepository(session).delete(session_id, actor=DIRECTOR)


async def test_a_session_with_an_unknown_outcome_is_not_deleted(engine: AsyncEngine) -> None:
    session_id = await make_session(engine)
    await store_tickets(engine, session_id, "page")
    hashes = await validate(engine, session_id)
    async with session_scope(engine) as session:
        tasks = TaskRepository(session)
        attempt = await tasks.claim(session_id, TaskType.EXPORT, "run", actor=FLOW)
        items = list(hashes.items())
        await IntentRepository(session).open_intents(session_id, Fence("run", attempt), items, actor=FLOW)
        await tasks.fail(session_id, "run", attempt, context={}, actor=FLOW)
        with pytest.raises(Refused, match="may be in Jira"):
            await SessionRepository(session).delete(session_id, actor=DIRECTOR)
