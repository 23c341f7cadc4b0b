"""Sessions that were interrupted in every way that is known: resumed, completed, and nothing in Jira twice.

After each trouble, and within three minutes of worker and server being back, no row says running that is not.
"""

import concurrent.futures
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import create_engine
from db.enums import SessionStage, SessionStatus, TaskStatus
from deployments.stack.postgres import PREFECT_DATABASE
from tests.end_to_end import LAKESIDE, jira_of
from tests.prefect_api import PrefectApi, prefect_api
from tests.stack import RunningStack
from tests.trouble import (
    FILES,
    REPAIRED_WITHIN,
    Trouble,
    at_review,
    at_the_beginning,
    far_away_jira,
    process_of,
    server_of,
    slow_jira,
    worker_of,
)

pytestmark = pytest.mark.stack
long = pytest.mark.long
HOOKED_WITHIN = 45.0  # a worker gives a run that it cancels 30 seconds


@pytest.fixture
def api(stack: RunningStack) -> Iterator[PrefectApi]:
    with prefect_api(stack) as api:
        yield api


@pytest.fixture
def fresh(stack: RunningStack, api: PrefectApi) -> Trouble:
    """A session at its beginning."""
    return Trouble(stack, api, at_the_beginning(stack))


@pytest.fixture
def reviewed(stack: RunningStack, api: PrefectApi) -> Trouble:
    """A session whose tickets wait for review."""
    return Trouble(stack, api, at_review(stack))


def prepare(trouble: Trouble) -> str:
    return trouble.start("prepare-session", files=FILES)


# The flow is killed


@pytest.mark.parametrize(
    "boundary",
    [
        pytest.param("collect-site-info.started", marks=long),
        pytest.param("collect-site-info.completed", marks=long),
        pytest.param("upload-spec.started", marks=long),
        "upload-spec.completed",
        pytest.param("generate-tickets.started", marks=long),
        pytest.param("generate-tickets.completed", marks=long),
    ],
)
def test_a_preparation_killed_at_a_boundary_of_stages(fresh: Trouble, boundary: str) -> None:
    run = prepare(fresh)
    fresh.until_event(boundary)
    fresh.signal(run, signal.SIGKILL)
    fresh.until(lambda: fresh.is_over(run) and fresh.nothing_runs(), REPAIRED_WITHIN)
    again = prepare(fresh)
    assert fresh.api.end_of(again)[0] == "COMPLETED", fresh.story()
    assert fresh.record().current_stage is SessionStage.REVIEW


@pytest.mark.parametrize(
    "boundary",
    [
        pytest.param(name, marks=long)
        for name in (
            "validate-tickets.started",
            "validate-tickets.completed",
            "revalidation-gate.started",
            "revalidation-gate.completed",
            "export-tickets.started",
            "export-tickets.completed",
        )
    ],
)
def test_a_delivery_killed_at_a_boundary_of_stages(reviewed: Trouble, boundary: str) -> None:
    run = reviewed.start("deliver-session")
    reviewed.until_event(boundary)
    reviewed.signal(run, signal.SIGKILL)
    reviewed.until(lambda: reviewed.is_over(run) and reviewed.nothing_runs(), REPAIRED_WITHIN)
    reviewed.resume_and_complete()


@long
def test_a_crashed_export_that_prefect_retries_goes_on_where_it_was(reviewed: Trouble) -> None:
    with slow_jira(reviewed, "/attachments$", 2.0):
        run = reviewed.start("deliver-session")
        reviewed.until_asked("/attachments")
        reviewed.signal(run, signal.SIGKILL)
        reviewed.until(lambda: reviewed.is_over(run) and reviewed.nothing_runs(), REPAIRED_WITHIN)
    assert reviewed.rows()[-1].status is TaskStatus.FAILED
    reviewed.api.set_state(run, "SCHEDULED", "AwaitingRetry", force=True)  # what Retry in the UI does
    reviewed.until(lambda: not reviewed.is_over(run))
    assert reviewed.api.end_of(run)[0] == "COMPLETED", reviewed.story()
    reviewed.assert_completed()


@long
def test_a_crashed_stage_that_is_run_alone_claims_its_row_again(reviewed: Trouble) -> None:
    assert reviewed.api.end_of(reviewed.start("validate-tickets"))[0] == "COMPLETED"
    with slow_jira(reviewed, "/attachments$", 2.0):
        run = reviewed.start("export-tickets")
        reviewed.until_asked("/attachments")
        reviewed.signal(run, signal.SIGKILL)
        reviewed.until(lambda: reviewed.is_over(run) and reviewed.nothing_runs(), REPAIRED_WITHIN)
    reviewed.api.set_state(run, "SCHEDULED", "AwaitingRetry", force=True)
    reviewed.until(lambda: not reviewed.is_over(run))
    assert reviewed.api.end_of(run)[0] == "COMPLETED", reviewed.story()
    assert reviewed.rows()[-1].attempt == 2
    reviewed.assert_completed()


# Ended from outside, and nobody but the hook is there


@long
def test_a_hook_ends_what_a_killed_run_held(reviewed: Trouble) -> None:
    with reviewed.api.resting("reconcile-tasks"), slow_jira(reviewed, "/attachments$", 2.0):
        run = reviewed.start("deliver-session")
        reviewed.until_asked("/attachments")
        reviewed.signal(run, signal.SIGKILL)
        reviewed.until(reviewed.nothing_runs, HOOKED_WITHIN)
    assert repaired_by(reviewed) == ["hook of deliver-session"]
    assert reviewed.rows()[-1].status is TaskStatus.FAILED
    reviewed.resume_and_complete()


@long
def test_a_hook_ends_what_a_run_held_that_does_not_hear_of_its_cancellation(reviewed: Trouble) -> None:
    with reviewed.api.resting("reconcile-tasks"), slow_jira(reviewed, "/attachments$", 2.0):
        run = reviewed.start("deliver-session")
        reviewed.until_asked("/attachments")
        process_of(run).suspend()
        reviewed.cancel_in_prefect(run)
        reviewed.until(reviewed.nothing_runs, HOOKED_WITHIN)
    assert repaired_by(reviewed) == ["hook of deliver-session"]
    assert reviewed.rows()[-1].status is TaskStatus.CANCELLED
    reviewed.resume_and_complete()


def repaired_by(trouble: Trouble) -> list[str]:
    return [entry.claimed_actor for entry in trouble.trail() if entry.event_type == "run.reconciled"]


# The worker, the server


@long
def test_a_worker_that_is_told_to_stop(reviewed: Trouble) -> None:
    with slow_jira(reviewed, "/attachments$", 5.0):
        run = reviewed.start("deliver-session")
        reviewed.until_asked("/attachments")
        worker_of(reviewed.stack).send_signal(signal.SIGTERM)
        took = reviewed.until(lambda: reviewed.is_over(run) and reviewed.nothing_runs(), REPAIRED_WITHIN)
    print(f"SIGTERM of the worker: repaired after {took:.0f} s")  # noqa: T201
    reviewed.resume_and_complete()


@long
def test_a_worker_that_is_killed_with_its_runs(reviewed: Trouble) -> None:
    with slow_jira(reviewed, "/attachments$", 5.0):
        run = reviewed.start("deliver-session")
        reviewed.until_asked("/attachments")
        worker = worker_of(reviewed.stack)
        for process in (worker, *worker.children(recursive=True)):
            process.kill()
        took = reviewed.until(lambda: reviewed.is_over(run) and reviewed.nothing_runs(), REPAIRED_WITHIN)
    print(f"SIGKILL of the worker and its runs: repaired after {took:.0f} s")  # noqa: T201
    reviewed.resume_and_complete()


@long
def test_a_server_that_was_away_for_a_minute_and_then_a_cancel(reviewed: Trouble) -> None:
    with slow_jira(reviewed, "/attachments$", 45.0):
        run = reviewed.start("deliver-session")
        reviewed.until_asked("/attachments")
        server = server_of(reviewed.stack)
        server.send_signal(signal.SIGSTOP)
        time.sleep(60)
        server.send_signal(signal.SIGCONT)
        reviewed.until(lambda: reviewed.api.http.get("health").is_success)
        reviewed.cancel_in_prefect(run)
        cancelled, seen = time.monotonic(), len(reviewed.writes())
        reviewed.until(lambda: reviewed.is_over(run) and reviewed.nothing_runs(), REPAIRED_WITHIN)
        print(f"cancel after an outage: ended after {time.monotonic() - cancelled:.0f} s")  # noqa: T201
        assert len(reviewed.writes()) <= seen + 1, "one may have been on its way"
    assert reviewed.record().status is SessionStatus.ACTIVE
    reviewed.resume_and_complete()


# Cancelled from every door


@long
@pytest.mark.parametrize("door", ["prefect", "command line"])
def test_a_cancel_takes_effect_before_the_next_side_effect(reviewed: Trouble, door: str) -> None:
    with slow_jira(reviewed, "/attachments$", 8.0):  # a command needs seconds to start
        run = reviewed.start("deliver-session")
        reviewed.until_asked("/attachments")
        if door == "prefect":
            reviewed.cancel_in_prefect(run)
        else:
            assert reviewed.stack.cli("session", "cancel", str(reviewed.id), "--json").returncode == 0
        seen = len(reviewed.writes())
        reviewed.until(lambda: reviewed.is_over(run) and reviewed.nothing_runs(), REPAIRED_WITHIN)
        assert len(reviewed.writes()) <= seen + 1, "one may have been on its way"
    assert reviewed.rows()[-1].status is TaskStatus.CANCELLED
    assert reviewed.record().status is SessionStatus.ACTIVE
    assert reviewed.rows()[-1].retry_count == 0
    assert reviewed.api.run(run)["state"]["type"] == "CANCELLED"
    reviewed.resume_and_complete()


# Twice, late, and never


@long
def test_two_people_resume_at_the_same_moment(reviewed: Trouble) -> None:
    arguments = ("session", "resume", str(reviewed.id), "--yes", "--json")
    with concurrent.futures.ThreadPoolExecutor() as people:
        both = list(people.map(lambda _: reviewed.stack.cli(*arguments), range(2)))
    assert {one.returncode for one in both} == {0}, [one.stdout for one in both]
    reviewed.assert_completed()
    assert [row.status for row in reviewed.rows()] == [TaskStatus.COMPLETED] * 2


def test_two_deliveries_triggered_at_the_same_moment(reviewed: Trouble) -> None:
    runs = [reviewed.start("deliver-session") for _ in range(2)]
    ends = [reviewed.api.end_of(run) for run in runs]
    assert {state for state, _ in ends} <= {"COMPLETED", "FAILED"}
    assert all("already works" in message for state, message in ends if state == "FAILED"), ends
    reviewed.resume_and_complete()


@long
def test_a_run_that_was_given_up_and_finishes_late_changes_nothing(reviewed: Trouble) -> None:
    with slow_jira(reviewed, "/attachments$", 2.0):
        run = reviewed.start("deliver-session")
        reviewed.until_asked("/attachments")
        late = process_of(run)
        late.suspend()
        took = reviewed.until(lambda: reviewed.is_over(run) and reviewed.nothing_runs(), REPAIRED_WITHIN)
    print(f"a run without a sign of life: given up after {took:.0f} s")  # noqa: T201
    reviewed.resume_and_complete()
    rows, calls = [(row.id, row.status, row.attempt) for row in reviewed.rows()], len(reviewed.writes())
    late.resume()
    reviewed.until(lambda: not late.is_running(), 60)
    assert [(row.id, row.status, row.attempt) for row in reviewed.rows()] == rows
    assert len(reviewed.writes()) == calls
    reviewed.assert_completed()


@long
def test_a_review_that_expired_without_a_word(reviewed: Trouble) -> None:
    run = reviewed.start("review-tickets")
    reviewed.api.form(run, 1)
    reviewed.in_database(lambda _: expire(reviewed, run))
    reviewed.until(lambda: reviewed.is_over(run) and "review.closed" in reviewed.events(), REPAIRED_WITHIN)
    assert "never resumed" in reviewed.api.end_of(run)[1]
    reviewed.resume_and_complete()


async def expire(trouble: Trouble, run_id: str) -> None:
    """Let the suspension's time be over, as only Prefect's own database can say."""
    url = make_url(trouble.stack.connection.database_url).set(database=PREFECT_DATABASE)
    engine: AsyncEngine = create_engine(url.render_as_string(hide_password=False), pooled=False)
    past = (
        "UPDATE flow_run_state SET state_details = jsonb_set(state_details::jsonb, '{pause_timeout}',"
        " to_jsonb('2020-01-01T00:00:00Z'::text))::json WHERE flow_run_id = :run AND type = 'PAUSED'"
    )
    async with engine.begin() as connection:
        await connection.execute(text(past), {"run": run_id})
    await engine.dispose()


# Ctrl-C


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param("Checking the Jira project", marks=pytest.mark.long),
        pytest.param("Writing tickets", marks=pytest.mark.long),
        "Creating issues in Jira",
    ],
)
def test_a_session_interrupted_at_any_stage_is_listed_and_resumed(
    stack: RunningStack, tmp_path: Path, seen: str
) -> None:
    spec = tmp_path / "spec"
    shutil.copytree(LAKESIDE, spec)
    (spec / "Roles of this test.csv").write_text(f"Name,Machine name,X\n{seen},a_role,a\n")
    with far_away_jira(stack, 1.0):  # the key is pressed well before the end
        interrupt_when(stack, seen, "run", str(spec), "--site-name", seen, "--project-key", "DEMO", "--yes")

    listed = json.loads(stack.cli("session", "list", "--json").stdout)["sessions"]
    (session,) = [session for session in listed if session["site_name"] == seen]
    resumed = stack.cli("session", "resume", session["id"], "--yes", "--json")
    document = json.loads(resumed.stdout)
    assert (resumed.returncode, document["session"]["stage"]) == (0, "completed"), resumed.stderr
    with jira_of(stack) as jira:
        labels = set(jira.issue(document["tickets"][0]["jira_key"])["labels"])
        issues = {key for label in labels for key in jira.keys_with_label(label)}
    assert issues == {ticket["jira_key"] for ticket in document["tickets"]}


def interrupt_when(stack: RunningStack, seen: str, *arguments: str) -> None:
    """Run a command and press Ctrl-C as soon as it says something; it must end as interrupted."""
    command = [str(Path(sys.executable).with_name("drupal-tickets")), *arguments]
    with subprocess.Popen(command, env=stack.environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        for line in process.stderr:
            if seen in line:
                process.send_signal(signal.SIGINT)
                break
        process.stderr.read()
        assert process.wait(60) in (0, 40)
