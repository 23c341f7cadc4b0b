"""Who acts."""

from dataclasses import dataclass


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
