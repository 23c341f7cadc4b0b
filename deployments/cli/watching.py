"""Prefect's events of one session as they happen; where its socket is refused or drops, the watcher asks instead."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

from deployments.cli.output import note
from deployments.cli.runs import POLL_SECONDS

if TYPE_CHECKING:
    from prefect.events import Event

PROGRESS = "drupal-tickets.session.progress"
# While events come, a look now and then is enough.
SILENCE_SECONDS = 10.0
AGAIN_SECONDS = 5.0


class Stream:
    """Wakes its watcher at every event, and tells of progress."""

    def __init__(self, subscribe: Callable[[], Any], tell: Callable[[str], None]) -> None:
        self._subscribe, self._tell = subscribe, tell
        self._news, self._open = asyncio.Event(), False

    async def listen(self) -> None:
        """Until cancelled: connected, or about to try again."""
        while True:
            with contextlib.suppress(
                Exception
            ):  # refused, dropped, not understood: the watcher asks meanwhile
                async with self._subscribe() as events:
                    self._opened()
                    async for event in events:
                        self._hear(event)
            self._closed()
            await asyncio.sleep(AGAIN_SECONDS)

    async def pause(self) -> None:
        """Wait for the next reason to look at the run."""
        if not self._open:
            await asyncio.sleep(POLL_SECONDS)
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), SILENCE_SECONDS)
        self._news.clear()

    def _opened(self) -> None:
        self._open = True
        note("Following Prefect's event stream.")

    def _hear(self, event: "Event") -> None:
        self._news.set()
        if event.event == PROGRESS:
            self._tell(progress_line(event.payload))

    def _closed(self) -> None:
        if self._open or not self._news.is_set():
            note("Prefect's event stream does not answer; asking every half second instead.")
        self._open = False
        self._news.set()


@asynccontextmanager
async def listening(
    session_id: UUID, run_id: UUID, tell: Callable[[str], None]
) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """The pause between two looks at a run, cut short by whatever happens to it or its session."""
    from prefect.events.clients import get_events_subscriber
    from prefect.events.filters import EventAnyResourceFilter, EventFilter

    about = [f"drupal-tickets.session.{session_id}", f"prefect.flow-run.{run_id}"]
    wanted = EventFilter(any_resource=EventAnyResourceFilter(id=about))
    stream = Stream(lambda: get_events_subscriber(filter=wanted, reconnection_attempts=0), tell)
    listener = asyncio.create_task(stream.listen())
    try:
        yield stream.pause
    finally:
        listener.cancel()
        await asyncio.wait([listener])


def progress_line(payload: dict[str, Any]) -> str:
    """What an event says of progress, for people."""
    counts, left = payload["counts"], payload.get("seconds_left")
    group = f", {payload['group']}" if payload.get("group") else ""
    rest = f", {left:.0f} s left" if left else ""
    return (
        f"{payload['what']}: {counts['done']} of {counts['total']} ({payload['percent']:.0f}%{group}{rest})"
    )
