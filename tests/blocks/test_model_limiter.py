"""Pacing and the transport below the SDK."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from blocks.model_limiter import ModelLimiter
from blocks.model_transport import retry_after
from tasks.core.errors import Temporary


async def test_a_pause_holds_all_who_want_to_send() -> None:
    limiter = ModelLimiter(4, patience=5)
    limiter.turned_away(0.2)
    began = time.monotonic()

    async def send() -> float:
        async with limiter.slot():
            return time.monotonic() - began

    assert all(waited >= 0.2 for waited in await asyncio.gather(*(send() for _ in range(6))))


async def test_a_pause_that_is_too_long_is_said_instead_of_waited_for() -> None:
    limiter = ModelLimiter(1, patience=1)
    limiter.turned_away(600)
    with pytest.raises(Temporary, match="600 seconds"):
        async with limiter.slot():
            pass


async def test_without_a_word_how_long_the_guess_doubles_until_an_answer_comes() -> None:
    limiter = ModelLimiter(1, patience=100)
    for _ in range(3):
        limiter.turned_away(None)
    limiter.passed()
    async with limiter.slot():
        pass


@pytest.mark.parametrize(
    ("header", "seconds"), [(None, None), ("3", 3), ("0.5", 0.5), ("-1", 0), ("soon", None)]
)
def test_retry_after_is_a_number(header: str | None, seconds: float | None) -> None:
    assert retry_after(header) == seconds


def test_or_a_date() -> None:
    later = datetime.now(UTC) + timedelta(seconds=30)
    assert retry_after(format_datetime(later, usegmt=True)) == pytest.approx(30, abs=2)
