import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from sqlalchemy import text

from db.engine import create_engine
from deployments.settings import Settings
from deployments.stack.ensure import ensure_database
from deployments.stack.home import Home
from deployments.stack.state import State, read_state, running
from tasks.core.errors import AdminRequired, ProductError
from tests.stack import bare_environment, free_port

USER = """
import os, sys, time
from deployments.settings import Settings
from deployments.stack.ensure import ensure_database
with ensure_database(Settings.from_environment(os.environ)) as connection:
    assert "prefect" not in sys.modules
    print(connection.database_url, flush=True)
    time.sleep(60)
"""


def settings_of(home: Home) -> Settings:
    return Settings(home=home.root)


def start_user(home: Home) -> subprocess.Popen[str]:
    environment = bare_environment(home.root)
    user = subprocess.Popen([sys.executable, "-c", USER], env=environment, stdout=subprocess.PIPE, text=True)
    assert user.stdout is not None
    assert user.stdout.readline().startswith("postgresql")
    return user


def wait_for(condition: Callable[[], bool], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def all_gone(state: State | None) -> bool:
    return state is not None and not any(one.alive() for one in (state.supervisor, *state.processes.values()))


async def test_a_command_gets_a_migrated_database(home: Home) -> None:
    with ensure_database(settings_of(home)) as connection:
        engine = create_engine(connection.database_url, pooled=False)
        async with engine.connect() as database:
            assert (await database.execute(text("SELECT count(*) FROM sessions"))).scalar() == 0
        await engine.dispose()
        state = running(home)
    assert wait_for(lambda: all_gone(state))
    assert wait_for(lambda: read_state(home) is None)


def test_the_last_user_takes_the_database_down(home: Home) -> None:
    with ensure_database(settings_of(home)) as first:
        state = running(home)
        with start_user(home) as user:
            assert running(home) == state
            user.kill()
        with ensure_database(settings_of(home)) as second:
            assert second == first
        time.sleep(1)
        assert running(home) == state
    assert wait_for(lambda: all_gone(state))


def test_many_at_once_share_one(home: Home) -> None:
    users = [start_user(home) for _ in range(2)]
    assert running(home) is not None
    for user in users:
        user.kill()
        user.communicate()
    assert wait_for(lambda: running(home) is None)


def test_a_killed_supervisor_leaves_nothing_that_hinders_the_next(home: Home) -> None:
    with ensure_database(settings_of(home)):
        state = running(home)
        assert state is not None
        os.kill(state.supervisor.pid, signal.SIGKILL)
        assert wait_for(lambda: all_gone(state))
    with ensure_database(settings_of(home)):
        assert running(home) not in (None, state)


def test_with_a_database_of_ones_own_nothing_is_started(tmp_path: Path) -> None:
    address = f"postgresql://127.0.0.1:{free_port()}/tickets"
    settings = Settings.from_environment(
        {"DATABASE_URL": address, "DRUPAL_TICKETS_HOME": str(tmp_path / "home")}
    )
    with ensure_database(settings) as connection:
        assert connection.database_url == address
    assert not (tmp_path / "home").exists()


def test_what_kept_it_from_starting_reaches_whoever_wanted_it(home: Home) -> None:
    (home.postgres / "data" / "PG_VERSION").write_text("14\n")
    with (
        pytest.raises(AdminRequired, match="made by Postgres 14") as caught,
        ensure_database(settings_of(home)),
    ):
        pass
    assert isinstance(caught.value, ProductError)
    assert caught.value.actions
    assert caught.value.code == "postgres-version"
    assert running(home) is None


async def test_a_database_that_a_newer_version_migrated_is_left_alone(home: Home) -> None:
    with ensure_database(settings_of(home)) as connection:
        engine = create_engine(connection.database_url, pooled=False)
        async with engine.begin() as database:
            await database.execute(text("UPDATE alembic_version SET version_num = 'of_tomorrow'"))
        await engine.dispose()
    assert wait_for(lambda: running(home) is None)
    with (
        pytest.raises(AdminRequired, match=r"cannot be migrated: .*of_tomorrow"),
        ensure_database(settings_of(home)),
    ):
        pass


def test_no_secret_stands_on_a_command_line(home: Home) -> None:
    with ensure_database(settings_of(home)):
        state = running(home)
        assert state is not None
        for one in (state.supervisor, *state.processes.values()):
            assert "key" not in " ".join(psutil.Process(one.pid).cmdline())
