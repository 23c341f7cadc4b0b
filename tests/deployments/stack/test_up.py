import json
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import psutil
import pytest

from deployments.stack.home import Home
from deployments.stack.state import State, running
from tests.prefect_api import PrefectApi, api_at
from tests.stack import UP, RunningStack, bare_environment, claim_ports, free_port


@pytest.fixture
def root() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="dt-up-", ignore_cleanup_errors=True) as folder:
        claim_ports(Path(folder) / "home")
        yield Path(folder) / "home"


def refused(root: Path, **variables: str) -> tuple[int, list[str]]:
    """The exit code of an `up` that cannot come up, and what it says about that."""
    environment = {**bare_environment(root), **variables}
    done = subprocess.run(UP, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert "Traceback" not in done.stderr + done.stdout
    return done.returncode, [line for line in done.stderr.splitlines() if line.startswith("Error: ")]


def start_up(root: Path, **variables: str) -> subprocess.Popen[str]:
    environment = {**bare_environment(root), **variables}
    with (root / "up.log").open("ab") as log:
        return subprocess.Popen(
            [*UP, "--json"], env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        )


def addresses(up: subprocess.Popen[str]) -> dict[str, str]:
    """What `up --json` prints when everything is there."""
    assert up.stdout is not None
    lines: list[str] = []
    while line := up.stdout.readline():
        lines.append(line)
        if line == "}\n":
            return dict(json.loads("".join(lines)))
    raise AssertionError("up ended before everything was there")


@contextmanager
def a_life(root: Path) -> Iterator[PrefectApi]:
    """An `up` from when everything is there until it is killed, and everything with it."""
    with start_up(root) as up:
        try:
            with api_at(addresses(up)["prefect_api_url"]) as api:
                yield api
            state = running(Home(root))
        finally:
            up.kill()
    assert state is not None
    assert wait_for(lambda: all_gone(state))


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)
    return condition()


def all_gone(state: State) -> bool:
    return not any(one.alive() for one in (state.supervisor, *state.processes.values()))


def test_a_database_that_does_not_answer(root: Path) -> None:
    code, said = refused(root, DATABASE_URL=f"postgresql://someone:hunter2@127.0.0.1:{free_port()}/tickets")
    assert code == 30
    assert len(said) == 1
    assert "hunter2" not in said[0]


def test_a_prefect_server_that_does_not_answer(root: Path, database_url: str) -> None:
    api_url = f"http://127.0.0.1:{free_port()}/api"
    code, said = refused(
        root, DATABASE_URL=database_url, PREFECT_API_URL=api_url, JIRA_URL="http://127.0.0.1:1"
    )
    assert code == 30
    assert said == [f"Error: The Prefect server {api_url} does not answer."]


def test_a_stale_data_folder(root: Path) -> None:
    data = root / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("14\n")
    code, said = refused(root)
    assert code == 20
    assert len(said) == 1
    assert "made by Postgres 14" in said[0]


def test_a_home_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    code, said = refused(tmp_path / "home")
    assert code == 20
    assert len(said) == 1


def test_a_full_disk(small_disk: Path) -> None:
    code, said = refused(small_disk / "home")
    assert code == 20
    assert len(said) == 1
    assert "No space left on device" in said[0]


@pytest.mark.stack
def test_a_killed_up_leaves_nothing_running_and_touches_nothing_else(root: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as stranger:
        with start_up(root) as up:
            told = addresses(up)
            assert httpx.get(told["ui_url"], trust_env=False).is_success
            state = running(Home(root))
            up.kill()
        assert state is not None
        assert {"postgres", "prefect-server", "jira-sandbox", "worker", "maintenance-worker"} <= set(
            state.processes
        )
        assert wait_for(lambda: all_gone(state)), [
            name for name, one in state.processes.items() if one.alive()
        ]
        assert stranger.poll() is None
        stranger.kill()


@pytest.mark.stack
def test_runs_that_died_with_the_stack_are_over_when_it_is_back(root: Path) -> None:
    with a_life(root) as api:
        session = {"session_id": str(uuid4()), "requested_by": "dd@example.org"}
        begun, taken = api.take("export-tickets", **session), api.take("export-tickets", **session)
        api.set_state(begun, "RUNNING", force=True)  # it was planned for tomorrow
    with a_life(root) as api:
        assert api.run(begun)["state"]["type"] == "CRASHED"
        assert api.run(taken)["state"]["type"] == "PENDING"  # the reconciler hands it to a worker again


@pytest.mark.long
@pytest.mark.stack
def test_a_home_whose_up_was_killed_comes_up_again_at_the_same_addresses_and_is_reconciled(
    root: Path,
) -> None:
    with start_up(root) as up:
        before = addresses(up)
        with api_at(before["prefect_api_url"]) as api, api.resting("reconcile-tasks"):
            assert wait_for(lambda: not api.count("reconcile-tasks", "RUNNING"))
            stuck, done = api.take("reconcile-tasks"), api.count("reconcile-tasks", "COMPLETED")
        up.kill()
    with start_up(root) as up:
        assert addresses(up) == before
        with api_at(before["prefect_api_url"]) as api:
            assert api.run(stuck)["state"]["type"] == "CRASHED"
            assert wait_for(lambda: api.count("reconcile-tasks", "COMPLETED") > done, 100)
        descendants = psutil.Process(up.pid).children(recursive=True)
        up.send_signal(signal.SIGINT)
        assert up.wait(60) == 0
    assert not [process for process in descendants if process.is_running()]


@pytest.mark.stack
def test_what_is_given_is_used_and_not_started(root: Path, stack: RunningStack) -> None:
    given = {
        "DATABASE_URL": stack.connection.database_url,
        "PREFECT_API_URL": stack.connection.prefect_api_url,
        "JIRA_URL": stack.connection.jira_url,
        "DRUPAL_TICKETS_ENCRYPTION_KEY": "0" * 43 + "=",
    }
    with start_up(root, **given) as up:
        told = addresses(up)
        state = running(Home(root))
        descendants = psutil.Process(up.pid).children(recursive=True)
        up.send_signal(signal.SIGTERM)
        assert up.wait(60) == 0
    assert not [process for process in descendants if process.is_running()]
    assert not (root / "run" / "stack.json").exists()
    assert told["prefect_api_url"] == given["PREFECT_API_URL"]
    assert told["jira_url"] == given["JIRA_URL"]
    assert state is not None
    assert set(state.processes) <= {"bootstrap", "worker", "maintenance-worker"}
    assert not (root / "postgres" / "data").exists()
    assert httpx.get(f"{stack.connection.prefect_api_url}/health", trust_env=False).is_success
    assert (stack.home.run / "stack.json").exists()
