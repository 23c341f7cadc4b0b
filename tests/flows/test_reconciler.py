"""The reconciler against a real Prefect server: rows that say running and are not, and runs that never started."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import State
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Cancelled, Cancelling, Crashed, Pending, Running, Scheduled, Suspended
from sqlalchemy import func, update
from sqlalchemy.ext.asyncio import AsyncEngine

from db.actor import Actor
from db.engine import create_engine, session_scope
from db.enums import SessionStage, SessionStatus, TaskStatus, TaskType
from db.models import SessionTask
from db.repositories.audit import AuditRepository
from db.repositories.background import TaskRepository
from db.repositories.errors import ErrorRepository
from db.repositories.reviews import ReviewRepository
from db.repositories.sessions import SessionRepository
from tests.stack import RunningStack

pytestmark = pytest.mark.stack
ACTOR = Actor("a test")


@pytest.fixture
def prefect(stack: RunningStack) -> Iterator[None]:
    with temporary_settings({PREFECT_API_URL: stack.connection.prefect_api_url}):
        yield


@pytest.fixture
async def engine(stack: RunningStack) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(stack.connection.database_url, pooled=False)
    yield engine
    await engine.dispose()


@asynccontextmanager
async def session_at_review(engine: AsyncEngine) -> AsyncIterator[UUID]:
    async with session_scope(engine) as session:
        record = await SessionRepository(session).create(
            actor=ACTOR, site_name="Reconciled", jira_project_key="TEST"
        )
        record.current_stage = SessionStage.REVIEW
    yield record.id
    async with session_scope(engine) as session:
        if row := await TaskRepository(session).current(record.id):
            await TaskRepository(session).cancel(record.id, row.task_id, row.attempt, actor=ACTOR)
        await SessionRepository(session).delete(record.id, actor=ACTOR)


async def claimed(engine: AsyncEngine, session_id: UUID, run_id: UUID) -> None:
    async with session_scope(engine) as session:
        await TaskRepository(session).claim(session_id, TaskType.EXPORT, str(run_id), actor=ACTOR)
        await SessionRepository(session).set_status(session_id, SessionStatus.EXPORTING, actor=ACTOR)


async def a_run(state: State[Any], deployment: str = "cleanup-tokens") -> UUID:
    """A flow run that nobody executes, in the given state."""
    async with get_client() as client:
        found = await client.read_deployment_by_name(f"{deployment}/{deployment}")
        later: State[Any] = Scheduled(scheduled_time=datetime.now(UTC) + timedelta(days=30))
        run = await client.create_flow_run_from_deployment(found.id, state=later)
        await client.set_flow_run_state(run.id, state, force=True)
    return run.id


async def state_of(run_id: UUID) -> str:
    async with get_client() as client:
        return str((await client.read_flow_run(run_id)).state_name)


def minutes_ago(minutes: int) -> datetime:
    return datetime.now(UTC) - timedelta(minutes=minutes)


def reconcile(stack: RunningStack) -> None:
    """One run of the flow in a process of its own, as a worker starts it."""
    code = "import asyncio; from flows.reconciler import reconcile_tasks; asyncio.run(reconcile_tasks())"
    environment = {**stack.environment, **stack.connection.environment()}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=120)


async def standing(engine: AsyncEngine, session_id: UUID) -> tuple[TaskStatus, SessionStatus]:
    async with session_scope(engine) as session:
        (row,) = await TaskRepository(session).history(session_id)
        return row.status, (await SessionRepository(session).get(session_id)).status


@pytest.mark.parametrize(
    ("state", "expected"),
    [(Cancelled(), TaskStatus.CANCELLED), (Crashed(), TaskStatus.FAILED)],
    ids=["cancelled", "crashed"],
)
async def test_a_run_that_prefect_ended_is_ended_here(
    stack: RunningStack, prefect: None, engine: AsyncEngine, state: State[Any], expected: TaskStatus
) -> None:
    async with session_at_review(engine) as session_id:
        await claimed(engine, session_id, await a_run(state))
        reconcile(stack)
        assert await standing(engine, session_id) == (expected, SessionStatus.ACTIVE)


async def test_a_run_that_prefect_does_not_know_has_died_and_says_how_to_go_on(
    stack: RunningStack, prefect: None, engine: AsyncEngine
) -> None:
    async with session_at_review(engine) as session_id:
        await claimed(engine, session_id, uuid4())
        reconcile(stack)
        assert await standing(engine, session_id) == (TaskStatus.FAILED, SessionStatus.ACTIVE)
        async with session_scope(engine) as session:
            (error,) = await ErrorRepository(session).list_errors(session_id)
            trail = await AuditRepository(session).trail(session_id)
        assert "session resume" in error.recovery_actions[0]
        assert "run.reconciled" in {entry.event_type for entry in trail}


async def test_a_run_that_works_is_left_alone(
    stack: RunningStack, prefect: None, engine: AsyncEngine
) -> None:
    async with session_at_review(engine) as session_id:
        await claimed(engine, session_id, await a_run(Running()))
        reconcile(stack)
        assert await standing(engine, session_id) == (TaskStatus.RUNNING, SessionStatus.EXPORTING)


async def test_what_was_queued_and_never_started_is_triggered_once(
    stack: RunningStack, prefect: None, engine: AsyncEngine
) -> None:
    async with session_at_review(engine) as session_id:
        async with session_scope(engine) as session:
            row = await TaskRepository(session).queue(session_id, TaskType.ADF_VALIDATION, actor=ACTOR)
            long_ago = func.now() - timedelta(minutes=5)
            await session.execute(
                update(SessionTask).where(SessionTask.id == row.id).values(queued_at=long_ago)
            )
        reconcile(stack)
        reconcile(stack)
        async with get_client() as client:
            runs = await client.read_flow_runs(
                flow_run_filter=FlowRunFilter.model_validate({"tags": {"all_": [f"session:{session_id}"]}})
            )
        assert [run.parameters["requested_by"] for run in runs] == ["reconciler"]


async def test_what_waits_for_a_worker_is_not_told_as_news_every_minute(
    stack: RunningStack, prefect: None, engine: AsyncEngine
) -> None:
    async with session_at_review(engine) as session_id, get_client() as client:
        async with session_scope(engine) as session:
            row = await TaskRepository(session).queue(session_id, TaskType.ADF_VALIDATION, actor=ACTOR)
            await session.execute(
                update(SessionTask).where(SessionTask.id == row.id).values(queued_at=minutes_ago(5))
            )
        deployment = await client.read_deployment_by_name("validate-tickets/validate-tickets")
        late: State[Any] = Scheduled(scheduled_time=datetime.now(UTC) + timedelta(days=30))
        key = f"{session_id}:{row.task_type}:{row.id}"
        await client.create_flow_run_from_deployment(deployment.id, state=late, idempotency_key=key)
        await asyncio.sleep(1.5)
        reconcile(stack)
        async with session_scope(engine) as session:
            trail = await AuditRepository(session).trail(session_id)
        assert "run.triggered" not in {entry.event_type for entry in trail}
        assert await standing(engine, session_id) == (TaskStatus.RUNNING, SessionStatus.ACTIVE)


async def test_a_cancelled_run_whose_worker_is_gone_is_cancelled_after_a_minute(
    stack: RunningStack, prefect: None, engine: AsyncEngine
) -> None:
    async with session_at_review(engine) as session_id:
        run_id = await a_run(Cancelling(timestamp=minutes_ago(2)))
        await claimed(engine, session_id, run_id)
        reconcile(stack)
        assert await standing(engine, session_id) == (TaskStatus.CANCELLED, SessionStatus.ACTIVE)
        assert await state_of(run_id) == "Cancelled"


async def test_a_run_that_is_just_being_cancelled_gets_its_time(
    stack: RunningStack, prefect: None, engine: AsyncEngine
) -> None:
    async with session_at_review(engine) as session_id:
        await claimed(engine, session_id, await a_run(Cancelling()))
        reconcile(stack)
        assert await standing(engine, session_id) == (TaskStatus.RUNNING, SessionStatus.EXPORTING)


async def test_a_run_whose_worker_died_before_starting_it_is_handed_out_again(
    stack: RunningStack, prefect: None, engine: AsyncEngine
) -> None:
    async with session_at_review(engine) as session_id, get_client() as client:
        found = await client.read_deployment_by_name("revalidation-gate/revalidation-gate")
        later: State[Any] = Scheduled(scheduled_time=datetime.now(UTC) + timedelta(days=30))
        run = await client.create_flow_run_from_deployment(
            found.id,
            state=later,
            parameters={"session_id": str(session_id), "requested_by": "a test"},
        )
        await client.set_flow_run_state(run.id, Pending(timestamp=minutes_ago(3)), force=True)
        reconcile(stack)
        async with session_scope(engine) as session:
            events = {entry.event_type for entry in await AuditRepository(session).trail(session_id)}
        assert "run.restarted" in events
        assert await state_of(run.id) != "Pending"
        await client.set_flow_run_state(run.id, Cancelled(), force=True)


@pytest.mark.parametrize("how", ["its time is over", "its run has ended", "its run waits"])
async def test_a_review_that_nobody_can_answer_is_closed_and_can_be_opened_again(
    stack: RunningStack, prefect: None, engine: AsyncEngine, how: str
) -> None:
    waits = timedelta(seconds=-1) if how == "its time is over" else timedelta(days=7)
    state: State[Any] = Cancelled() if how == "its run has ended" else Suspended(timeout_seconds=600)
    async with session_at_review(engine) as session_id:
        run_id = str(await a_run(state, "review-tickets"))
        async with session_scope(engine) as session:
            await ReviewRepository(session).open_round(session_id, run_id, actor=ACTOR, waits=waits)
        reconcile(stack)
        async with session_scope(engine) as session:
            last = await ReviewRepository(session).latest(session_id)
            assert last is not None
            assert (last.closed_at is None) == (how == "its run waits")
            assert (await ReviewRepository(session).open_round(session_id, "again", actor=ACTOR)).round == 2


async def test_its_own_runs_go_after_a_day_those_that_never_started_included(
    stack: RunningStack, prefect: None
) -> None:
    async with get_client() as client:
        own = await client.read_deployment_by_name("reconcile-tasks/reconcile-tasks")
        yesterday: State[Any] = Scheduled(scheduled_time=minutes_ago(25 * 60))
        run = await client.create_flow_run_from_deployment(own.id, state=yesterday)
        await client.set_flow_run_state(run.id, Cancelled(), force=True)
        reconcile(stack)
        with pytest.raises(ObjectNotFound):
            await client.read_flow_run(run.id)


async def test_what_was_queued_a_moment_ago_is_left_to_its_trigger(
    stack: RunningStack, prefect: None, engine: AsyncEngine
) -> None:
    async with session_at_review(engine) as session_id:
        async with session_scope(engine) as session:
            await TaskRepository(session).queue(session_id, TaskType.ADF_VALIDATION, actor=ACTOR)
        reconcile(stack)
        assert await standing(engine, session_id) == (TaskStatus.RUNNING, SessionStatus.ACTIVE)
