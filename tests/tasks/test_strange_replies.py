"""The model writer behind a gateway that sends what no documentation promises: the run ends, and nothing is lost."""

import contextlib
import tracemalloc
from collections.abc import Iterable

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from db.enums import WrittenBy
from tasks.core.errors import Temporary
from tasks.core.tickets.checks import check
from tasks.core.tickets.model import PlannedTicket
from tasks.core.tickets.written import Written
from tests.model_stand_in import ModelStandIn
from tests.strange_replies import NO_REPLIES, ODDLY_SENT, STRANGE
from tests.tasks.writing import Writing, make_writing, some_tickets

# Those that once ended a run, stayed for ever, or filled the memory; `make test-long` sends all.
TELLING = {
    "an error", "content that is a text", "deeply nested",
    "content of numbers", "text of a million", "stop that is a list",
    "usage of infinity", "usage negative", "usage beyond the column", "infinity beside it", "two texts",
}  # fmt: skip
MUCH = 50 * 2**20  # bytes


def some(names: Iterable[str]) -> list[object]:
    """All of them, those that tell most in the short form."""
    return [pytest.param(name, marks=() if name in TELLING else pytest.mark.long) for name in names]


@pytest.fixture
async def writing(engine: AsyncEngine, model_stand_in: ModelStandIn) -> Writing:
    writing = await make_writing(engine, model_stand_in.url, model_stand_in.key)
    writing.limits = {"request_seconds": 0.5, "deadline_seconds": 0.1}
    return writing


async def assert_booked(writing: Writing, model_stand_in: ModelStandIn) -> None:
    assert await writing.open_reservations() == 0
    assert await writing.spent() >= model_stand_in.stats.usd


def assert_passes(ticket: PlannedTicket, texts: list[Written]) -> Written:
    (text,) = texts
    assert check(ticket, text.prose) == []
    return text


@pytest.mark.parametrize("reply", some(NO_REPLIES))
async def test_what_is_no_reply_is_not_kept(
    writing: Writing, model_stand_in: ModelStandIn, reply: str, caplog: pytest.LogCaptureFixture
) -> None:
    model_stand_in.be(faults={reply: 1.0})
    (ticket,) = some_tickets(1)
    with contextlib.suppress(Temporary):
        assert_passes(ticket, await writing.write([ticket]))
    assert model_stand_in.key not in caplog.text
    await assert_booked(writing, model_stand_in)
    model_stand_in.be(reset=False, faults={})
    text = assert_passes(ticket, await writing.write([ticket], await writing.claim("run-1")))
    assert text.prose.written_by is WrittenBy.MODEL


@pytest.mark.parametrize("reply", ["a bomb", "a flood"])
async def test_no_reply_fills_the_memory(writing: Writing, model_stand_in: ModelStandIn, reply: str) -> None:
    await writing.write(some_tickets(1))  # loads what is loaded once
    model_stand_in.be(faults={reply: 1.0})
    tracemalloc.start()
    with pytest.raises(Temporary):
        await writing.write(some_tickets(2), await writing.claim("run-1"))
    assert tracemalloc.get_traced_memory()[1] < MUCH
    tracemalloc.stop()


@pytest.mark.parametrize("reply", some(STRANGE))
async def test_a_reply_of_a_kind_that_nobody_asked_for_ends_in_a_ticket(
    writing: Writing, model_stand_in: ModelStandIn, reply: str
) -> None:
    model_stand_in.be(faults={reply: 1.0})
    (ticket,) = some_tickets(1)
    assert_passes(ticket, await writing.write([ticket]))
    await assert_booked(writing, model_stand_in)
    assert_passes(ticket, await writing.write([ticket], await writing.claim("run-1")))


@pytest.mark.filterwarnings("ignore:Failed to extract usage")  # it counts at its ceiling then
@pytest.mark.parametrize("reply", some(ODDLY_SENT))
async def test_a_good_text_stands_however_it_is_sent(
    writing: Writing, model_stand_in: ModelStandIn, reply: str
) -> None:
    model_stand_in.be(faults={reply: 1.0})
    (ticket,) = some_tickets(1)
    text = assert_passes(ticket, await writing.write([ticket]))
    assert text.prose.written_by is WrittenBy.MODEL
    await assert_booked(writing, model_stand_in)
