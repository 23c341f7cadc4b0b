"""What is wrong with a spec or a ticket, said so that the person who can fix it knows what to do."""

from pydantic import BaseModel, ConfigDict, Field

from db.enums import ErrorCategory, ErrorSeverity


class Finding(BaseModel):
    """One problem, with the place it stands at and what to do about it.

    `records` count the header of the file as record 1. Findings of one cause are folded into one with all its
    records.
    """

    model_config = ConfigDict(frozen=True)

    code: str = Field(description="Stable identifier, e.g. `reference-unresolved`.")
    severity: ErrorSeverity
    message: str = Field(description="One sentence in the director's language.")
    category: ErrorCategory = ErrorCategory.USER_FIXABLE
    file: str | None = None
    records: tuple[int, ...] = ()
    column: str | None = None
    value: str | None = None
    actions: tuple[str, ...] = Field(default=(), description="What to do, the nearest candidates included.")
