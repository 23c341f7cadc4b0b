"""The error boundary: whatever happens below it, a person sees one clear message and scripts see an exit code."""

import errno
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer

from deployments.cli.output import note, redact, show
from tasks.core.errors import AdminRequired, Cancelled, ProductError, Temporary, UserFixable

WRONG_USAGE = 2
INTERRUPTED = 130  # what typer makes of Ctrl-C
PRIVATE = 0o600


class Failed(Exception):
    """A command that has a result to show although it failed: `document` is printed with the error in it."""

    def __init__(self, error: ProductError, document: Mapping[str, Any]) -> None:
        super().__init__(error.message)
        self.error = error
        self.document = document


def guard(action: Callable[[], object], *, as_json: bool) -> int:
    """Run a command and return its exit code. Nothing passes but SystemExit."""
    try:
        result = action()
    except (typer.Abort, KeyboardInterrupt):
        return _report(Cancelled("Cancelled."), {}, as_json)
    except Failed as failed:
        return _report(failed.error, failed.document, as_json)
    except Exception as error:  # the last line of defence: no traceback ever reaches a person
        if _is_usage(error):
            return _wrong_usage(error, as_json)
        return _report(explain(error), {}, as_json)
    if result == INTERRUPTED:
        return _report(Cancelled("Cancelled."), {}, as_json)
    return result if isinstance(result, int) else 0


def _is_usage(error: Exception) -> bool:
    return hasattr(error, "format_message") and hasattr(error, "exit_code")


def _wrong_usage(error: Any, as_json: bool) -> int:
    from typer.rich_utils import rich_format_error

    if as_json:
        text = error.format_message()
        problem = {"message": text, "category": "user_fixable", "code": "wrong-usage", "actions": []}
        show({"error": {**problem, "exit_code": WRONG_USAGE}}, True, lambda _: None)
    rich_format_error(error)
    return WRONG_USAGE


def _report(error: ProductError, document: Mapping[str, Any], as_json: bool) -> int:
    if as_json:
        show({**document, "error": describe(error)}, True, lambda _: None)
    note(f"Error: {error.message}")
    for action in error.actions:
        note(f"  → {action}")
    return error.exit_code


def describe(error: ProductError) -> dict[str, Any]:
    """An error as the JSON document carries it."""
    return {
        "message": error.message,
        "category": "cancelled" if isinstance(error, Cancelled) else error.category.value,
        "code": error.code,
        "actions": list(error.actions),
        "exit_code": error.exit_code,
    }


def explain(error: Exception) -> ProductError:
    """Any exception as an error that says who can fix it; what nobody foresaw goes to a log file."""
    if isinstance(error, ProductError):
        return error
    for known in (_from_database, _from_driver, _from_files, _from_services):
        if explained := known(error):
            return explained
    return _unexpected(error)


def _from_database(error: Exception) -> ProductError | None:
    from db import errors

    if not isinstance(error, errors.DatabaseError):
        return None
    told: ProductError = UserFixable(error.message, code=type(error).__name__.lower())
    match error:
        case errors.Unavailable():
            told = _away("The database", "DATABASE_URL", error.message)
        case errors.Misconfigured():
            told = AdminRequired(error.message, actions=("Check DATABASE_URL.",), code="database")
        case errors.RetriesUsedUp():
            action = "When the cause is removed: drupal-tickets session resume SESSION --reset-retries"
            told = AdminRequired(error.message, actions=(action,), code="retries-used-up")
        case errors.CancelRequested() | errors.StaleAttempt():
            told = Cancelled(error.message)
    return told


def _from_driver(error: Exception) -> ProductError | None:
    if _is(error, "asyncpg", ("InvalidAuthorizationSpecificationError", "InvalidCatalogNameError")):
        return AdminRequired(
            f"The database refuses the connection: {error}.",
            actions=("Check DATABASE_URL.",),
            code="database",
        )
    missing = any(name in str(error) for name in ("UndefinedTable", "UndefinedColumn"))
    if missing and _is(error, "sqlalchemy", ("ProgrammingError",)):
        return AdminRequired(
            "The database does not have the tables of this version.",
            actions=("Start `drupal-tickets up` anew, with this DATABASE_URL: it migrates them.",),
            code="schema",
        )
    if _is(error, "sqlalchemy", ("OperationalError", "InterfaceError")) or _is(
        error, "asyncpg", ("PostgresError",)
    ):
        return _away("The database", "DATABASE_URL")
    return None


def _from_files(error: Exception) -> ProductError | None:
    if isinstance(error, ConnectionError | TimeoutError):
        return _away("A service", "DATABASE_URL, PREFECT_API_URL and JIRA_URL")
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES}:
        return AdminRequired(
            f"{error.strerror}: {error.filename or 'the data folder'}.",
            actions=("Make room or give access there, or set DRUPAL_TICKETS_HOME to another folder.",),
            code="files",
        )
    return None


def _from_services(error: Exception) -> ProductError | None:
    if _is(error, "httpx", ("TransportError",)):
        return _away("The Prefect server", "PREFECT_API_URL")
    server_trouble = 500
    if _is(error, "httpx", ("HTTPStatusError",)) and _status(error) >= server_trouble:
        return _away("The Prefect server", "PREFECT_API_URL")
    return None


def _status(error: Exception) -> int:
    return int(getattr(getattr(error, "response", None), "status_code", 0))


def _away(what: str, variable: str, message: str | None = None) -> Temporary:
    return Temporary(
        message or f"{what} does not answer.",
        actions=(f"Check that it runs ({variable}), then try again.",),
        code="away",
    )


def _is(error: Exception, package: str, names: tuple[str, ...]) -> bool:
    # By name, so that asking does not import what the command never needed.
    return any(
        kind.__name__ in names and kind.__module__.split(".")[0] == package for kind in type(error).__mro__
    )


def _unexpected(error: Exception) -> ProductError:
    place = _write_log(error)
    return AdminRequired(
        f"Something went wrong that nobody foresaw ({type(error).__name__}).",
        actions=(f"Hand this file to whoever looks after the installation: {place}",) if place else (),
        code="unexpected",
    )


def _write_log(error: Exception) -> Path | None:
    text = redact("".join(traceback.format_exception(error)))
    try:
        folder = _home() / "logs"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / f"cli-{datetime.now(UTC):%Y%m%d-%H%M%S}-{os.getpid()}.log"
        with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, PRIVATE), "w") as log:
            log.write(f"{redact(' '.join(sys.argv))}\n{text}")
    except OSError:  # a full disk may be the very error; the message alone has to do
        return None
    return path


def _home() -> Path:
    return Path(os.environ.get("DRUPAL_TICKETS_HOME") or Path.home() / ".drupal-tickets")
