"""One made Postgres data folder a session: making it is what costs, copying it does not."""

import asyncio
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments.stack.home import Home
from deployments.stack.postgres import Postgres


@pytest.fixture(scope="session")
def made_home() -> Iterator[Home]:
    with tempfile.TemporaryDirectory(prefix="dt-", ignore_cleanup_errors=True) as folder:
        home = Home(Path(folder) / "home")
        home.prepare()
        postgres = Postgres(home)
        asyncio.run(postgres.start())
        postgres.stop()
        yield home


@pytest.fixture
def home(made_home: Home) -> Iterator[Home]:
    """A home of this test alone, with a data folder that has been used before; its path is short."""
    with tempfile.TemporaryDirectory(prefix="dt-", ignore_cleanup_errors=True) as folder:
        home = Home(Path(folder) / "home")
        home.prepare()
        copy_data(made_home, home)
        yield home


def copy_data(source: Home, target: Home) -> None:
    """Copy the data folder with its owner, who is not root."""
    data = source.postgres / "data"
    shutil.copytree(data, target.postgres / "data", dirs_exist_ok=True)
    status = data.stat()
    for path in (target.postgres / "data", *(target.postgres / "data").rglob("*")):
        shutil.chown(path, status.st_uid, status.st_gid)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("this machine lets nobody mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)
