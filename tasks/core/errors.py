"""The exception tree: every error says who can fix it.

ProductError
├── UserFixable          exit 10: the person at the keyboard can fix it
│   ├── ValidationRequired
│   └── BudgetReached
├── AdminRequired        exit 20: permission, configuration, retries used up
├── Temporary            exit 30: a service or the database is away; the only errors that are retried
│   └── UnknownOutcome   a request may or may not have taken effect
└── Cancelled            exit 40
"""

from collections.abc import Sequence
from typing import ClassVar

from db.enums import ErrorCategory

RUN_DIED = "run-died"  # the code of the error of a run whose process or worker is gone


class ProductError(Exception):
    """Base of all errors that a person is shown: a message, and what to do."""

    category: ClassVar[ErrorCategory] = ErrorCategory.USER_FIXABLE
    exit_code: ClassVar[int] = 10
    default_code: ClassVar[str] = "error"

    def __init__(
        self,
        message: str,
        *,
        actions: Sequence[str] = (),
        code: str | None = None,
        details: dict[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.actions = tuple(actions)
        self.code = code or self.default_code
        self.details = details or {}

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.message, self.actions, self.code, self.details)


def _rebuild(
    kind: type[ProductError], message: str, actions: tuple[str, ...], code: str, details: dict[str, object]
) -> ProductError:
    return kind(message, actions=actions, code=code, details=details)


class UserFixable(ProductError):
    """The person who runs the session can fix this."""

    default_code = "user-fixable"


class ValidationRequired(UserFixable):
    """Tickets changed since they were validated; validate again."""

    default_code = "validation-required"


class BudgetReached(UserFixable):
    """What the model may cost in this session is spent or set aside."""

    default_code = "budget-reached"


class AdminRequired(ProductError):
    """An administrator has to act: permission, configuration, retries used up."""

    category = ErrorCategory.ADMIN_REQUIRED
    exit_code = 20
    default_code = "admin-required"


class Temporary(ProductError):
    """A service or the database is away; trying again later works."""

    category = ErrorCategory.TEMPORARY
    exit_code = 30
    default_code = "temporary"


class UnknownOutcome(Temporary):
    """A request was sent and nobody knows whether it took effect."""

    default_code = "unknown-outcome"


class Cancelled(ProductError):
    """The work was cancelled by a person."""

    exit_code = 40
    default_code = "cancelled"
