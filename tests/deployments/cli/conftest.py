"""The command line as a person or a script meets it: arguments in, exit code and two streams out."""

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import create_engine
from deployments.cli.app import invoke
from deployments.cli.output import SECRET_VARIABLES
from deployments.settings import VARIABLES
from tests.postgres import address, run_sql

T = TypeVar("T")


@dataclass(frozen=True)
class Result:
    """What a command left behind."""

    exit_code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.out)


Cli = Callable[..., Result]
InDatabase = Callable[[Callable[[AsyncEngine], Awaitable[T]]], T]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of this test alone, and no trace of the developer's environment."""
    for name in {*VARIABLES.values(), *SECRET_VARIABLES}:
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "home"
    monkeypatch.setenv("DRUPAL_TICKETS_HOME", str(folder))
    return folder


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Runs a command line in this process."""

    def run(*arguments: object) -> Result:
        code = invoke([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return Result(code, out, err)

    return run


@pytest.fixture(scope="module")
def shared_database_url(postgres_server: URL, template_database: str) -> Iterator[str]:
    """One database for the tests of a file: each has sessions of its own in it."""
    name = f"cli_{uuid.uuid4().hex}"
    run_sql(postgres_server, f"CREATE DATABASE {name} TEMPLATE {template_database} STRATEGY FILE_COPY")
    yield address(postgres_server, name)
    run_sql(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(shared_database_url: str, monkeypatch: pytest.MonkeyPatch) -> InDatabase[Any]:
    """The database that the commands of this test see; runs what a test does in it."""
    monkeypatch.setenv("DATABASE_URL", shared_database_url)

    def run(work: Callable[[AsyncEngine], Awaitable[T]]) -> T:
        async def with_engine() -> T:
            engine = create_engine(shared_database_url, pooled=False)
            try:
                return await work(engine)
            finally:
                await engine.dispose()

        return asyncio.run(with_engine())

    return run
