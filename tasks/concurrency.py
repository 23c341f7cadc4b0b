"""Doing several things at once without losing what was begun."""

import asyncio
import gc
from collections.abc import Awaitable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")


async def together(*jobs: Coroutine[Any, Any, Any]) -> None:
    """Do all of them at once; the first error cancels the rest, waits for them, and is raised."""
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


async def unbroken(work: Awaitable[T]) -> T:
    """Bring work to its end also when we are cancelled meanwhile; the cancellation goes on afterwards.

    For a request that is under way and the storing of its answer: an answer that nobody stored is an unknown
    outcome, which costs minutes to settle.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


@contextmanager
def only_new_garbage() -> Iterator[None]:
    """Collect no garbage among what is there already: all that Prefect imports takes a fifth of a second each time."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
