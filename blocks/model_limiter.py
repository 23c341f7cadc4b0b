"""Pacing, shared by all calls of one client: so many at a time, and none while the provider asks for a pause."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tasks.core.errors import Temporary

LONGEST_GUESS = 30.0


class ModelLimiter:
    """Says when the next request may leave."""

    def __init__(self, in_flight: int, patience: float) -> None:
        self._gate = asyncio.Semaphore(in_flight)
        self._patience = patience
        self._not_before = 0.0
        self._refusals = 0

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Hold one of the slots; a pause that begins while waiting is waited for as well."""
        async with self._gate:
            while (seconds := self._not_before - time.monotonic()) > 0:
                if seconds > self._patience:
                    raise Temporary(
                        f"The model's provider asks for a pause of {seconds:.0f} seconds.",
                        actions=(f"Resume the session in {max(1, round(seconds / 60))} minutes.",),
                        code="model-pause",
                        details={"retry_after": seconds},
                    )
                await asyncio.sleep(seconds)
            yield

    def turned_away(self, retry_after: float | None) -> None:
        """The provider wants to hear nothing: as long as it said, or for a guess that doubles."""
        now = time.monotonic()
        if now >= self._not_before:  # those that were in flight say the same again
            self._refusals += 1
        guess = min(LONGEST_GUESS, 0.25 * 2.0**self._refusals) * random.uniform(0.5, 1)  # noqa: S311
        pause = guess if retry_after is None else retry_after + random.uniform(0, 0.1)  # noqa: S311
        self._not_before = max(self._not_before, now + pause)

    def passed(self) -> None:
        """The provider answered: the next guess is short again."""
        self._refusals = 0
