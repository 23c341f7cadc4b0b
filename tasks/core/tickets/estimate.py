"""What writing a session will cost, before a cent is spent: what to expect, and what it cannot exceed."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from pydantic import Field

from tasks.core.tickets.model import Frozen
from tasks.core.tickets.money import CENT, Tokens, ceiling_usd, cost_usd
from tasks.core.tickets.prompt import MAX_TOKENS, MORE_TOKENS

# A body is more than its prompt: JSON around it, quotes escaped, the schema of the answer.
BODY_PER_PROMPT, BODY_AROUND = 2, 2_000
LOST_ONCE = 2  # the ceiling has room for every call to be lost once: a call without an answer counts in full


@dataclass(frozen=True, slots=True)
class Calibration:
    """What replies were like; the defaults are a guess for an installation that has none yet."""

    replies: int = 0
    tokens_per_byte: float = 0.26
    answer_tokens: float = 270.0
    # Shares of the given tokens; None: the instructions are read from the cache.
    read_share: float | None = None
    kept_share: float = 0.0
    calls_per_ticket: float = 1.05


class Estimate(Frozen):
    """What a session is expected to cost."""

    provider: str
    model: str
    tickets: int
    stored: int = Field(description="Tickets whose answer is stored: they cost nothing.")
    expected_usd: Decimal
    ceiling_usd: Decimal = Field(description="No call is sent that could bring the cost above this.")
    calibrated_on: int = Field(description="How many replies of this installation the estimate rests on.")


def estimate(
    provider: str,
    model: str,
    instruction_bytes: int,
    question_bytes: Sequence[int],
    *,
    stored: int = 0,
    budget_usd: Decimal,
    calibration: Calibration,
) -> Estimate:
    """The cost of asking these questions under one set of instructions."""
    costs = [_expected(provider, model, instruction_bytes, size, calibration) for size in question_bytes]
    expected = sum(costs, Decimal(0)) * Decimal(str(calibration.calls_per_ticket))
    most = sum((_most(provider, model, instruction_bytes + size) for size in question_bytes), Decimal(0))
    if question_bytes:
        most += LOST_ONCE * ceiling_usd(provider, model, _body(instruction_bytes), 1)
    return Estimate(
        provider=provider,
        model=model,
        tickets=len(question_bytes) + stored,
        stored=stored,
        expected_usd=min(expected.quantize(CENT), budget_usd),
        ceiling_usd=min(most, budget_usd),
        calibrated_on=calibration.replies,
    )


def _expected(
    provider: str, model: str, instruction_bytes: int, question_bytes: int, calibration: Calibration
) -> Decimal:
    size = instruction_bytes + question_bytes
    given = round(size * calibration.tokens_per_byte)
    share = instruction_bytes / size if calibration.read_share is None else calibration.read_share
    read, kept = int(given * share), int(given * calibration.kept_share)
    return cost_usd(
        provider, model, Tokens(given, round(calibration.answer_tokens), read, min(kept, given - read))
    )


def _most(provider: str, model: str, prompt_bytes: int) -> Decimal:
    """A first answer, one cut off and asked again with more room, and a repair that carries the answer with it."""
    body = _body(prompt_bytes)
    once = ceiling_usd(provider, model, body, MAX_TOKENS) + ceiling_usd(provider, model, body, MORE_TOKENS)
    answer_bytes = 4 * MORE_TOKENS
    return LOST_ONCE * (once + ceiling_usd(provider, model, body + answer_bytes, MORE_TOKENS))


def _body(prompt_bytes: int) -> int:
    return BODY_PER_PROMPT * prompt_bytes + BODY_AROUND
