"""The reconciler against a real Prefect server: rows that say running and are not, and runs that never started.

All cases are arranged side by side, the flow looks at them twice, and each test says what became of one of them.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import State
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Cancelled, Cancelling, Crashed, Pending, Running, Scheduled, Suspended
from sqlalchemy import make_url, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.actor import Actor
from db.engine import create_engine, session_scope
from db.enums import SessionStage, SessionStatus, TaskStatus, TaskType
from db.models import SessionTask
from db.repositories.audit import AuditRepository
from db.repositories.background import TaskRepository
from db.repositories.errors import ErrorRepository
from db.repositories.reviews import ReviewRepository
from db.repositories.sessions import SessionRepository
from deployments.automations import ZOMBIES
from deployments.stack.postgres import PREFECT_DATABASE
from tests.prefect_api import prefect_api
from tests.stack import RunningStack
from tests.trouble import REPAIRED_WITHIN

pytestmark = pytest.mark.stack
ACTOR = Actor("a test")
T = TypeVar("T")


@dataclass
class Case:
    """One session, as the reconciler found it."""

    stack: RunningStack
    id: UUID = field(default_factory=uuid4)
    run: UUID | None = None

    async def in_database(self, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        engine = create_engine(self.stack.connection.database_url, pooled=False)
        try:
            async with session_scope(engine) as session:
                return await work(session)
        finally:
            await engine.dispose()

    async def at_review(self) -> None:
        async def make(session: AsyncSession) -> None:
            record = await SessionRepository(session).create(
                actor=ACTOR, site_name="Reconciled", jira_project_key="TEST"
            )
            record.current_stage, self.id = SessionStage.REVIEW, record.id

        await self.in_database(make)

    async def claimed_by(self, *states: State[Any], run_id: UUID | None = None) -> None:
        """A run of the export holds the session; Prefect knows it in the last of these states."""
        self.run = run_id or await self.a_run("export-tickets", *states)

        async def claim(session: AsyncSession) -> None:
            await TaskRepository(session).claim(self.id, TaskType.EXPORT, str(self.run), actor=ACTOR)
            await SessionRepository(session).set_status(self.id, SessionStatus.EXPORTING, actor=ACTOR)

        await self.in_database(claim)

    async def queued(self, minutes: int, *states: State[Any]) -> None:
        """A validation was queued so long ago; with states, its run is there and stands so."""

        async def queue(session: AsyncSession) -> UUID:
            row = await TaskRepository(session).queue(self.id, TaskType.ADF_VALIDATION, actor=ACTOR)
            await session.execute(
                update(SessionTask).where(SessionTask.id == row.id).values(queued_at=minutes_ago(minutes))
            )
            return row.id

        row_id = await self.in_database(queue)
        if states:
            self.run = await self.a_run("validate-tickets", *states, key=f"{self.id}:adf_validation:{row_id}")

    async def asked(self, waits: timedelta, *states: State[Any]) -> None:
        """A review round waits in a run that stands so."""
        self.run = await self.a_run("review-tickets", *states)
        await self.in_database(
            lambda session: ReviewRepository(session).open_round(
                self.id, str(self.run), actor=ACTOR, waits=waits
            )
        )

    async def long_ago(self, arranging: Awaitable[None]) -> None:
        """The run came into its state three minutes ago; only Prefect's own database can say so."""
        await arranging
        url = make_url(self.stack.connection.database_url).set(database=PREFECT_DATABASE)
        engine = create_engine(url.render_as_string(hide_password=False), pooled=False)
        async with engine.begin() as connection:
            for table, own, stamp in (
                ("flow_run_state", "flow_run_id", "timestamp"),
                ("flow_run", "id", "state_timestamp"),
            ):
                earlier = f"UPDATE {table} SET {stamp} = {stamp} - interval '3 minutes' WHERE {own} = :run"
                await connection.execute(text(earlier), {"run": self.run})
        await engine.dispose()

    async def reconciler_ran(self, when: datetime) -> None:
        """A run of the reconciler itself, called off before it began."""
        async with get_client() as client:
            own = await client.read_deployment_by_name("reconcile-tasks/reconcile-tasks")
            planned: State[Any] = Scheduled(scheduled_time=when)
            self.run = (await client.create_flow_run_from_deployment(own.id, state=planned)).id
            await client.set_flow_run_state(self.run, Cancelled(), force=True)

    async def reconciler_taken(self) -> None:
        """A run of the reconciler whose worker died before starting it."""
        async with get_client() as client:
            own = await client.read_deployment_by_name("reconcile-tasks/reconcile-tasks")
            later: State[Any] = Scheduled(scheduled_time=datetime.now(UTC) + timedelta(days=30))
            self.run = (await client.create_flow_run_from_deployment(own.id, state=later)).id
            await client.set_flow_run_state(self.run, Pending(), force=True)

    async def a_run(self, deployment: str, *states: State[Any], key: str | None = None) -> UUID:
        """A flow run that nobody executes."""
        later: State[Any] = Scheduled(scheduled_time=datetime.now(UTC) + timedelta(days=30))
        async with get_client() as client:
            found = await client.read_deployment_by_name(f"{deployment}/{deployment}")
            run = await client.create_flow_run_from_deployment(
                found.id,
                state=later,
                idempotency_key=key,
                parameters={"session_id": str(self.id), "requested_by": "a test"},
            )
            for state in states:
                await client.set_flow_run_state(run.id, state, force=True)
        return run.id

    async def clear(self) -> None:
        """Nothing of it is left to work on."""

        async def remove(session: AsyncSession) -> None:
            if row := await TaskRepository(session).current(self.id):
                await TaskRepository(session).cancel(self.id, row.task_id, row.attempt, actor=ACTOR)
            await SessionRepository(session).delete(self.id, actor=ACTOR)

        await self.in_database(remove)
        async with get_client() as client:
            wanted = FlowRunFilter.model_validate({"tags": {"all_": [f"session:{self.id}"]}})
            runs = {run.id for run in await client.read_flow_runs(flow_run_filter=wanted)}
            for run_id in runs | ({self.run} if self.run else set()):
                try:
                    await client.set_flow_run_state(run_id, Cancelled(), force=True)
                except ObjectNotFound:
                    continue

    # What became of it

    def row(self) -> tuple[TaskStatus, SessionStatus]:
        async def read(session: AsyncSession) -> tuple[TaskStatus, SessionStatus]:
            (row,) = await TaskRepository(session).history(self.id)
            return row.status, (await SessionRepository(session).get(self.id)).status

        return asyncio.run(self.in_database(read))

    def events(self) -> list[str]:
        trail = asyncio.run(self.in_database(lambda session: AuditRepository(session).trail(self.id)))
        return [entry.event_type for entry in trail]

    def state(self) -> str | None:
        async def read() -> str | None:
            assert self.run
            async with get_client() as client:
                return (await client.read_flow_run(self.run)).state_name

        return asyncio.run(read())

    def states(self) -> list[str | None]:
        """All that it went through, the first one first."""

        async def read() -> list[str | None]:
            assert self.run
            async with get_client() as client:
                states = await client.read_flow_run_states(self.run)
            return [state.name for state in sorted(states, key=lambda state: state.timestamp)]

        return asyncio.run(read())


def minutes_ago(minutes: int) -> datetime:
    return datetime.now(UTC) - timedelta(minutes=minutes)


WEEK = timedelta(days=7)
SUSPENDED: State[Any] = Suspended(timeout_seconds=86_400)  # from when this module is imported
ARRANGED: dict[str, Callable[[Case], Awaitable[None]]] = {
    "cancelled": lambda case: case.claimed_by(Running(), Cancelled()),
    "crashed": lambda case: case.claimed_by(Running(), Crashed()),
    "lost": lambda case: case.claimed_by(run_id=uuid4()),
    "works": lambda case: case.claimed_by(Running()),
    "being cancelled": lambda case: case.claimed_by(Running(), Cancelling()),
    "nobody there to cancel it": lambda case: case.long_ago(case.claimed_by(Running(), Cancelling())),
    "never started": lambda case: case.queued(5),
    "queued a moment ago": lambda case: case.queued(0),
    "late": lambda case: case.queued(5, Scheduled(scheduled_time=datetime.now(UTC) + timedelta(days=30))),
    "ended before it began": lambda case: case.queued(5, Crashed()),
    "taken and never started": lambda case: case.long_ago(case.queued(0, Pending())),
    "reconciler taken and never started": lambda case: case.long_ago(case.reconciler_taken()),
    "review: time is over": lambda case: case.asked(timedelta(seconds=-1), Running(), SUSPENDED),
    "review: cancelled": lambda case: case.asked(WEEK, Running(), SUSPENDED, Cancelled()),
    "its own of yesterday": lambda case: case.reconciler_ran(minutes_ago(25 * 60)),
    "review: waits": lambda case: case.asked(WEEK, Running(), SUSPENDED),
}


@pytest.fixture(scope="module")
def cases(stack: RunningStack) -> Iterator[dict[str, Case]]:
    """Every case, after the flow has looked at it twice."""
    made = {name: Case(stack) for name in ARRANGED}

    async def arrange() -> None:
        for name, case in made.items():
            await case.at_review()
            await ARRANGED[name](case)

    async def clear() -> None:
        for case in made.values():
            await case.clear()

    with temporary_settings({PREFECT_API_URL: stack.connection.prefect_api_url}):
        asyncio.run(arrange())
        reconcile_twice(stack)
        yield made
        asyncio.run(clear())


def reconcile_twice(stack: RunningStack) -> None:
    """Two runs of the flow in a process of its own, as a worker starts it."""
    code = (
        "import asyncio\nfrom flows.reconciler import reconcile_tasks\n"
        "for _ in range(2): asyncio.run(reconcile_tasks())"
    )
    environment = {**stack.environment, **stack.connection.environment()}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=180)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cancelled", TaskStatus.CANCELLED),
        ("crashed", TaskStatus.FAILED),
        ("lost", TaskStatus.FAILED),
        ("nobody there to cancel it", TaskStatus.CANCELLED),
        ("ended before it began", TaskStatus.FAILED),
    ],
)
def test_a_run_that_is_dead_is_ended_here(cases: dict[str, Case], name: str, expected: TaskStatus) -> None:
    assert cases[name].row() == (expected, SessionStatus.ACTIVE)
    assert cases[name].events().count("run.reconciled") == 1


@pytest.mark.parametrize("name", ["works", "being cancelled"])
def test_a_run_that_may_still_end_by_itself_is_left_alone(cases: dict[str, Case], name: str) -> None:
    assert cases[name].row() == (TaskStatus.RUNNING, SessionStatus.EXPORTING)


def test_whoever_looks_at_a_dead_run_is_told_how_to_go_on(cases: dict[str, Case]) -> None:
    lost = cases["lost"]
    (error,) = asyncio.run(lost.in_database(lambda session: ErrorRepository(session).list_errors(lost.id)))
    assert "session resume" in error.recovery_actions[0]


def test_what_nobody_could_cancel_is_cancelled_in_prefect_too(cases: dict[str, Case]) -> None:
    assert cases["nobody there to cancel it"].state() == "Cancelled"


def test_what_was_queued_and_never_started_is_triggered_once(cases: dict[str, Case]) -> None:
    case = cases["never started"]

    async def read() -> list[str]:
        wanted = FlowRunFilter.model_validate({"tags": {"all_": [f"session:{case.id}"]}})
        async with get_client() as client:
            runs = await client.read_flow_runs(flow_run_filter=wanted)
        return [run.parameters["requested_by"] for run in runs]

    assert asyncio.run(read()) == ["reconciler"]
    assert "run.triggered" in case.events()


@pytest.mark.parametrize("name", ["late", "queued a moment ago"])
def test_what_waits_for_a_worker_is_left_to_it_and_no_news(cases: dict[str, Case], name: str) -> None:
    assert cases[name].row() == (TaskStatus.RUNNING, SessionStatus.ACTIVE)
    assert "run.triggered" not in cases[name].events()


@pytest.mark.parametrize("name", ["taken and never started", "reconciler taken and never started"])
def test_a_run_whose_worker_died_before_starting_it_is_handed_out_again(
    cases: dict[str, Case], name: str
) -> None:
    assert cases[name].states()[:3] == ["Scheduled", "Pending", "Scheduled"]


def test_that_a_run_was_handed_out_again_is_written_down(cases: dict[str, Case]) -> None:
    assert cases["taken and never started"].events().count("run.restarted") == 1


@pytest.mark.parametrize(
    ("name", "closed"), [("review: time is over", 1), ("review: cancelled", 1), ("review: waits", 0)]
)
def test_a_review_that_nobody_can_answer_is_closed_and_can_be_opened_again(
    cases: dict[str, Case], name: str, closed: int
) -> None:
    case = cases[name]
    assert case.events().count("review.closed") == closed
    again = case.in_database(lambda session: ReviewRepository(session).open_round(case.id, "2", actor=ACTOR))
    assert asyncio.run(again).round == 2


def test_its_own_runs_go_after_a_day_those_that_never_started_included(cases: dict[str, Case]) -> None:
    with pytest.raises(ObjectNotFound):
        cases["its own of yesterday"].state()


def test_whoever_comes_next_takes_over_from_a_dead_run_and_need_not_wait(stack: RunningStack) -> None:
    case = Case(stack)
    with (
        temporary_settings({PREFECT_API_URL: stack.connection.prefect_api_url}),
        prefect_api(stack) as api,
        api.resting("reconcile-tasks"),
    ):
        asyncio.run(case.at_review())
        asyncio.run(case.claimed_by(Running(), Crashed()))
        run = api.start("validate-tickets", session_id=str(case.id), requested_by="the next")
        assert "already works" not in api.end_of(run)[1]
        assert case.events().count("run.reconciled") == 1
        asyncio.run(case.clear())


@pytest.mark.long
def test_a_run_that_went_silent_is_crashed_also_when_prefect_has_forgotten_to_wait_for_it(
    stack: RunningStack,
) -> None:
    silent, talking = Case(stack), Case(stack)
    with (
        temporary_settings({PREFECT_API_URL: stack.connection.prefect_api_url}),
        prefect_api(stack) as api,
        api.without_automation(ZOMBIES),
    ):
        for case in (silent, talking):
            asyncio.run(case.at_review())
            asyncio.run(case.claimed_by(Running()))
        began = time.monotonic()
        while silent.row()[0] is TaskStatus.RUNNING:
            assert time.monotonic() - began < REPAIRED_WITHIN
            api.heartbeat(str(talking.run))
            time.sleep(5)
        assert silent.state() == "Crashed"
        assert talking.row() == (TaskStatus.RUNNING, SessionStatus.EXPORTING)
        assert talking.state() == "Running"
        for case in (silent, talking):
            asyncio.run(case.clear())
