"""How far a stage is: a bar in the UI and an event, both renewed at most once a second.

The work never waits for either, and a server that does not answer costs nothing but the picture.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact

from tasks.artifacts import artifact_key
from tasks.core.markdown import escape
from tasks.core.outcomes import StageRun
from tasks.session_events import SessionEvent, tell

EVERY = 1.0
ANSWER_WITHIN = 5.0


@dataclass(frozen=True, slots=True)
class Standing:
    """How many of how many are done, and to which part of the site the last one belongs."""

    done: int
    total: int
    group: str | None = None

    @property
    def percent(self) -> float:
        """From 0 to 100; of nothing, all is done."""
        return round(100 * self.done / self.total, 1) if self.total else 100.0


class Count:
    """A standing that is counted up."""

    def __init__(self, total: int) -> None:
        self._standing = Standing(0, total)

    def advance(self, count: int = 1, group: str | None = None) -> None:
        """So many more are done."""
        standing = self._standing
        self._standing = Standing(standing.done + count, standing.total, group or standing.group)

    async def measure(self) -> Standing:
        """Where it stands."""
        return self._standing


class Clock:
    """How much time is left, if the rest goes as fast as what was done since the beginning."""

    def __init__(self, began: Standing, now: float) -> None:
        self._done, self._now = began.done, now

    def seconds_left(self, standing: Standing, now: float) -> float | None:
        """None as long as there is nothing to judge by."""
        done, spent = standing.done - self._done, now - self._now
        if standing.done >= standing.total:
            return 0.0
        return round((standing.total - standing.done) * spent / done, 1) if done > 0 else None


@asynccontextmanager
async def shown_progress(
    run: StageRun, what: str, measure: Callable[[], Awaitable[Standing]]
) -> AsyncIterator[None]:
    """Show how far `what` is for as long as the body runs, and once more at its end."""
    showing = asyncio.create_task(_show_until_cancelled(Bar(run, what, measure)))
    try:
        yield
    finally:
        showing.cancel()
        await asyncio.wait([showing])


async def _show_until_cancelled(bar: "Bar") -> None:
    try:
        while True:
            await bar.renew()
            await asyncio.sleep(EVERY)
    finally:
        await bar.renew()


class Bar:
    """One progress artifact, and the events beside it."""

    def __init__(self, run: StageRun, what: str, measure: Callable[[], Awaitable[Standing]]) -> None:
        self._run, self._what, self._measure = run, what, measure
        self._shown: Standing | None = None
        self._clock: Clock | None = None
        self._artifact: UUID | None = None

    async def renew(self) -> None:
        """Look, and show what is new; whatever goes wrong with that is left out."""
        with contextlib.suppress(Exception):
            standing = await self._measure()
            if standing != self._shown:
                self._shown = standing
                self._tell(standing)
                async with asyncio.timeout(ANSWER_WITHIN):
                    await self._draw(standing.percent)

    def _tell(self, standing: Standing) -> None:
        now = time.monotonic()
        self._clock = self._clock or Clock(standing, now)
        tell(
            self._run,
            SessionEvent.PROGRESS,
            stage=self._run.stage,
            what=self._what,
            percent=standing.percent,
            group=standing.group,
            counts={"done": standing.done, "total": standing.total},
            seconds_left=self._clock.seconds_left(standing, now),
        )

    async def _draw(self, percent: float) -> None:
        if self._artifact is None:
            self._artifact = await acreate_progress_artifact(
                percent,
                key=artifact_key(self._run, f"progress-{self._what.replace(' ', '-')}"),
                description=f"{escape(self._run.site_name)}: {self._what}",
            )
        else:
            await aupdate_progress_artifact(self._artifact, percent)
