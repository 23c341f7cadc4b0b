"""Turning what libraries and the database raise into errors that say who can fix them."""

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from db import errors as db_errors
from tasks.core.errors import Cancelled, ProductError, Temporary, UserFixable


def as_product_error(error: BaseException) -> BaseException:
    """The same error, said so that a person knows who can fix it; what nobody foresaw stays as it is."""
    match error:
        case db_errors.NotFound() | db_errors.Refused() | db_errors.AlreadyRunning():
            return UserFixable(str(error), code=error_code(error))
        case db_errors.StaleAttempt():
            return Cancelled("A newer run has taken over; this one stops.", code="stale-attempt")
        case OperationalError() | InterfaceError() | ConnectionError():
            return _database_away(error)
        case DBAPIError() if error.connection_invalidated:
            return _database_away(error)
        case _:
            return error


def error_code(error: BaseException) -> str:
    """A stable identifier of the error."""
    return error.code if isinstance(error, ProductError) else type(error).__name__


def _database_away(error: BaseException) -> Temporary:
    return Temporary(
        "The database does not answer.",
        actions=("Wait for it to come back, then resume the session.",),
        code="database-away",
        details={"type": type(error).__name__},
    )
