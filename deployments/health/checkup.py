"""What the doctor finds: one finding per part, each with what to do, and an exit code for all of them."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal

from tasks.core.errors import AdminRequired, ProductError

Health = Literal["ok", "not running", "wrong"]
Check = Callable[[], Awaitable[str]]
MOST_SKEW = 30  # seconds; expiries of logins and reviews are compared across machines
WORST_FIRST = (20, 10, 30)  # an administrator is needed before anybody else can do anything


class NotRunning(Exception):
    """A part that nobody has started is no illness."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One part, as it was found."""

    part: str
    health: Health
    message: str
    actions: tuple[str, ...] = ()
    exit_code: int = 0


async def examine(part: str, check: Check) -> Finding:
    """Look at one part; whatever goes wrong becomes a finding that says who can fix it."""
    from deployments.cli.boundary import explain

    try:
        return Finding(part, "ok", await check())
    except NotRunning as idle:
        return Finding(part, "not running", str(idle))
    except Exception as error:
        return _wrong(part, explain(error))


def exit_code_of(findings: Iterable[Finding]) -> int:
    """0, or the code of whoever has to act first."""
    codes = {finding.exit_code for finding in findings}
    return next((code for code in WORST_FIRST if code in codes), 0)


def require_same_time(whose: str, theirs: datetime) -> str:
    """How far another clock is off; AdminRequired when logins and expiries would go wrong."""
    skew = abs((datetime.now(UTC) - theirs).total_seconds())
    if skew > MOST_SKEW:
        raise AdminRequired(
            f"The clock of {whose} and the clock of this machine are {skew:.0f} seconds apart.",
            actions=("Let both be set by NTP, for example with: timedatectl set-ntp true",),
            code="clock",
        )
    return f"{whose} {skew:.0f} s"


def date_of(header: str) -> datetime:
    """The time of an HTTP answer."""
    return parsedate_to_datetime(header)


def _wrong(part: str, error: ProductError) -> Finding:
    return Finding(part, "wrong", error.message, tuple(error.actions), error.exit_code)
