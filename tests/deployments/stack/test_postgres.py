import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import psutil
import pytest
from sqlalchemy import text

from db.engine import create_engine
from deployments.stack.home import Home
from deployments.stack.postgres import DATABASE, USER, Postgres, brought_version
from tasks.core.errors import AdminRequired
from tests.deployments.stack.conftest import copy_data


@pytest.fixture
async def postgres(home: Home) -> AsyncIterator[Postgres]:
    server = Postgres(home)
    yield server
    server.stop()


async def test_it_answers_at_the_address_that_it_gives(postgres: Postgres) -> None:
    await postgres.start()
    await postgres.create_database(DATABASE)
    await postgres.create_database(DATABASE)
    engine = create_engine(postgres.url(), pooled=False)
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT current_user"))).scalar() == USER
    await engine.dispose()


async def test_it_holds_prefects_database_too(postgres: Postgres) -> None:
    await postgres.start()
    connection = await asyncpg.connect(postgres.url("postgres").replace("+asyncpg", ""))
    assert await connection.fetchval("SELECT 1 FROM pg_available_extensions WHERE name = 'pg_trgm'") == 1
    await connection.close()


async def test_only_the_owner_reaches_it_and_nobody_over_the_network(postgres: Postgres, home: Home) -> None:
    await postgres.start()
    assert postgres.process is not None
    server = psutil.Process(postgres.process.pid)
    listening = [one for one in server.net_connections("all") if one.family != socket.AF_UNIX]
    assert listening == []
    sockets = [path for path in home.run.iterdir() if path.is_socket()]
    assert [path.stat().st_mode & 0o777 for path in sockets] == [0o700]
    assert home.run.stat().st_mode & 0o777 == 0o700
    assert (home.postgres / "data").stat().st_mode & 0o777 == 0o700


async def test_a_path_that_is_too_long_for_a_socket_does_not_matter(tmp_path: Path, made_home: Home) -> None:
    home = Home(tmp_path / ("x" * 120))
    home.prepare()
    copy_data(made_home, home)
    postgres = Postgres(home)
    await postgres.start()
    assert await postgres.answers()
    folder = home.socket_folder()
    postgres.stop()
    assert not folder.exists()


async def test_a_killed_server_comes_back_with_its_data(postgres: Postgres) -> None:
    await postgres.start()
    await postgres.create_database("kept")
    assert postgres.process is not None
    postgres.process.kill()
    postgres.process.wait(10)
    await postgres.start()
    connection = await asyncpg.connect(postgres.url("kept").replace("+asyncpg", ""))
    await connection.close()


async def test_a_server_that_lost_its_supervisor_is_replaced(postgres: Postgres, home: Home) -> None:
    left_over = Postgres(home)
    await left_over.start()
    assert left_over.process is not None
    await postgres.start()
    assert left_over.process.wait(10) == 0
    assert await postgres.answers()


async def test_a_note_of_a_process_that_is_something_else_by_now_is_no_obstacle(
    postgres: Postgres, home: Home
) -> None:
    stranger = subprocess.Popen(["sleep", "60"])  # noqa: ASYNC220 - it only has to be there
    note = home.postgres / "data" / "postmaster.pid"
    note.write_text(
        f"{stranger.pid}\n{home.postgres}/data\n{int(time.time()) - 3600}\n5432\n{home.run}\n\n\nready\n"
    )
    owner = (home.postgres / "data").stat()
    os.chown(note, owner.st_uid, owner.st_gid)
    try:
        await postgres.start()
        assert stranger.poll() is None
    finally:
        stranger.send_signal(signal.SIGKILL)
        stranger.wait()


async def test_a_start_that_was_interrupted_is_made_again(tmp_path: Path) -> None:
    home = Home(tmp_path / "h")
    home.prepare()
    draft = home.postgres / "data.new"
    draft.mkdir()
    (draft / "PG_VERSION").write_text("18\n")
    postgres = Postgres(home)
    await postgres.start()
    assert await postgres.answers()
    postgres.stop()
    assert not draft.exists()


async def test_data_of_another_version_is_left_alone_and_named(postgres: Postgres, home: Home) -> None:
    version = home.postgres / "data" / "PG_VERSION"
    version.write_text("14\n")
    with pytest.raises(
        AdminRequired, match=f"made by Postgres 14; this version brings Postgres {brought_version()}"
    ):
        await postgres.start()
    assert version.read_text() == "14\n"


async def test_a_folder_of_something_else_is_left_alone_and_named(postgres: Postgres, home: Home) -> None:
    shutil.rmtree(home.postgres / "data")
    (home.postgres / "data").mkdir()
    (home.postgres / "data" / "holiday.jpg").touch()
    with pytest.raises(AdminRequired, match="is not a Postgres data folder"):
        await postgres.start()
    assert (home.postgres / "data" / "holiday.jpg").exists()


async def test_damaged_data_is_one_line_in_the_servers_own_words(postgres: Postgres, home: Home) -> None:
    (home.postgres / "data" / "global" / "pg_control").unlink()
    with pytest.raises(AdminRequired, match=r"Postgres did not start: .*pg_control") as caught:
        await postgres.start()
    assert "\n" not in caught.value.message
    assert str(home.log("postgres")) in caught.value.actions[0]


async def test_a_full_disk_is_one_line_for_the_administrator(small_disk: Path) -> None:
    home = Home(small_disk / "h")
    home.prepare()
    with pytest.raises(AdminRequired, match="No space left on device") as caught:
        await Postgres(home).start()
    assert "\n" not in caught.value.message
    assert caught.value.actions == ("Make room on the disk.",)
    assert not (home.postgres / "data").exists()
