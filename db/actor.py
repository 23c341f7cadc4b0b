"""Who acts."""

from dataclasses import dataclass

from db.repositories.recordable import plain_text

LONGEST_NAME = 255  # characters


@dataclass(frozen=True, slots=True)
class Actor:
    """A person or a flow, as the audit trail remembers them.

    `claimed` is what they say they are (a form field, `requested_by`, the login name); `authenticated` is
    what some system has proven, such as the Jira account; `request_id` is the flow run that acts for them.
    """

    claimed: str
    authenticated: str | None = None
    request_id: str | None = None
    ip_address: str | None = None
    user_agent: str | None = None

    def __post_init__(self) -> None:
        """A name that the database could not hold, or that is none, is kept as far as it can be."""
        object.__setattr__(self, "claimed", plain_text(self.claimed)[:LONGEST_NAME])
