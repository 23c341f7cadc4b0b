"""Turning what the database refuses into errors that say who can fix them."""

from db import errors as db_errors
from tasks.core.errors import (
    AdminRequired,
    BudgetReached,
    Cancelled,
    ProductError,
    Temporary,
    UserFixable,
    ValidationRequired,
)

# The first kind that fits decides.
_MEANINGS: tuple[tuple[type[db_errors.DatabaseError], type[ProductError], str, tuple[str, ...]], ...] = (
    (db_errors.CancelRequested, Cancelled, "cancelled", ()),
    (db_errors.StaleAttempt, Cancelled, "stale-attempt", ()),
    (
        db_errors.NotValidated,
        ValidationRequired,
        "validation-required",
        ("Validate the tickets again: drupal-tickets validate SESSION",),
    ),
    (
        db_errors.OverBudget,
        BudgetReached,
        "budget-reached",
        (
            "Give the session a larger budget: drupal-tickets session set SESSION --budget USD",
            "Or have the rest written offline: drupal-tickets session set SESSION --on-budget offline",
            "Then go on: drupal-tickets session resume SESSION",
        ),
    ),
    (
        db_errors.RetriesUsedUp,
        AdminRequired,
        "retries-used-up",
        ("Remove the cause, then: drupal-tickets session resume SESSION --reset-retries",),
    ),
    (
        db_errors.Unavailable,
        Temporary,
        "database-away",
        ("Wait for the database to come back, then resume the session.",),
    ),
    (
        db_errors.Misconfigured,
        AdminRequired,
        "database-misconfigured",
        ("Check DATABASE_URL: the name of the database, the login and its password.",),
    ),
    (db_errors.NotFound, UserFixable, "not-found", ()),
    (db_errors.AlreadyRunning, UserFixable, "already-running", ()),
    (db_errors.InJira, UserFixable, "in-jira", ()),
    (db_errors.Changed, UserFixable, "changed-meanwhile", ()),
    (db_errors.DatabaseError, UserFixable, "refused", ()),
)


def as_product_error(error: BaseException) -> BaseException:
    """The same error, said so that a person knows who can fix it; what nobody foresaw stays as it is."""
    for kind, meaning, code, actions in _MEANINGS:
        if isinstance(error, kind):
            return meaning(error.message, code=code, actions=actions)
    return error


def error_code(error: BaseException) -> str:
    """A stable identifier of the error."""
    return error.code if isinstance(error, ProductError) else type(error).__name__
