"""What writing a session will cost, before a cent is spent: what to expect, and what it cannot exceed."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from pydantic import Field

from tasks.core.tickets.model import Frozen
from tasks.core.tickets.money import CENT, Tokens, ceiling_usd, cost_usd
from tasks.core.tickets.prompt import MAX_TOKENS, MORE_TOKENS

AROUND = 1_500  # bytes of a body beside the prompt: the schema of the answer, names and marks
ANSWER_BYTES = 4 * MAX_TOKENS  # a repair carries the answer that it is about
MARGIN = Decimal("1.25")  # for calls that are lost, which count in full, and answers that need more room
AT_LEAST = 3  # such calls, where there are few tickets


@dataclass(frozen=True, slots=True)
class Line:
    """Tokens of a call, by the bytes of its prompt."""

    base: float
    per_byte: float = 0.0

    def at(self, size: int) -> int:
        """The tokens of a prompt of this size."""
        return max(0, round(self.base + self.per_byte * size))


@dataclass(frozen=True, slots=True)
class Calibration:
    """What replies were like; the defaults are a guess for an installation that has none yet."""

    replies: int = 0
    given: Line = Line(0.0, 0.26)
    answered: Line = Line(270.0)
    # Of the given tokens, a call; None: the instructions are read from the cache.
    read_tokens: float | None = None
    kept_tokens: float = 0.0
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
    most = _most(provider, model, [instruction_bytes + size + AROUND for size in question_bytes])
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
    given = calibration.given.at(size)
    instructed = given * instruction_bytes / size
    read = min(given, int(instructed if calibration.read_tokens is None else calibration.read_tokens))
    kept = min(given - read, int(calibration.kept_tokens))
    answered = calibration.answered.at(size)
    return cost_usd(provider, model, Tokens(given, answered, read, kept))


def _most(provider: str, model: str, bodies: Sequence[int]) -> Decimal:
    """Every ticket written and repaired at full length, and a margin for what goes wrong on the way."""
    if not bodies:
        return Decimal(0)
    once = sum(
        (
            ceiling_usd(provider, model, body, MAX_TOKENS)
            + ceiling_usd(provider, model, body + ANSWER_BYTES, MAX_TOKENS)
            for body in bodies
        ),
        Decimal(0),
    )
    dearest = ceiling_usd(provider, model, max(bodies) + ANSWER_BYTES, MORE_TOKENS)
    return max(once * MARGIN, once + AT_LEAST * dearest).quantize(CENT, ROUND_CEILING)
