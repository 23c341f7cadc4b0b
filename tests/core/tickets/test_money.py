"""Prices, ceilings and estimates."""

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.core.errors import AdminRequired
from tasks.core.tickets.estimate import Calibration, Line, estimate
from tasks.core.tickets.money import Tokens, ceiling_usd, cost_usd, tokens_of

MODEL = ("anthropic", "claude-haiku-5-5")


@settings(deadline=None)
@given(st.integers(0, 300_000), st.integers(0, 8_000), st.floats(0, 1), st.floats(0, 1))
def test_no_call_costs_more_than_its_ceiling(size: int, answered: int, read: float, kept: float) -> None:
    """A token stands for at least one byte of the body; how much of it the provider caches is its own affair."""
    from_cache = int(size * read)
    tokens = Tokens(size, answered, from_cache, int((size - from_cache) * kept))
    assert cost_usd(*MODEL, tokens) <= ceiling_usd(*MODEL, size, answered)


def test_what_a_reply_used_is_read_from_it() -> None:
    usage = {
        "input_tokens": 100,
        "cache_read_input_tokens": 900,
        "cache_creation_input_tokens": 7,
        "output_tokens": 50,
    }
    reply = {"model": MODEL[1], "usage": usage}
    assert tokens_of(*MODEL, reply) == Tokens(1007, 50, 900, 7)
    assert tokens_of(*MODEL, {**reply, "model": "what a gateway calls it"}) == Tokens(1007, 50, 900, 7)
    assert tokens_of(*MODEL, {"model": MODEL[1]}) is None


def test_a_model_without_a_price_is_nothing_to_keep_a_budget_with() -> None:
    with pytest.raises(AdminRequired, match="No price"):
        cost_usd("anthropic", "claude-imaginary-9", Tokens(1, 1))


def test_amounts_are_rounded_up_to_what_the_database_keeps() -> None:
    assert cost_usd(*MODEL, Tokens(1, 0)) == Decimal("0.000001")


def of(
    sizes: list[int], budget: str = "5", calibration: Calibration | None = None
) -> tuple[Decimal, Decimal]:
    made = estimate(
        *MODEL, 4_000, sizes, budget_usd=Decimal(budget), calibration=calibration or Calibration()
    )
    return made.expected_usd, made.ceiling_usd


def test_an_estimate_lies_below_its_ceiling_and_both_within_the_budget() -> None:
    expected, ceiling = of([2_000] * 100)
    assert 0 < expected < ceiling < 5
    assert of([2_000] * 100, "0.01") == (Decimal("0.01"), Decimal("0.01"))


def test_twice_the_tickets_cost_twice_as_much() -> None:
    assert float(of([2_000] * 200)[0]) == pytest.approx(2 * float(of([2_000] * 100)[0]))


def test_nothing_to_ask_costs_nothing() -> None:
    assert of([]) == (Decimal(0), Decimal(0))


def test_experience_changes_what_is_expected_but_not_the_ceiling() -> None:
    talkative = Calibration(replies=100, answered=Line(1_500))
    assert of([2_000] * 10, calibration=talkative)[0] > 2 * of([2_000] * 10)[0]
    assert of([2_000] * 10, calibration=talkative)[1] == of([2_000] * 10)[1]


def test_an_estimate_is_fit_for_json() -> None:
    made = estimate(*MODEL, 4_000, [10], budget_usd=Decimal(5), calibration=Calibration())
    assert json.loads(made.model_dump_json())["tickets"] == 1
