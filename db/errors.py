"""What the database refuses or cannot do. Each carries a plain message for people.

DatabaseError
├── NotFound          there is no such row, or it is another session's
├── AlreadyRunning    another run holds the session
├── StaleAttempt      a newer attempt has taken over; the caller's work no longer counts
├── Refused           the change is not allowed as things stand
│   ├── RetriesUsedUp    an administrator has to reset them
│   ├── OverBudget       what the model may cost is spent or set aside
│   ├── CancelRequested  a person asked for the work to stop
│   ├── InJira           the ticket is in Jira, or may be
│   ├── NotValidated     the ticket changed since it was validated
│   └── Changed          somebody else changed it since it was read
├── Unavailable       the database is away, or gave up the transaction; trying again later works
└── Misconfigured     the database answers, but not to this login or not under this name
"""


class DatabaseError(Exception):
    """Base of the errors of `db`."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NotFound(DatabaseError):
    """There is no such row, or it belongs to another session."""


class AlreadyRunning(DatabaseError):
    """Another run holds the session."""


class StaleAttempt(DatabaseError):
    """A newer attempt has taken over; what the caller did no longer counts."""


class Refused(DatabaseError):
    """The change is not allowed as things stand."""


class RetriesUsedUp(Refused):
    """Too many runs in a row failed without progress; an administrator resets the count."""


class OverBudget(Refused):
    """What the model may cost in this session is spent or set aside."""


class CancelRequested(Refused):
    """A person asked for the work to stop."""


class InJira(Refused):
    """The ticket is in Jira, or may be."""


class NotValidated(Refused):
    """The ticket does not stand as it was validated."""


class Changed(Refused):
    """Somebody else changed it since it was read; read it again."""


class Unavailable(DatabaseError):
    """The database is away or gave up the transaction; trying again later works."""


class Misconfigured(DatabaseError):
    """The database answers, but not to this login or not under this name; an administrator has to look."""
