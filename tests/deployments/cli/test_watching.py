"""Watching by events: woken at once, told of progress, and asking by itself whenever there is no stream."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from deployments.cli import watching
from deployments.cli.runs import POLL_SECONDS
from deployments.cli.watching import PROGRESS, Stream, progress_line

PAYLOAD = {
    "what": "tickets written",
    "percent": 42.2,
    "group": "Views",
    "counts": {"done": 57, "total": 135},
    "seconds_left": 11.6,
}


class Socket:
    """A subscription that refuses, or sends what the test puts in."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.refuses = refuses
        self.events: asyncio.Queue[Any] = asyncio.Queue()

    @asynccontextmanager
    async def subscribe(self) -> AsyncIterator[AsyncIterator[Any]]:
        if self.refuses:
            raise ConnectionRefusedError
        yield self.received()

    async def received(self) -> AsyncIterator[Any]:
        while (event := await self.events.get()) is not None:
            yield event


@asynccontextmanager
async def watching_by(socket: Socket) -> AsyncIterator[tuple[Stream, list[str]]]:
    told: list[str] = []
    stream = Stream(socket.subscribe, told.append)
    listener = asyncio.create_task(stream.listen())
    await asyncio.sleep(0.01)
    yield stream, told
    listener.cancel()
    await asyncio.wait([listener])


async def seconds_of(pausing: Any) -> float:
    began = time.monotonic()
    await pausing
    return time.monotonic() - began


async def test_an_event_ends_the_pause_at_once() -> None:
    async with watching_by(socket := Socket()) as (stream, _):
        socket.events.put_nowait(SimpleNamespace(event="prefect.flow-run.Completed", payload={}))
        assert await seconds_of(stream.pause()) < POLL_SECONDS


async def test_progress_is_told_as_it_comes() -> None:
    async with watching_by(socket := Socket()) as (stream, told):
        socket.events.put_nowait(SimpleNamespace(event=PROGRESS, payload=PAYLOAD))
        await stream.pause()
    assert told == [progress_line(PAYLOAD)]


async def test_a_refused_socket_leaves_the_watcher_to_ask(capsys: pytest.CaptureFixture[str]) -> None:
    async with watching_by(Socket(refuses=True)) as (stream, _):
        await stream.pause()
        assert POLL_SECONDS <= await seconds_of(stream.pause()) < 2 * POLL_SECONDS
    assert capsys.readouterr().err.count("asking every half second") == 1


async def test_a_dropped_socket_too_and_it_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(watching, "AGAIN_SECONDS", 0.05)
    async with watching_by(socket := Socket()) as (stream, _):
        socket.events.put_nowait(None)
        await stream.pause()
        await asyncio.sleep(0.2)
        socket.events.put_nowait(SimpleNamespace(event="prefect.flow-run.Completed", payload={}))
        assert await seconds_of(stream.pause()) < POLL_SECONDS
    assert capsys.readouterr().err.count("Following") == 2


def test_what_people_read() -> None:
    assert progress_line(PAYLOAD) == "tickets written: 57 of 135 (42%, Views, 12 s left)"


def test_at_the_beginning_nobody_knows_how_long_it_takes() -> None:
    assert "left" not in progress_line({**PAYLOAD, "seconds_left": None, "group": None})
