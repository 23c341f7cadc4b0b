"""What a person and a script get when something goes wrong: one message, an exit code, no traceback, no secret."""

import errno
import json
import stat
from pathlib import Path

import asyncpg
import httpx
import pytest
import typer

from db import errors as db_errors
from deployments.cli.boundary import guard
from deployments.cli.output import printable, redact
from tasks.core.errors import AdminRequired, Cancelled, Temporary, UserFixable, ValidationRequired
from tests.deployments.cli.conftest import Cli


def raising(error: BaseException) -> int:
    def action() -> None:
        raise error

    return guard(action, as_json=True)


REQUEST = httpx.Request("GET", "http://prefect.test")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UserFixable("Fix it."), 10),
        (ValidationRequired("Validation required."), 10),
        (AdminRequired("Ask somebody."), 20),
        (Temporary("Later."), 30),
        (Cancelled("Stopped."), 40),
        (KeyboardInterrupt(), 40),
        (typer.Abort(), 40),
        (db_errors.NotFound("There is no such ticket."), 10),
        (db_errors.AlreadyRunning("Another run."), 10),
        (db_errors.Changed("Somebody was faster."), 10),
        (db_errors.RetriesUsedUp("Three runs failed."), 20),
        (db_errors.CancelRequested("Stopped."), 40),
        (db_errors.Unavailable("The database does not answer."), 30),
        (db_errors.Misconfigured("The database refuses us."), 20),
        (asyncpg.InvalidPasswordError("no"), 20),
        (asyncpg.CannotConnectNowError("starting up"), 30),
        (httpx.ConnectError("refused"), 30),
        (httpx.HTTPStatusError("no", request=REQUEST, response=httpx.Response(503)), 30),
        (httpx.HTTPStatusError("no", request=REQUEST, response=httpx.Response(422)), 20),
        (ConnectionRefusedError("refused"), 30),
        (OSError(errno.ENOSPC, "No space left on device", "/somewhere"), 20),
        (PermissionError(errno.EACCES, "Permission denied", "/somewhere"), 20),
        (KeyError("unforeseen"), 20),
        (RecursionError("unforeseen"), 20),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_every_error_has_an_exit_code_and_one_document(
    capsys: pytest.CaptureFixture[str], error: BaseException, code: int
) -> None:
    assert raising(error) == code
    out, err = capsys.readouterr()
    told = json.loads(out)["error"]
    assert told["exit_code"] == code
    assert told["message"]
    assert set(told) == {"message", "category", "code", "actions", "exit_code"}
    assert "Traceback" not in err


def test_actions_are_told_below_the_message(capsys: pytest.CaptureFixture[str]) -> None:
    raising(UserFixable("It is broken.", actions=("Mend it.", "Or do not.")))
    assert capsys.readouterr().err.splitlines() == ["Error: It is broken.", "  → Mend it.", "  → Or do not."]


def test_what_nobody_foresaw_goes_to_a_log_that_only_its_owner_reads(
    capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    raising(KeyError("unforeseen"))
    [log] = (home / "logs").iterdir()
    assert "Traceback" in log.read_text()
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert str(log) in capsys.readouterr().err


def test_a_log_that_cannot_be_written_is_no_second_error(
    capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    home.write_text("a file where the folder should be")
    assert raising(KeyError("unforeseen")) == 20
    assert "KeyError" in capsys.readouterr().err


@pytest.mark.parametrize("variable", ["JIRA_API_TOKEN", "ANTHROPIC_API_KEY", "DRUPAL_TICKETS_ENCRYPTION_KEY"])
def test_no_secret_is_shown_or_logged(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, home: Path, variable: str
) -> None:
    monkeypatch.setenv(variable, "very-secret-value")
    monkeypatch.setenv("DATABASE_URL", "postgresql://us:pass-word@db.test/x")
    raising(RuntimeError("very-secret-value and postgresql://us:pass-word@db.test/x"))
    raising(UserFixable("very-secret-value pass-word"))
    [log] = (home / "logs").iterdir()
    out, err = capsys.readouterr()
    for text in (out, err, log.read_text()):
        assert "very-secret-value" not in text
        assert "pass-word" not in text


def test_a_short_value_does_not_blank_out_ordinary_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIRA_API_TOKEN", "a")
    assert redact("a plain sentence") == "a plain sentence"


def test_a_terminal_is_not_given_orders() -> None:
    assert printable("\x1b[31mred\x07\u202e") == "�[31mred��"
    assert printable("two\nlines\tand a tab") == "two\nlines\tand a tab"


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("run",),
        ("run", "spec"),
        ("run", "spec", "--site-name", "S", "--project-key", "not a key"),
        ("run", "spec", "--site-name", "S", "--project-key", "K2", "--scope", "a"),
        ("run", "spec", "--site-name", "S", "--project-key", "K2", "--scope", "a=burn"),
        ("run", "spec", "--site-name", "S", "--project-key", "K2", "--granularity", "=x"),
        ("run", "spec", "--site-name", "S", "--project-key", "K2", "--budget", "much"),
        ("run", "spec", "--site-name", "S", "--project-key", "K2", "--budget", "-1"),
        ("session",),
        ("session", "show"),
        ("session", "list", "--limit", "0"),
        ("session", "rollback", "x"),
        ("session", "rollback", "x", "--to", "review"),
        ("tickets", "show", "x"),
        ("cleanup", "everything"),
        ("upload",),
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2(cli: Cli, arguments: tuple[str, ...]) -> None:
    result = cli(*arguments, "--json")
    assert result.exit_code == 2
    assert result.document["error"]["code"] == "wrong-usage"
    assert cli(*arguments).exit_code == 2


def test_no_command_at_all_is_wrong_usage_and_shows_help(cli: Cli) -> None:
    result = cli()
    assert result.exit_code == 2
    assert "Usage" in result.out + result.err


GIVEN = ("--site-name", "S", "--project-key", "LAKE", "--json")


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (None, "no file or folder"),
        ({}, "no CSV file"),
        ({f"{number}.csv": 9 for number in range(41)}, "41 files"),
        ({"big.csv": 3_000_000}, "2 MB"),
    ],
    ids=["missing", "empty", "too many", "too big"],
)
def test_a_spec_that_cannot_be_taken_is_refused_before_anything_starts(
    cli: Cli, tmp_path: Path, home: Path, files: dict[str, int] | None, told: str
) -> None:
    folder = tmp_path / "spec"
    if files is not None:
        folder.mkdir()
        for name, size in files.items():
            (folder / name).write_bytes(b"x" * size)
    result = cli("run", folder, *GIVEN)
    assert result.exit_code == 10
    assert told in result.document["error"]["message"]
    assert not (home / "run").exists()


def test_a_granularity_that_nobody_knows_is_told_with_those_there_are(cli: Cli, tmp_path: Path) -> None:
    result = cli("run", tmp_path, "--granularity", "bundle=heap", *GIVEN)
    assert result.exit_code == 10
    assert "apart" in result.document["error"]["actions"][0]


@pytest.mark.parametrize("command", ["list", "show x", "close x", "errors x"])
def test_a_database_that_is_away_is_temporary(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://us:pass-word@127.0.0.1:9/nowhere")
    result = cli("session", *command.split(), "--json")
    assert result.exit_code == 30
    assert "pass-word" not in result.out + result.err


def test_a_database_without_our_tables_needs_an_administrator(
    cli: Cli, empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    result = cli("session", "list", "--json")
    assert result.exit_code == 20
    assert "tables" in result.document["error"]["message"]
