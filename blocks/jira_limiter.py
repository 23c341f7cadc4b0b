"""Pacing, shared by everything in this process that speaks to one Jira site.

There is no fixed delay. A pause that Jira asked for holds all callers, and an issue is not written to more
often than Jira allows (20 times in 2 seconds, 100 times in 30).
"""

import asyncio
import random
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterable

# Writes to one issue: how many in how many seconds. A little wider than Jira's own windows.
ISSUE_WINDOWS = ((20, 2.1), (100, 30.5))
LONGEST_GUESS = 60.0
NEAR_LIMIT_PAUSE = 0.1


def _no_writes() -> deque[float]:
    return deque(maxlen=max(count for count, _ in ISSUE_WINDOWS))


class SiteLimiter:
    """Says when the next request may leave. Callers may live on several event loops and threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._not_before = 0.0
        self._refusals = 0
        self._writes: dict[str, deque[float]] = defaultdict(_no_writes)

    def turned_away(self, retry_after: float | None) -> None:
        """Jira answered 429: let nobody send for as long as it said, or for a guess that doubles."""
        with self._lock:
            now = time.monotonic()
            if now >= self._not_before:
                self._refusals += 1
            guess = min(LONGEST_GUESS, 0.5 * 2**self._refusals) * random.uniform(0.5, 1)  # noqa: S311
            pause = guess if retry_after is None else retry_after + random.uniform(0, 0.1)  # noqa: S311
            self._not_before = max(self._not_before, now + pause)

    def hold(self, seconds: float) -> None:
        """Let nobody send for so long."""
        with self._lock:
            self._not_before = max(self._not_before, time.monotonic() + seconds)

    def passed(self, *, near_limit: bool) -> None:
        """Jira answered anything else: the next guess is short again; near a limit everybody goes slower."""
        self._refusals = 0
        if near_limit:
            self.hold(NEAR_LIMIT_PAUSE)

    def wait_seconds(self) -> float:
        """How long nothing may be sent."""
        return max(0.0, self._not_before - time.monotonic())

    async def ready(self) -> None:
        """Wait until requests may leave again."""
        seconds = self.wait_seconds()
        while seconds > 0:
            await asyncio.sleep(seconds)
            seconds = self.wait_seconds()

    async def issue_slot(self, keys: Iterable[str]) -> None:
        """Wait until one more write to each of these issues is within Jira's limits."""
        at = self._reserve(tuple(keys))
        await asyncio.sleep(max(0.0, at - time.monotonic()))

    def _reserve(self, keys: tuple[str, ...]) -> float:
        with self._lock:
            at = max([time.monotonic(), *(self._earliest(key) for key in keys)])
            for key in keys:
                self._writes[key].append(at)
            return at

    def _earliest(self, key: str) -> float:
        writes = self._writes[key]
        bounds = [writes[-count] + seconds for count, seconds in ISSUE_WINDOWS if len(writes) >= count]
        return max([0.0, *bounds, *list(writes)[-1:]])


_limiters: dict[str, SiteLimiter] = {}
_limiters_lock = threading.Lock()


def limiter_of(site: str) -> SiteLimiter:
    """The one limiter of a site in this process."""
    with _limiters_lock:
        return _limiters.setdefault(site, SiteLimiter())
