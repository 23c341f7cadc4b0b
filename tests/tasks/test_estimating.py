"""Estimates against what a stand-in counts, with a tokenizer and lengths of answers that nobody told us."""

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import session_scope
from tasks.core.settings import SessionSettings, WritingSettings
from tasks.core.spec.load import load_spec
from tasks.core.tickets.estimate import Estimate
from tasks.core.tickets.model import PlannedTicket
from tasks.core.tickets.planning import plan_tickets
from tasks.core.tickets.prompt import instructions
from tasks.estimating import estimate_tickets
from tasks.sources import read_local
from tests.builders.spec import UWEC, lakeside
from tests.model_stand_in import ModelStandIn
from tests.tasks.writing import MODEL, Writing, make_writing, some_tickets


async def estimated(writing: Writing, tickets: list[PlannedTicket], budget: str = "5") -> Estimate:
    words = instructions("Lakeside", "A small college.", writing.style)
    async with session_scope(writing.engine) as session:
        return await estimate_tickets(session, "anthropic", MODEL, words, tickets, Decimal(budget))


@pytest.fixture(scope="module")
def uwec() -> list[PlannedTicket]:
    if not UWEC.exists():
        pytest.skip("no shared data here")
    settings = SessionSettings()
    return list(plan_tickets(load_spec(read_local([UWEC], settings.limits), settings), settings).tickets)


LONG = pytest.mark.long


@pytest.mark.parametrize(
    ("every", "behaviour"),
    [
        (3, {}),
        *(
            pytest.param(1, {"thinking": thinking, "caching": caching}, marks=LONG)
            for thinking in (0, 60, 150)
            for caching in (True, False)
        ),
        *(pytest.param(1, {"token_size": size}, marks=LONG) for size in (0.8, 1.25)),
        pytest.param(1, {"thinking": 0, "thinks_of_rows": 0.2}, marks=LONG),
    ],
    ids=str,
)
async def test_the_estimate_for_uwec_is_near_at_first_and_nearer_afterwards(
    engine: AsyncEngine,
    model_stand_in: ModelStandIn,
    uwec: list[PlannedTicket],
    every: int,
    behaviour: dict[str, Any],
) -> None:
    model_stand_in.be(**behaviour)
    uwec = uwec[::every]
    writing = await make_writing(engine, model_stand_in.url, model_stand_in.key)
    first = await estimated(writing, uwec)
    assert first.calibrated_on == 0
    await writing.write(uwec)
    counted = model_stand_in.stats.usd
    assert float(first.expected_usd) == pytest.approx(counted, rel=0.5)

    writing.style = WritingSettings(glossary={"program": "a course of study"})
    second = await estimated(writing, uwec)
    await writing.write(uwec)
    assert second.calibrated_on == len(uwec)
    assert float(second.expected_usd) == pytest.approx(model_stand_in.stats.usd - counted, rel=0.2)
    assert model_stand_in.stats.usd <= float(first.ceiling_usd + second.ceiling_usd)


@pytest.mark.parametrize(
    "behaviour",
    [
        {"thinking": 150, "thinks_of_rows": 0.5, "token_size": 1.6},
        pytest.param({"caching": False, "token_size": 0.7}, marks=LONG),
        pytest.param({"thinking": 400}, marks=LONG),
    ],
    ids=str,
)
async def test_what_one_spec_taught_holds_for_another(
    engine: AsyncEngine,
    model_stand_in: ModelStandIn,
    uwec: list[PlannedTicket],
    behaviour: dict[str, Any],
) -> None:
    model_stand_in.be(**behaviour)
    writing = await make_writing(engine, model_stand_in.url, model_stand_in.key)
    await writing.write(plan_tickets(lakeside(), SessionSettings()).tickets)
    counted = model_stand_in.stats.usd
    expected = await estimated(writing, uwec)
    await writing.write(uwec)
    assert float(expected.expected_usd) == pytest.approx(model_stand_in.stats.usd - counted, rel=0.2)


async def test_what_was_answered_before_costs_nothing(
    engine: AsyncEngine, model_stand_in: ModelStandIn
) -> None:
    writing = await make_writing(engine, model_stand_in.url, model_stand_in.key)
    await writing.write(some_tickets(3))
    again = await estimated(writing, some_tickets(4))
    assert (again.tickets, again.stored) == (4, 3)
    nothing = await estimated(writing, some_tickets(3))
    assert nothing.expected_usd == nothing.ceiling_usd == 0


async def test_no_estimate_is_above_the_budget(engine: AsyncEngine, model_stand_in: ModelStandIn) -> None:
    writing = await make_writing(engine, model_stand_in.url, model_stand_in.key)
    small = await estimated(writing, some_tickets(50), "0.001")
    assert small.expected_usd == small.ceiling_usd == Decimal("0.001")
