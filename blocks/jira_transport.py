"""Runs the calls of a synchronous Jira library in threads: bounded, paced, retried only where safe."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from enum import Enum, auto
from typing import TypeVar

import requests

from blocks.jira_errors import (
    NotSent,
    RateLimited,
    error_of_exception,
    error_of_response,
    retry_after_of,
    succeeded,
    without_login,
)
from blocks.jira_limiter import NEAR_LIMIT_PAUSE, SiteLimiter
from blocks.jira_oauth_login import UNAUTHORIZED, OAuthLogin
from tasks.core.errors import ProductError, Temporary, UnknownOutcome

T = TypeVar("T")
Send = Callable[[], requests.Response]

ATTEMPTS = 5
FIRST_PAUSE = 0.2
LEARN_EVERY = 1.0


class Effect(Enum):
    """What happens when a call is made twice."""

    READ = auto()
    REPEATABLE = auto()  # a write whose repetition changes nothing
    ONCE = auto()  # a write that must never be repeated by us


class Transport:
    """A bounded number of requests to one site at a time."""

    def __init__(self, site: str, limiter: SiteLimiter, *, in_flight: int, patience: float) -> None:
        self.site = site
        self.limiter = limiter
        # Asked right before a repeatable write leaves: raises when the caller has to stop.
        self.before_write: Callable[[], Awaitable[None]] | None = None
        # How long Jira wants to be left alone: asked once a second what others heard, told what we hear.
        self.learn_pause: Callable[[], Awaitable[float]] | None = None
        self.tell_pause: Callable[[float], Awaitable[None]] | None = None
        self._learned = float("-inf")
        # Where the login is by OAuth, its tokens end while the work goes on.
        self.login: OAuthLogin | None = None
        self._patience = patience
        self._gate = asyncio.Semaphore(in_flight)
        self._pool = ThreadPoolExecutor(in_flight, thread_name_prefix="jira")

    def close(self) -> None:
        """Let the threads go; a request that is under way ends on its own."""
        self._pool.shutdown(wait=False)

    async def call(
        self,
        what: str,
        send: Send,
        effect: Effect,
        parse: Callable[[requests.Response], T],
        *,
        writes_to: Collection[str] = (),
    ) -> T:
        """Make a call, described in words for people, again while that is safe and may help."""
        for attempt in range(1, ATTEMPTS):
            await self.ready(writes_to)
            try:
                return read(what, parse, await self._exchange(what, send, effect))
            except RateLimited:
                continue  # the limiter knows how long
            except Temporary:
                await asyncio.sleep(FIRST_PAUSE * 2 ** (attempt - 1) * random.uniform(1, 1.5))  # noqa: S311
        await self.ready(writes_to)
        return read(what, parse, await self._exchange(what, send, effect))

    async def once(
        self,
        what: str,
        send: Send,
        parse: Callable[[requests.Response], T],
        *,
        not_after: float,
        accept: Collection[int] = (),
    ) -> T:
        """Make a call that must not be repeated; nothing is sent once the time `not_after` has passed.

        Answers with a status in `accept` are parsed, not raised.
        """

        def send_in_time() -> requests.Response:
            if self.limiter.wait_seconds() > NEAR_LIMIT_PAUSE or time.time() > not_after:
                raise NotSent(f"It became too late to {what}; nothing was sent.")
            return send()

        response = await self._exchange(what, send_in_time, Effect.ONCE, accept)
        return read(what, parse, response, writes=True)

    async def ready(self, issues: Collection[str] = ()) -> None:
        """Wait until Jira wants to hear from us of these issues; when that is too long, say how long instead."""
        if self.learn_pause is not None and time.monotonic() - self._learned >= LEARN_EVERY:
            self._learned = time.monotonic()
            self.limiter.hold(await self.learn_pause())
        if (seconds := self.limiter.wait_seconds()) > self._patience:
            raise RateLimited(
                f"Jira asks for a pause of {seconds:.0f} seconds.",
                actions=(f"Resume the session in {seconds / 60:.0f} minutes.",),
                details={"retry_after": seconds},
            )
        await self.limiter.ready()
        if issues:
            await self.limiter.issue_slot(issues)
            await self.limiter.ready()

    async def _exchange(
        self, what: str, send: Send, effect: Effect, accept: Collection[int] = ()
    ) -> requests.Response:
        writes = effect is not Effect.READ
        async with self._gate:
            if effect is Effect.REPEATABLE and self.before_write is not None:
                await self.before_write()
            response = await self._logged_in(what, send, writes)
        if succeeded(response) or response.status_code in accept:
            self.limiter.passed(near_limit=response.headers.get("X-RateLimit-NearLimit") == "true")
            return response
        failure = error_of_response(what, self.site, response, writes=writes)
        await self._pause(failure, retry_after_of(response))
        raise failure

    async def _pause(self, failure: ProductError, seconds: float | None) -> None:
        """Leave Jira alone where its answer asks for that; a 503 may say for how long, as a 429 does."""
        if isinstance(failure, RateLimited):
            self.limiter.turned_away(seconds)
        elif seconds:
            self.limiter.hold(seconds)
        else:
            return
        if self.tell_pause is not None:
            await self.tell_pause(self.limiter.wait_seconds())

    async def _logged_in(self, what: str, send: Send, writes: bool) -> requests.Response:
        """Send, and once more where only the access token had ended: what was turned away had no effect."""
        if self.login is None:
            return await self._sent(what, send, writes)
        await self.login.prepare()
        response = await self._sent(what, send, writes)
        if await self.login.renewed(response):
            response = await self._sent(what, send, writes)
        if response.status_code == UNAUTHORIZED:
            raise self.login.refusal(what, self.site, response)
        return response

    async def _sent(self, what: str, send: Send, writes: bool) -> requests.Response:
        try:
            return without_login(await asyncio.get_running_loop().run_in_executor(self._pool, send))
        except requests.RequestException as error:
            # Without its cause: that one carries the request and with it the login.
            raise error_of_exception(what, self.site, error, writes=writes) from None


def read(
    what: str, parse: Callable[[requests.Response], T], response: requests.Response, *, writes: bool = False
) -> T:
    """Read an answer; one that cannot be read says nothing about what happened."""
    try:
        return parse(response)
    except (ValueError, IndexError):  # JSON and pydantic errors are both ValueErrors
        kind = UnknownOutcome if writes else Temporary
        raise kind(f"Jira's answer could not be read when asked to {what}.") from None


def nothing(_response: requests.Response) -> None:
    """The parser of answers whose body says nothing."""
