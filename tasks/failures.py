"""Turning what libraries and the database raise into errors that say who can fix them."""

from db import errors as db_errors
from tasks.core.errors import AdminRequired, Cancelled, ProductError, Temporary, UserFixable

_CODES = {
    db_errors.NotFound: "not-found",
    db_errors.AlreadyRunning: "already-running",
    db_errors.InJira: "in-jira",
    db_errors.Changed: "changed-meanwhile",
}


def as_product_error(error: BaseException) -> BaseException:
    """The same error, said so that a person knows who can fix it; what nobody foresaw stays as it is."""
    match error:
        case db_errors.CancelRequested():
            return Cancelled(error.message, code="cancelled")
        case db_errors.StaleAttempt():
            return Cancelled(error.message, code="stale-attempt")
        case db_errors.RetriesUsedUp():
            return AdminRequired(error.message, code="retries-used-up")
        case db_errors.Unavailable():
            return Temporary(
                error.message,
                actions=("Wait for the database to come back, then resume the session.",),
                code="database-away",
            )
        case db_errors.DatabaseError():
            return UserFixable(error.message, code=_CODES.get(type(error), "refused"))
        case _:
            return error


def error_code(error: BaseException) -> str:
    """A stable identifier of the error."""
    return error.code if isinstance(error, ProductError) else type(error).__name__
