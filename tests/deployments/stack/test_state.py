import os
from pathlib import Path

import pytest

from deployments.settings import Settings
from deployments.stack.home import Home
from deployments.stack.processes import ProcessId
from deployments.stack.state import Connection, State, forget, read_state, require_same, running
from tasks.core.errors import UserFixable

CONNECTION = Connection(
    database_url="postgresql+asyncpg://db/tickets",
    prefect_api_url="http://127.0.0.1:4200/api",
    ui_url="http://127.0.0.1:4200",
    jira_url="http://127.0.0.1:4280",
    prefect_home="/srv/prefect",
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.prepare()
    return home


def note(**changes: object) -> State:
    me = ProcessId.of(os.getpid())
    return State.model_validate({"mode": "up", "supervisor": me, "connection": CONNECTION, **changes})


def test_what_one_process_writes_another_reads(home: Home) -> None:
    state = note(processes={"worker": ProcessId(1, 2.0)}, ready=True)
    state.write(home)
    assert read_state(home) == running(home) == state
    assert (home.run / "stack.json").stat().st_mode & 0o777 == 0o600


def test_the_note_of_a_dead_supervisor_says_what_to_clean_up_but_nothing_runs(home: Home) -> None:
    state = note(supervisor=ProcessId(os.getpid(), 1.0))
    state.write(home)
    assert read_state(home) == state
    assert running(home) is None


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b'{"mode": "other"}'])
def test_a_broken_note_is_no_note(home: Home, content: bytes) -> None:
    (home.run / "stack.json").write_bytes(content)
    assert running(home) is None


def test_nothing_is_left_after_the_end(home: Home) -> None:
    note().write(home)
    forget(home)
    forget(home)
    assert read_state(home) is None


def test_processes_of_ours_find_the_parts_by_their_environment() -> None:
    assert (
        CONNECTION.environment().items()
        >= {
            "DATABASE_URL": "postgresql+asyncpg://db/tickets",
            "PREFECT_API_URL": "http://127.0.0.1:4200/api",
            "PREFECT_HOME": "/srv/prefect",
        }.items()
    )


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"DATABASE_URL": "postgresql+asyncpg://db/tickets"},
        {"PREFECT_API_URL": "http://127.0.0.1:4200/api/", "JIRA_URL": "http://127.0.0.1:4280/"},
    ],
)
def test_a_stack_is_joined_by_whoever_wants_the_same(given: dict[str, str]) -> None:
    require_same(Settings.from_environment(given), CONNECTION)


@pytest.mark.parametrize("variable", ["DATABASE_URL", "PREFECT_API_URL", "JIRA_URL"])
def test_a_stack_that_works_on_something_else_is_not_joined(variable: str) -> None:
    with pytest.raises(UserFixable, match=f"started with another {variable}"):
        require_same(Settings.from_environment({variable: "http://elsewhere"}), CONNECTION)
