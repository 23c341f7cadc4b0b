"""Sessions taken from stage to stage through Prefect, which is a fake here; the database is real."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from prefect.client.schemas.objects import State
from prefect.states import Cancelled, Completed, Crashed, Failed, Paused, Running
from sqlalchemy.ext.asyncio import AsyncEngine

from db.actor import Actor
from db.engine import session_scope
from db.enums import ErrorCategory, ErrorSeverity, SessionStage, SessionStatus, TaskType
from db.repositories.audit import AuditRepository
from db.repositories.background import TaskRepository
from db.repositories.errors import ErrorRepository
from db.repositories.sessions import SessionRepository
from deployments.cli.boundary import guard
from deployments.cli.endings import documented, reopen
from deployments.cli.housekeeping import clean
from deployments.cli.run import Request, take_to_the_end
from deployments.cli.runs import run_going_on, trigger
from deployments.cli.stopping import stop_work
from deployments.cli.working import advance, follow_run, work, work_alone
from deployments.cli.workplace import Workplace
from deployments.stack.state import Connection
from tasks.core.errors import AdminRequired, Temporary, UserFixable
from tasks.core.errors import Cancelled as CancelledError
from tasks.core.settings import SessionSettings
from tasks.core.spec.model import SourceFile
from tests.builders.database import DIRECTOR, make_session, move_to
from tests.builders.spec import bundle, tab
from tests.deployments.cli.fake_prefect import NOWHERE, FakePrefect, Work, done


def moving(engine: AsyncEngine, stage: SessionStage) -> Work:
    """A run that takes its session to a stage."""

    async def run(session_id: UUID) -> State:
        await move_to(engine, session_id, stage)
        return Completed()

    return run


def failing(
    engine: AsyncEngine, category: ErrorCategory, status: SessionStatus = SessionStatus.ACTIVE
) -> Work:
    """A run that fails as our flows do: with a row of what went wrong."""

    async def run(session_id: UUID) -> State:
        async with session_scope(engine) as session:
            await ErrorRepository(session).record(
                session_id,
                category=category,
                severity=ErrorSeverity.BLOCKING,
                stage=SessionStage.UPLOAD,
                code="told-code",
                message="What went wrong.",
                recovery_actions=["What to do."],
                actor=DIRECTOR,
            )
            await SessionRepository(session).set_status(session_id, status, actor=DIRECTOR)
        return Failed(message="What went wrong. What to do.")

    return run


def always(state: Callable[[], State]) -> Work:
    """A run that ends in this state."""

    async def run(_: UUID) -> State:
        return state()

    return run


def place(engine: AsyncEngine, prefect: FakePrefect) -> Workplace:
    """The database, and a Prefect."""
    connection = Connection(database_url="", prefect_api_url=f"{NOWHERE}/api", ui_url=NOWHERE)
    return Workplace(engine, cast("Any", prefect), connection)


def whole(engine: AsyncEngine) -> FakePrefect:
    """A Prefect whose parents do all they should."""
    return FakePrefect(
        prepare_session=moving(engine, SessionStage.REVIEW),
        deliver_session=moving(engine, SessionStage.COMPLETED),
    )


def request(**changes: Any) -> Request:
    """`run` with a small spec."""
    values: dict[str, Any] = {
        "files": [tab("Bundles", bundle("Article"))],
        "site_name": "Lakeside",
        "site_description": "",
        "project_key": "LAKE",
        "jira_block": "jira",
        "settings": SessionSettings(),
        "actor": DIRECTOR,
        "approved": False,
        "again": False,
    }
    return Request(**(values | changes))


async def test_a_run_stores_the_spec_and_ends_at_review(engine: AsyncEngine) -> None:
    prefect = whole(engine)
    document = await take_to_the_end(place(engine, prefect), request())
    assert prefect.triggered == ["prepare-session"]
    assert document["session"]["waiting_for"] == "review"
    assert document["session"]["jira_site"] == "https://jira.test"
    assert [file["filename"] for file in document["files"]] == ["Bundles.csv"]


async def test_an_approved_run_goes_all_the_way(engine: AsyncEngine) -> None:
    prefect = whole(engine)
    document = await take_to_the_end(place(engine, prefect), request(approved=True))
    assert prefect.triggered == ["prepare-session", "deliver-session"]
    assert document["session"]["stage"] == "completed"
    assert document["session"]["waiting_for"] is None


async def test_the_document_is_the_one_of_the_product(engine: AsyncEngine) -> None:
    document = await take_to_the_end(place(engine, whole(engine)), request(approved=True))
    fixed = [
        "session", "files", "scope", "findings", "tickets", "held", "manual_fixes", "cost", "unedited_share",
        "timings",
    ]  # fmt: skip
    assert [key for key in document if key in fixed] == fixed
    assert set(document["session"]) == {
        "id", "stage", "status", "site_name", "jira_site", "jira_project_key", "waiting_for",
    }  # fmt: skip
    assert set(document["cost"]) == {"estimate_usd", "ceiling_usd", "spent_usd"}


async def test_the_same_spec_again_goes_on_with_its_session(engine: AsyncEngine) -> None:
    prefect = whole(engine)
    first = await take_to_the_end(place(engine, prefect), request())
    renamed = [SourceFile("Other name.csv", request().files[0].content)]
    second = await take_to_the_end(place(engine, prefect), request(files=renamed, approved=True))
    assert second["session"]["id"] == first["session"]["id"]
    assert prefect.triggered == ["prepare-session", "deliver-session"]


async def test_a_completed_spec_is_refused_unless_asked_for_again(engine: AsyncEngine) -> None:
    prefect = whole(engine)
    first = await take_to_the_end(place(engine, prefect), request(approved=True))
    with pytest.raises(UserFixable, match="already") as refused:
        await take_to_the_end(place(engine, prefect), request(approved=True))
    assert "--again" in refused.value.actions[0]
    again = await take_to_the_end(place(engine, prefect), request(approved=True, again=True))
    assert again["session"]["id"] != first["session"]["id"]


@pytest.mark.parametrize(
    "changed",
    [{"project_key": "TEST"}, {"files": [tab("Bundles", bundle("Page"))]}, {"jira_block": "other"}],
    ids=["project", "spec", "site"],
)
async def test_another_project_spec_or_site_is_another_session(
    engine: AsyncEngine, changed: dict[str, Any]
) -> None:
    prefect = whole(engine)
    prefect.blocks["other"] = {"url": "https://other.test"}
    first = await take_to_the_end(place(engine, prefect), request())
    second = await take_to_the_end(place(engine, prefect), request(**changed))
    assert second["session"]["id"] != first["session"]["id"]


async def test_a_jira_block_that_is_missing_needs_an_administrator(engine: AsyncEngine) -> None:
    with pytest.raises(AdminRequired, match="no Jira block"):
        await take_to_the_end(place(engine, whole(engine)), request(jira_block="nowhere"))


async def test_a_deployment_that_is_missing_needs_an_administrator(engine: AsyncEngine) -> None:
    session_id = await make_session(engine)
    with pytest.raises(AdminRequired, match="no deployment"):
        await work(place(engine, FakePrefect()), session_id, "prepare-session", DIRECTOR)


USER, ADMIN, PASSING = ErrorCategory.USER_FIXABLE, ErrorCategory.ADMIN_REQUIRED, ErrorCategory.TEMPORARY
ENDINGS: dict[str, tuple[Callable[[AsyncEngine], Work], int, str]] = {
    "user": (lambda engine: failing(engine, USER), 10, "What went wrong."),
    "admin": (lambda engine: failing(engine, ADMIN), 20, "What went wrong."),
    "temporary": (lambda engine: failing(engine, PASSING), 30, "What went wrong."),
    "retries": (lambda engine: failing(engine, PASSING, SessionStatus.FAILED), 20, "What went wrong."),
    "cancelled": (lambda _: always(Cancelled), 40, "cancelled"),
    "crashed": (lambda _: always(lambda: Crashed(message="no heartbeat")), 30, "no heartbeat"),
    "unforeseen": (lambda _: always(lambda: Failed(message="KeyError: 1\nand more")), 20, "KeyError: 1"),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_failed_run_is_told_with_its_exit_code(
    database_url: str, capsys: pytest.CaptureFixture[str], ending: str
) -> None:
    from db.engine import create_engine

    make, code, message = ENDINGS[ending]

    async def session() -> Any:
        engine = create_engine(database_url, pooled=False)
        prefect = FakePrefect(prepare_session=make(engine))
        try:
            return await take_to_the_end(place(engine, prefect), request())
        finally:
            await engine.dispose()

    assert guard(lambda: asyncio.run(session()), as_json=True) == code
    out, err = capsys.readouterr()
    import json

    document = json.loads(out)
    assert message in document["error"]["message"]
    assert document["error"]["exit_code"] == code
    assert document["session"]["site_name"] == "Lakeside"
    assert "and more" not in err


async def test_a_failed_session_can_be_resumed(engine: AsyncEngine) -> None:
    prefect = FakePrefect(prepare_session=failing(engine, PASSING, SessionStatus.FAILED))
    session_id = await make_session(engine)
    with pytest.raises(AdminRequired):
        await advance(place(engine, prefect), session_id, DIRECTOR, deliver=False)
    prefect.work[prefect.deployments["prepare-session"]] = moving(engine, SessionStage.REVIEW)
    await reopen(engine, session_id, DIRECTOR)
    await advance(place(engine, prefect), session_id, DIRECTOR, deliver=False)
    assert prefect.triggered == ["prepare-session", "prepare-session"]


async def test_a_run_that_turns_out_to_be_dead_is_taken_over(engine: AsyncEngine) -> None:
    session_id = await make_session(engine)
    dead, alive = always(lambda: Crashed(message="no heartbeat")), moving(engine, SessionStage.REVIEW)
    turns = iter([dead, alive])

    async def first_dead_then_alive(session: UUID) -> State:
        return await next(turns)(session)

    prefect = FakePrefect(prepare_session=first_dead_then_alive)
    await trigger(cast("Any", prefect), "prepare-session", session_id, {})
    await advance(place(engine, prefect), session_id, DIRECTOR, deliver=False)
    assert prefect.triggered == ["prepare-session", "prepare-session"]


async def test_a_closed_session_cannot_be_resumed(engine: AsyncEngine) -> None:
    session_id = await make_session(engine)
    async with session_scope(engine) as session:
        await SessionRepository(session).close(session_id, actor=DIRECTOR)
    with pytest.raises(UserFixable, match="closed"):
        await reopen(engine, session_id, DIRECTOR)


async def test_two_people_who_trigger_at_once_get_one_run(engine: AsyncEngine) -> None:
    prefect, session_id = FakePrefect(prepare_session=done), uuid4()
    trigger_it = [trigger(cast("Any", prefect), "prepare-session", session_id, {}) for _ in range(2)]
    first, second = await asyncio.gather(*trigger_it)
    assert first.id == second.id
    await prefect.read_flow_run(first.id)
    third = await trigger(cast("Any", prefect), "prepare-session", session_id, {})
    assert third.id != first.id


async def test_another_run_at_work_is_in_the_way(engine: AsyncEngine) -> None:
    prefect, session_id = FakePrefect(prepare_session=done, rollback_session=done), uuid4()
    await trigger(cast("Any", prefect), "prepare-session", session_id, {})
    with pytest.raises(UserFixable, match="Another run"):
        await trigger(cast("Any", prefect), "rollback-session", session_id, {})


async def test_a_run_that_waits_for_a_person_is_in_nobodys_way(engine: AsyncEngine) -> None:
    session_id = await make_session(engine)
    prefect = FakePrefect(review_tickets=always(Paused), deliver_session=done)
    ending = await work(place(engine, prefect), session_id, "review-tickets", DIRECTOR)
    assert ending.state == "PAUSED"
    assert await run_going_on(cast("Any", prefect), session_id) is None


async def test_a_stage_holds_its_session_from_the_moment_it_is_triggered(engine: AsyncEngine) -> None:
    session_id = await make_session(engine)
    seen = []

    async def claim(session_id: UUID) -> State:
        async with session_scope(engine) as session:
            tasks = TaskRepository(session)
            seen.append(await tasks.current(session_id))
            attempt = await tasks.claim(session_id, TaskType.ADF_VALIDATION, "run", actor=DIRECTOR)
            await tasks.complete(session_id, "run", attempt, actor=DIRECTOR)
        return Completed()

    prefect = FakePrefect(validate_tickets=claim)
    await work_alone(
        place(engine, prefect), session_id, "validate-tickets", DIRECTOR, TaskType.ADF_VALIDATION
    )
    assert [row.task_type for row in seen if row] == [TaskType.ADF_VALIDATION]
    assert next(iter(prefect.keys)).startswith(f"{session_id}:adf_validation:")


async def test_who_asked_for_a_run_is_kept_with_the_account_that_is_known_for_sure(
    engine: AsyncEngine,
) -> None:
    session_id, dana = await make_session(engine), Actor("Dana", authenticated="dana on desk")
    prefect = FakePrefect(upload_spec=done)
    await work(place(engine, prefect), session_id, "upload-spec", dana)
    async with session_scope(engine) as session:
        asked = (await AuditRepository(session).trail(session_id))[-1]
    assert (asked.event_type, asked.description) == ("run.requested", "upload-spec requested")
    assert (asked.claimed_actor, asked.authenticated_actor) == ("Dana", "dana on desk")
    assert asked.entity_id == asked.request_id == str(prefect.runs[-1].id)


async def test_a_run_that_fails_before_it_begins_leaves_its_session_free(engine: AsyncEngine) -> None:
    session_id = await make_session(engine)
    for _ in range(2):
        with pytest.raises(AdminRequired):
            await work_alone(
                place(engine, FakePrefect(export_tickets=always(Failed))),
                session_id,
                "export-tickets",
                DIRECTOR,
                TaskType.EXPORT,
            )
    async with session_scope(engine) as session:
        assert await TaskRepository(session).current(session_id) is None


async def test_cancel_ends_the_run_and_its_row(engine: AsyncEngine) -> None:
    session_id = await make_session(engine)
    prefect = FakePrefect(generate_tickets=always(Running))
    where = place(engine, prefect)
    run = await trigger(cast("Any", prefect), "generate-tickets", session_id, {})
    async with session_scope(engine) as session:
        await TaskRepository(session).claim(session_id, TaskType.PROCESSING, str(run.id), actor=DIRECTOR)
    assert await stop_work(where, session_id, DIRECTOR)
    async with session_scope(engine) as session:
        assert await TaskRepository(session).current(session_id) is None
    assert not await stop_work(where, session_id, DIRECTOR)


async def test_a_cancel_while_prefect_is_away_is_left_with_the_database(
    engine: AsyncEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    prefect, session_id = FakePrefect(export_tickets=always(Running)), await make_session(engine)
    async with session_scope(engine) as session:
        await TaskRepository(session).claim(session_id, TaskType.EXPORT, str(uuid4()), actor=DIRECTOR)
    prefect.away = True
    assert await stop_work(place(engine, prefect), session_id, DIRECTOR)
    async with session_scope(engine) as session:
        assert await SessionRepository(session).cancel_requested(session_id)
    assert "Prefect does not answer" in capsys.readouterr().err


async def test_a_cancel_that_did_its_work_stops_nothing_later(engine: AsyncEngine) -> None:
    prefect, session_id = FakePrefect(upload_spec=always(Running)), await make_session(engine)
    await trigger(cast("Any", prefect), "upload-spec", session_id, {})
    assert await stop_work(place(engine, prefect), session_id, DIRECTOR)
    async with session_scope(engine) as session:
        assert not await SessionRepository(session).cancel_requested(session_id)


async def test_ctrl_c_leaves_the_run_alone_where_the_stack_stays(
    engine: AsyncEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRUPAL_TICKETS_HOME", str(tmp_path))
    session_id = await make_session(engine)
    prefect = FakePrefect(prepare_session=always(Running))
    run = await trigger(cast("Any", prefect), "prepare-session", session_id, {})
    watching = asyncio.ensure_future(
        follow_run(place(engine, prefect), session_id, run, Actor(claimed="Dana"))
    )
    await asyncio.sleep(0.2)
    watching.cancel()
    with pytest.raises(CancelledError) as left:
        await watching
    assert left.value.exit_code == 40
    assert f"session watch {session_id}" in left.value.actions[0]
    assert await run_going_on(cast("Any", prefect), session_id) is not None


async def test_an_error_beside_a_session_comes_with_its_document(engine: AsyncEngine) -> None:
    from deployments.cli.boundary import Failed as FailedCommand

    async def away() -> None:
        raise Temporary("Jira does not answer.")

    session_id = await make_session(engine)
    with pytest.raises(FailedCommand) as failed:
        await documented(engine, session_id, away())
    assert failed.value.document["session"]["id"] == str(session_id)


async def test_a_clean_up_tells_its_counts(engine: AsyncEngine) -> None:
    from types import SimpleNamespace

    prefect = FakePrefect(cleanup_tokens=done)
    prefect.artifacts = [SimpleNamespace(data='[{"what": "tokens", "removed": 3}]')]
    [report] = await clean(place(engine, prefect), "cleanup-tokens", {"dry_run": False}, DIRECTOR)
    assert report["removed"] == 3
