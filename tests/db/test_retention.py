"""What is past its retention goes, and nothing that anybody still needs."""

import asyncio
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import session_scope
from db.enums import SessionStage, TaskType
from db.errors import AlreadyRunning, InJira, Refused
from db.fence import Fence
from db.models import ModelReservation
from db.repositories.background import TaskRepository
from db.repositories.intents import IntentRepository, JiraIssue
from db.repositories.progress import ProgressRepository
from db.repositories.replies import ReplyRepository
from db.repositories.retention import RetentionRepository
from db.repositories.reviews import ReviewRepository
from db.repositories.rollback import RollbackRepository
from db.repositories.sessions import SessionRepository
from db.repositories.tickets import TicketRepository
from db.repositories.tokens import TokenRepository
from tests.builders.database import (
    DIRECTOR,
    FLOW,
    file_of,
    make_session,
    move_to,
    new_ticket,
    store_tickets,
    validate,
)
from tests.db.full_session import store_token
from tests.db.test_model_money import reply

WEEK = timedelta(days=7)


async def age(engine: AsyncEngine, days: int) -> None:
    """Everything that happened so far happened that long ago."""
    moved = f"- interval '{days} days'"
    async with session_scope(engine) as session:
        await session.execute(text(f"UPDATE sessions SET updated_at = updated_at {moved}"))
        await session.execute(text(f"UPDATE audit_log SET created_at = created_at {moved}"))
        await session.execute(text(f"UPDATE review_rounds SET expires_at = expires_at {moved}"))
        await session.execute(text(f"UPDATE jira_auth_tokens SET refresh_token_expires_at = now() {moved}"))


async def remove(engine: AsyncEngine, batch: int = 10) -> int:
    async with session_scope(engine) as session:
        return await RetentionRepository(session).remove_sessions(WEEK, batch, actor=FLOW)


async def export_began(engine: AsyncEngine, session_id: uuid.UUID, key: str | None = None) -> None:
    ids = await store_tickets(engine, session_id, "a")
    hashes = await validate(engine, session_id)
    async with session_scope(engine) as session:
        attempt = await TaskRepository(session).claim(session_id, TaskType.EXPORT, "run", actor=FLOW)
        intents, fence = IntentRepository(session), Fence("run", attempt)
        await intents.open_intents(session_id, fence, list(hashes.items()), actor=FLOW)
        if key:
            await intents.resolve(session_id, [JiraIssue(ids["a"], key, "https://jira")], actor=FLOW)
        await TaskRepository(session).cancel(session_id, "run", attempt, actor=FLOW)


async def test_sessions_go_after_a_week_without_activity_batch_by_batch(engine: AsyncEngine) -> None:
    for _ in range(3):
        await make_session(engine)
    await age(engine, 8)
    young = await make_session(engine)
    async with session_scope(engine) as session:
        assert await RetentionRepository(session).count_sessions(WEEK) == 3
    assert [await remove(engine, 2), await remove(engine, 2), await remove(engine, 2)] == [2, 1, 0]
    async with session_scope(engine) as session:
        assert [record.id for record in await SessionRepository(session).list_sessions()] == [young]


@pytest.mark.parametrize("held", ["run", "review", "intent", "edit"])
async def test_a_session_that_something_holds_stays(engine: AsyncEngine, held: str) -> None:
    session_id = await make_session(engine)
    ids = await store_tickets(engine, session_id, "a")
    if held == "intent":
        await export_began(engine, session_id)
    async with session_scope(engine) as session:
        if held == "run":
            await TaskRepository(session).queue(session_id, TaskType.EXPORT, actor=DIRECTOR)
        if held == "review":
            await ReviewRepository(session).open_round(session_id, "run", actor=FLOW)
    await age(engine, 13)
    if held == "edit":
        async with session_scope(engine) as session:
            await TicketRepository(session).assign(session_id, [ids["a"]], {"sprint": "1"}, actor=DIRECTOR)
    assert await remove(engine) == 0
    await age(engine, 2)
    assert await remove(engine) == (1 if held == "review" else 0), "a review's end was activity"


async def test_a_session_resumed_while_the_cleanup_waits_for_it_stays(engine: AsyncEngine) -> None:
    session_id = await make_session(engine)
    await age(engine, 8)
    async with session_scope(engine) as session:
        await TaskRepository(session).queue(session_id, TaskType.EXPORT, actor=DIRECTOR)
        assert await remove(engine) == 0, "locked rows are skipped"
    assert await remove(engine) == 0


async def test_two_cleanups_at_once_remove_each_session_once(engine: AsyncEngine) -> None:
    for _ in range(6):
        await make_session(engine)
    await age(engine, 8)
    removed = await asyncio.gather(*(remove(engine, 3) for _ in range(3)))
    assert sum(removed) + await remove(engine) == 6


async def test_audit_entries_and_tokens_have_their_own_time(engine: AsyncEngine) -> None:
    await make_session(engine)
    async with session_scope(engine) as session:
        await store_token(TokenRepository(session))
    await age(engine, 31)
    async with session_scope(engine) as session:
        retention = RetentionRepository(session)
        month, quarter = timedelta(days=30), timedelta(days=90)
        assert await retention.count_audit_entries(quarter) == 0
        assert await retention.count_audit_entries(month) == 2
        assert await retention.remove_audit_entries(month, 1) == 1
        assert await retention.remove_audit_entries(month, 10) == 1
        assert await retention.count_tokens(quarter) == 0
        assert await retention.count_tokens(month) == 1
        assert await retention.remove_tokens(month) == 1


async def test_a_session_that_is_edited_at_this_moment_stays(engine: AsyncEngine) -> None:
    session_id = await make_session(engine)
    ids = await store_tickets(engine, session_id, "a")
    await age(engine, 8)
    async with session_scope(engine) as session:
        await TicketRepository(session).assign(session_id, [ids["a"]], {"sprint": "1"}, actor=DIRECTOR)
        assert await remove(engine) == 0
    assert await remove(engine) == 0


async def test_deleting_waits_for_an_edit_instead_of_getting_in_its_way(engine: AsyncEngine) -> None:
    session_id = await make_session(engine)
    ids = await store_tickets(engine, session_id, "a")

    async def delete() -> None:
        async with session_scope(engine) as session:
            await SessionRepository(session).delete(session_id, actor=DIRECTOR)

    async with session_scope(engine) as session:
        tickets = TicketRepository(session)
        await tickets.set_locked(session_id, [ids["a"]], True, actor=DIRECTOR)
        deleting = asyncio.create_task(delete())
        await asyncio.sleep(0.1)
        await tickets.set_locked(session_id, [ids["a"]], False, actor=DIRECTOR)
    await deleting
    async with session_scope(engine) as session:
        assert await SessionRepository(session).list_sessions() == []


# Rolling back


async def rolled_back(engine: AsyncEngine, session_id: uuid.UUID, to: SessionStage) -> dict[str, int]:
    async with session_scope(engine) as session:
        return await RollbackRepository(session).roll_back(session_id, to, actor=DIRECTOR)


async def test_rolling_back_removes_tickets_and_says_what_was_lost(engine: AsyncEngine) -> None:
    session_id = await make_session(engine)
    await move_to(engine, session_id, SessionStage.REVIEW)
    await store_tickets(engine, session_id, new_ticket("a", attachment=file_of("x")), "b")
    await validate(engine, session_id)
    lost = await rolled_back(engine, session_id, SessionStage.PROCESSING)
    assert lost == {"tickets": 2, "attachments": 1, "edits": 0}
    async with session_scope(engine) as session:
        record = await SessionRepository(session).get(session_id)
        assert await TicketRepository(session).list_tickets(session_id) == []
    assert (record.current_stage, record.total_tickets_generated) == (SessionStage.PROCESSING, 0)


@pytest.mark.parametrize("key", [None, "LAKE-1"])
async def test_a_session_with_tickets_that_are_in_jira_or_may_be_does_not_go_back(
    engine: AsyncEngine, key: str | None
) -> None:
    session_id = await make_session(engine)
    await move_to(engine, session_id, SessionStage.JIRA_EXPORT)
    await export_began(engine, session_id, key)
    with pytest.raises(InJira):
        await rolled_back(engine, session_id, SessionStage.PROCESSING)


async def test_a_session_goes_back_only_to_where_it_was_and_only_when_idle(engine: AsyncEngine) -> None:
    session_id = await make_session(engine)
    with pytest.raises(Refused, match="cannot go back"):
        await rolled_back(engine, session_id, SessionStage.UPLOAD)
    await move_to(engine, session_id, SessionStage.REVIEW)
    async with session_scope(engine) as session:
        await TaskRepository(session).queue(session_id, TaskType.ADF_VALIDATION, actor=DIRECTOR)
    with pytest.raises(AlreadyRunning):
        await rolled_back(engine, session_id, SessionStage.UPLOAD)


async def test_replies_of_models_stay_while_they_are_of_use_and_costs_while_their_session_is_there(
    engine: AsyncEngine,
) -> None:
    kept, gone = await make_session(engine), await make_session(engine)
    async with session_scope(engine) as session:
        await ReplyRepository(session).store(reply(name) for name in ("used", "a", "b", "c"))
        for session_id in (kept, gone, gone):
            call = {
                "session_id": session_id,
                "task_id": "run",
                "task_attempt": 1,
                "model": "m",
                "ceiling_usd": 1,
            }
            await session.execute(insert(ModelReservation).values(**call))
        moved = "- interval '100 days'"
        await session.execute(text(f"UPDATE model_replies SET used_at = used_at {moved}"))
        await session.execute(text(f"UPDATE model_reservations SET reserved_at = reserved_at {moved}"))
        await session.execute(text("DELETE FROM sessions WHERE id = :id"), {"id": gone})
        await ReplyRepository(session).find(["used"])
    removed = []
    for _ in range(3):
        async with session_scope(engine) as session:
            retention = RetentionRepository(session)
            removed.append(
                (
                    await retention.count_model_calls(13 * WEEK),
                    await retention.remove_model_calls(13 * WEEK, 2),
                )
            )
    assert removed == [(5, 4), (1, 1), (0, 0)]
    async with session_scope(engine) as session:
        assert await ReplyRepository(session).find(["used", "a", "b", "c"]) == {"used": {"text": "used"}}
        assert await ProgressRepository(session).spent_usd(kept) == 1


async def test_the_runs_of_removed_sessions_are_known_by_the_trail_that_outlives_them(
    engine: AsyncEngine,
) -> None:
    session_id, run = await make_session(engine), uuid.uuid4()
    flow = replace(FLOW, request_id=str(run))
    async with session_scope(engine) as session:
        await TaskRepository(session).claim(session_id, TaskType.EXPORT, str(run), actor=flow)
        await TaskRepository(session).cancel(session_id, str(run), 1, actor=flow)
        assert await RetentionRepository(session).removed_sessions(WEEK) == {}
    await age(engine, 8)
    cleanup = replace(FLOW, request_id=str(uuid.uuid4()))
    async with session_scope(engine) as session:
        assert await RetentionRepository(session).remove_sessions(WEEK, 10, actor=cleanup) == 1
    async with session_scope(engine) as session:
        assert await RetentionRepository(session).removed_sessions(WEEK) == {session_id: [run]}
