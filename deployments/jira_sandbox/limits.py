"""Jira's burst limits: a token bucket per endpoint and method, and two windows of writes per issue (jira.md 4)."""

import re
import time
from collections import defaultdict, deque
from datetime import UTC, datetime, timedelta
from math import ceil

from deployments.jira_sandbox.problems import JiraProblem

PER_SECOND = {"GET": 100, "POST": 100, "PUT": 50, "DELETE": 50}
WRITES_PER_ISSUE = ((20, 2.0), (100, 30.0))
IDENT = re.compile(r"/(?:\d+|[A-Za-z][A-Za-z0-9]+-\d+)(?=/|$)")
NEARLY = 0.2


class RateLimits:
    """Counts calls; a call too many raises a 429 with Jira's headers."""

    def __init__(self) -> None:
        self.buckets: dict[tuple[str, str], tuple[float, float]] = {}
        self.writes: dict[int, deque[float]] = defaultdict(deque)

    def call(self, method: str, path: str) -> dict[str, str]:
        """Take one token; answers the headers that a normal answer carries."""
        rate = PER_SECOND.get(method, 100)
        endpoint = (method, IDENT.sub("/{id}", path))
        now = time.monotonic()
        tokens, since = self.buckets.get(endpoint, (float(rate), now))
        tokens = min(float(rate), tokens + (now - since) * rate)
        if tokens < 1:
            raise too_many(1, rate, "jira-burst-based")
        self.buckets[endpoint] = (tokens - 1, now)
        return {"X-RateLimit-NearLimit": "true"} if tokens - 1 < rate * NEARLY else {}

    def write_issues(self, issue_ids: list[int]) -> None:
        """Count one write on each of the issues, or on none when one of them is at its limit."""
        now = time.monotonic()
        for issue_id in issue_ids:
            check_windows(self.writes[issue_id], now)
        for issue_id in issue_ids:
            self.writes[issue_id].append(now)


def check_windows(times: deque[float], now: float) -> None:
    """Refuse when one of the windows is full."""
    while times and now - times[0] > WRITES_PER_ISSUE[-1][1]:
        times.popleft()
    for most, seconds in WRITES_PER_ISSUE:
        if len(times) >= most and now - times[-most] < seconds:
            raise too_many(ceil(seconds - (now - times[-most])), most, "jira-per-issue-on-write")


def too_many(retry_after: int | None, limit: int, reason: str) -> JiraProblem:
    """A 429; a gateway's 429 has neither Retry-After nor reason."""
    headers = {}
    if retry_after is not None:
        reset = datetime.now(UTC) + timedelta(seconds=retry_after)
        headers = {
            "Retry-After": str(retry_after),
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": reset.strftime("%Y-%m-%dT%H:%MZ"),
            "RateLimit-Reason": reason,
        }
    return JiraProblem(429, "Rate limit exceeded.", headers=headers)
