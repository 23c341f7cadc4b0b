"""What people get wrong: each gives one clear message, the right exit code, and no traceback."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings
from pydantic import SecretStr

from blocks.jira import JiraCredentials
from db.repositories.audit import AuditRepository
from tests.end_to_end import repositories
from tests.jira_sandbox import EMAIL, TOKEN
from tests.stack import RunningStack, free_port

pytestmark = pytest.mark.stack


@contextmanager
def permissions_revoked(stack: RunningStack, *names: str) -> Iterator[None]:
    """The login keeps its token and loses these permissions."""
    with httpx.Client(base_url=f"{stack.connection.jira_url}/_sandbox") as control:
        control.patch("/settings", json={"revoked_permissions": list(names)}).raise_for_status()
        try:
            yield
        finally:
            control.patch("/settings", json={"revoked_permissions": []}).raise_for_status()


def jira_block(stack: RunningStack, name: str, url: str, token: str) -> str:
    """Another Jira block on the Prefect server of the stack."""
    with temporary_settings({PREFECT_API_URL: stack.connection.prefect_api_url}):
        JiraCredentials(url=url, email=EMAIL, api_token=SecretStr(token)).save(name, overwrite=True)
    return name


HEADER = "ID,Name,Machine name,X,Dev,QA,Description,Type\n"
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def write_spec(folder: Path) -> None:
    """One bundle, named after the folder: the same spec for the same project would resume its session."""
    (folder / "Bundles.csv").write_text(f"{HEADER},{folder.name},page,a,,,A page.,Content type\n")


class TestBadInput:
    """Each gives one clear message, the right exit code, and no traceback."""

    def run(
        self, stack: RunningStack, *arguments: str, project: str = "TEST", **environment: str
    ) -> tuple[int, dict[str, Any]]:
        result = stack.cli(
            "run",
            *arguments,
            "--site-name",
            "Bad",
            "--project-key",
            project,
            "--yes",
            "--json",
            **environment,
        )
        assert "Traceback" not in result.stdout + result.stderr
        error = json.loads(result.stdout)["error"]
        assert error["message"]
        assert error["exit_code"] == result.returncode
        return result.returncode, json.loads(result.stdout)

    def assert_recorded(self, stack: RunningStack, document: dict[str, Any]) -> None:
        listed = json.loads(stack.cli("session", "errors", document["session"]["id"], "--json").stdout)
        assert document["error"]["message"] in [error["message"] for error in listed["errors"]]

    def test_a_missing_folder(self, stack: RunningStack, tmp_path: Path) -> None:
        assert self.run(stack, str(tmp_path / "nowhere"))[0] == 10

    def test_too_many_files(self, stack: RunningStack, tmp_path: Path) -> None:
        for number in range(26):
            (tmp_path / f"Bundles{number}.csv").write_text(HEADER)
        assert self.run(stack, str(tmp_path))[0] == 10

    def test_a_file_of_three_megabytes(self, stack: RunningStack, tmp_path: Path) -> None:
        (tmp_path / "Bundles.csv").write_text(HEADER + ",Page,page,a,,,x,Content type\n" * 110_000)
        assert self.run(stack, str(tmp_path))[0] == 10

    @pytest.mark.parametrize(
        ("name", "content"),
        [("Bundles.csv", b""), ("Bundles.csv", PIXEL), ("Shopping.csv", b"Milk,Eggs\n2,12\n")],
        ids=["empty", "binary", "no known header"],
    )
    def test_a_file_that_is_no_tab_of_a_spec(
        self, stack: RunningStack, tmp_path: Path, name: str, content: bytes
    ) -> None:
        (tmp_path / name).write_bytes(content)
        code, document = self.run(stack, str(tmp_path))
        assert code == 10
        assert name in document["error"]["message"]
        self.assert_recorded(stack, document)

    async def test_a_project_that_does_not_exist(self, stack: RunningStack, tmp_path: Path) -> None:
        write_spec(tmp_path)
        code, document = self.run(stack, str(tmp_path), project="NOWHERE")
        assert code == 10
        assert "NOWHERE" in document["error"]["message"]
        self.assert_recorded(stack, document)
        async with repositories(stack) as session:
            trail = await AuditRepository(session).trail(UUID(document["session"]["id"]))
        failed = [entry for entry in trail if entry.event_type == "collect-site-info.failed"]
        assert [entry.event_data for entry in failed] == [{"code": document["error"]["code"]}]

    def test_a_token_that_may_not_create_issues(self, stack: RunningStack, tmp_path: Path) -> None:
        write_spec(tmp_path)
        with permissions_revoked(stack, "CREATE_ISSUES"):
            code, document = self.run(stack, str(tmp_path))
        assert code == 20
        assert "create issues" in document["error"]["message"]
        self.assert_recorded(stack, document)

    def test_a_token_that_is_wrong(self, stack: RunningStack, tmp_path: Path) -> None:
        write_spec(tmp_path)
        block = jira_block(stack, "wrong-token", stack.connection.jira_url, "not-the-token")
        code, document = self.run(stack, str(tmp_path), "--jira-site", block)
        assert code == 20
        assert "not-the-token" not in json.dumps(document)
        self.assert_recorded(stack, document)

    def test_a_session_that_began_with_another_login(self, stack: RunningStack, tmp_path: Path) -> None:
        write_spec(tmp_path)
        first = stack.cli("run", str(tmp_path), "--site-name", "Bad", "--project-key", "TEST", "--json")
        assert first.returncode == 0, first.stderr
        block = jira_block(stack, "other-login", stack.connection.jira_url, TOKEN)
        code, document = self.run(stack, str(tmp_path), "--jira-site", block)
        assert (code, document["error"]["code"]) == (10, "other-login")

    def test_jira_that_does_not_answer(self, stack: RunningStack, tmp_path: Path) -> None:
        write_spec(tmp_path)
        block = jira_block(stack, "jira-away", f"http://127.0.0.1:{free_port()}", TOKEN)
        code, document = self.run(stack, str(tmp_path), "--jira-site", block)
        assert code == 30
        self.assert_recorded(stack, document)

    def test_a_database_that_does_not_answer(self, stack: RunningStack, tmp_path: Path) -> None:
        write_spec(tmp_path)
        home = str(tmp_path / "home")
        away = "postgresql://nobody@127.0.0.1:9/none"
        code, _ = self.run(stack, str(tmp_path), DRUPAL_TICKETS_HOME=home, DATABASE_URL=away)
        assert code == 30
