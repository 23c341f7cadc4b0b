"""The command line is there at once, and loads only what a command needs."""

import os
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest

from tests.builders.reviewing import reviewable
from tests.deployments.cli.conftest import Cli, InDatabase

ROOT = Path(__file__).parents[3]
HEAVY = ("prefect", "pandas", "sqlalchemy", "httpx", "atlassian")
COMMANDS = {
    (): {
        "up", "run", "session", "upload", "generate", "review", "validate", "export", "cleanup", "cost", "tickets",
        "jira",
    },
    ("session",): {"new", "list", "show", "set", "resume", "cancel", "close", "rollback", "errors", "watch"},
    ("tickets",): {"list", "show", "edit", "assign", "order", "link", "unlink", "lock"},
    ("jira",): {"check"},
}  # fmt: skip


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ.copy(),
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_loads_nothing_heavy() -> None:
    result = python(
        "import sys; from deployments.cli.app import invoke; code = invoke(['--help']);"
        f"heavy = [name for name in {HEAVY} if name in sys.modules]; print(code, heavy, file=sys.stderr)"
    )
    assert result.stderr.strip() == "0 []"


@pytest.mark.parametrize("group", COMMANDS, ids=" ".join)
def test_every_command_of_the_product_is_there_and_explains_itself(cli: Cli, group: tuple[str, ...]) -> None:
    shown = cli(*group, "--help").out
    for command in COMMANDS[group]:
        assert f" {command} " in shown
        help_text = cli(*group, command, "--help").out
        assert "Usage" in help_text


def test_commands_that_read_or_edit_do_not_import_prefect(cli: Cli, database: InDatabase[UUID]) -> None:
    session = database(reviewable)
    first, second, _ = (one["id"] for one in cli("tickets", "list", session, "--json").document["tickets"])
    commands = [
        "session list",
        f"session show {session}",
        f"session errors {session}",
        f"session rollback {session} --to upload",
        f"review {session} --approve",
        f"cost {session}",
        f"tickets list {session}",
        f"tickets show {session} {first}",
        f"tickets edit {session} {first} --notes Mind",
        f"tickets assign {session} {first} --label soon",
        f"tickets order {session} {first} --after {second}",
        f"tickets link {session} {second} --on {first}",
        f"tickets unlink {session} {second} --on {first}",
        f"tickets lock {session} {first}",
        f"session close {session}",
    ]
    result = python(
        "import sys; from deployments.cli.app import invoke\n"
        f"for command in {commands}:\n"
        "    code = invoke(command.split())\n"
        "    if code or 'prefect' in sys.modules: sys.exit(f'{command}: {code}')\n"
    )
    assert result.returncode == 0, result.stderr
