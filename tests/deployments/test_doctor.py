"""`drupal-tickets doctor`: on a machine where nothing runs, on a healthy stack, and with one part after another ill."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from deployments.health.checkup import (
    Finding,
    NotRunning,
    date_of,
    examine,
    exit_code_of,
    require_same_time,
)
from deployments.health.database import database
from deployments.health.outside import jira_clock, model
from deployments.settings import Settings
from deployments.stack.state import Connection
from tasks.core.errors import AdminRequired, Temporary, UserFixable
from tests.stack import RunningStack, bare_environment

PARTS = {
    "versions",
    "home",
    "disk",
    "encryption key",
    "database",
    "prefect server",
    "workers",
    "deployments",
    "blocks",
    "jira",
    "model",
}


def doctor(environment: dict[str, str], *arguments: str) -> tuple[int, dict[str, Any], str]:
    """Exit code, document and what it says for people."""
    command = [str(Path(sys.executable).with_name("drupal-tickets")), "doctor", *arguments, "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    return done.returncode, dict(json.loads(done.stdout)), done.stderr


def part(document: dict[str, Any], name: str) -> dict[str, Any]:
    [found] = [one for one in document["parts"] if one["part"] == name]
    return dict(found)


class Somewhere(BaseHTTPRequestHandler):
    """A service that answers every request alike."""

    status: ClassVar[int] = 200
    date: ClassVar[str] = ""

    def do_GET(self) -> None:
        self.send_response_only(self.status)
        if self.date:
            self.send_header("Date", self.date)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def somewhere() -> Iterator[tuple[str, type[Somewhere]]]:
    kind = type("Here", (Somewhere,), {})
    server = HTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", kind
    server.shutdown()
    server.server_close()
    thread.join()


class TestNothingRuns:
    def test_that_is_no_illness(self, tmp_path: Path) -> None:
        code, document, _ = doctor(bare_environment(tmp_path / "home"))
        assert (code, document["healthy"]) == (0, True)
        assert {one["part"] for one in document["parts"]} == PARTS
        assert "`up` starts" in part(document, "prefect server")["message"]
        assert not (tmp_path / "home").exists(), "it changes nothing"

    def test_a_database_that_is_away_is_said_to_be(self, tmp_path: Path) -> None:
        away = {"DATABASE_URL": "postgresql://someone:hunter2@127.0.0.1:1/tickets"}
        code, document, said = doctor(bare_environment(tmp_path / "home") | away)
        assert code == 20, "no encryption key is worse: only an administrator can give it"
        assert part(document, "database")["exit_code"] == 30
        assert part(document, "encryption key")["exit_code"] == 20
        assert "hunter2" not in json.dumps(document) + said

    @pytest.mark.parametrize(("key", "health"), [("no key", "wrong"), ("0" * 43 + "=", "ok")])
    def test_the_encryption_key_is_tried(self, tmp_path: Path, key: str, health: str) -> None:
        given = bare_environment(tmp_path / "home") | {"DRUPAL_TICKETS_ENCRYPTION_KEY": key}
        _, document, _ = doctor(given)
        assert part(document, "encryption key")["health"] == health

    def test_a_home_that_others_read_is_closed_again_by_its_advice(self, tmp_path: Path) -> None:
        home = tmp_path / "home"
        home.mkdir(mode=0o755)
        code, document, _ = doctor(bare_environment(home))
        assert (code, part(document, "home")["health"]) == (20, "wrong")
        subprocess.run(part(document, "home")["actions"][0].split(), check=True)
        assert doctor(bare_environment(home))[0] == 0


async def test_a_database_without_our_tables_is_to_be_migrated(empty_database_url: str) -> None:
    with pytest.raises(AdminRequired, match="tables of this version") as refused:
        await database(Connection(database_url=empty_database_url))
    assert "deployments.migrate" in refused.value.actions[0]


async def test_a_database_at_head_is_well(database_url: str) -> None:
    assert "tables of this version" in await database(Connection(database_url=database_url))


@pytest.mark.parametrize(
    ("status", "told"), [(200, "takes the key"), (404, "not tried")], ids=["a list", "a gateway without one"]
)
async def test_a_model_that_answers(somewhere: tuple[str, type[Somewhere]], status: int, told: str) -> None:
    url, kind = somewhere
    kind.status = status
    settings = {"home": "/nowhere", "anthropic_api_key": "k", "anthropic_base_url": url}
    assert told in await model(Settings.model_validate(settings))


@pytest.mark.parametrize(("status", "kind"), [(401, AdminRequired), (403, AdminRequired), (529, Temporary)])
async def test_a_model_that_does_not(
    somewhere: tuple[str, type[Somewhere]], status: int, kind: type[Exception]
) -> None:
    url, here = somewhere
    here.status = status
    settings = {"home": "/nowhere", "anthropic_api_key": "k", "anthropic_base_url": url}
    with pytest.raises(kind):
        await model(Settings.model_validate(settings))


async def test_jira_s_clock_is_looked_at(somewhere: tuple[str, type[Somewhere]]) -> None:
    url, kind = somewhere
    kind.date = "Mon, 01 Jan 2024 00:00:00 GMT"
    with pytest.raises(AdminRequired, match="seconds apart"):
        await jira_clock(url)
    kind.date = ""
    assert "not told" in await jira_clock(url)


def test_clocks_may_differ_by_the_way_that_an_answer_takes() -> None:
    assert require_same_time("Jira", datetime.now(UTC) - timedelta(seconds=20))
    with pytest.raises(AdminRequired):
        require_same_time("Jira", datetime.now(UTC) + timedelta(seconds=40))
    assert date_of("Mon, 01 Jan 2024 00:00:00 GMT") == datetime(2024, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("codes", "expected"),
    [((), 0), ((0, 0), 0), ((30, 0), 30), ((30, 10), 10), ((10, 30, 20), 20)],
)
def test_whoever_has_to_act_first_decides_the_exit_code(codes: tuple[int, ...], expected: int) -> None:
    findings = [Finding("part", "wrong" if code else "ok", "", exit_code=code) for code in codes]
    assert exit_code_of(findings) == expected


async def test_whatever_goes_wrong_becomes_a_finding() -> None:
    async def fail(error: Exception) -> str:
        raise error

    found = [
        await examine("x", lambda error=error: fail(error))  # type: ignore[misc]
        for error in (UserFixable("a"), NotRunning("b"), ConnectionRefusedError())
    ]
    assert [(one.health, one.exit_code) for one in found] == [
        ("wrong", 10),
        ("not running", 0),
        ("wrong", 30),
    ]


@pytest.mark.stack
class TestAStackThatRuns:
    def test_every_part_is_well(self, stack: RunningStack) -> None:
        code, document, said = doctor(stack.environment, "--project-key", "DEMO")
        ill = [one for one in document["parts"] if one["health"] == "wrong"]
        assert (code, ill) == (0, []), said
        assert {one["part"] for one in document["parts"]} == PARTS | {"clock"}
        assert "may create issues" in part(document, "jira")["message"]

    @pytest.mark.long
    def test_a_project_that_is_none_is_said_to_be(self, stack: RunningStack) -> None:
        code, document, _ = doctor(stack.environment, "--project-key", "NOSUCH")
        assert part(document, "jira")["health"] == "wrong"
        assert code in (10, 20)

    @pytest.mark.long
    def test_another_jira_than_the_block_s_is_noticed(self, stack: RunningStack) -> None:
        elsewhere = stack.connection.environment() | {"JIRA_URL": "http://127.0.0.1:1"}
        code, document, _ = doctor(bare_environment(stack.home.root / "elsewhere") | elsewhere)
        assert (code, part(document, "blocks")["health"]) == (20, "wrong")
        assert part(document, "clock")["exit_code"] == 30

    def test_a_drained_pool_is_noticed(self, stack: RunningStack) -> None:
        prefect = [str(Path(sys.executable).with_name("prefect")), "work-pool"]
        environment = stack.environment | stack.connection.environment()
        subprocess.run(
            [*prefect, "pause", "drupal-tickets"], env=environment, check=True, capture_output=True
        )
        try:
            code, document, _ = doctor(stack.environment)
        finally:
            subprocess.run(
                [*prefect, "resume", "drupal-tickets"], env=environment, check=True, capture_output=True
            )
        assert (code, part(document, "workers")["health"]) == (20, "wrong")
        assert "resume drupal-tickets" in part(document, "workers")["actions"][0]
