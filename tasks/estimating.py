"""What tickets will cost: their prompts, what was answered before, and what replies were like. Knows no Prefect."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from db.repositories.replies import Experience, ReplyRepository, Trend
from tasks.core.tickets.estimate import Calibration, Estimate, Line, estimate
from tasks.core.tickets.model import PlannedTicket
from tasks.core.tickets.prompt import question
from tasks.writers import prompt_hash, size_of

MATTERS = 20  # so many replies say more than a guess
EXPLAINS = 0.3  # a trend that explains less is taken for chance


async def estimate_tickets(
    session: AsyncSession,
    provider: str,
    model: str,
    instructions: str,
    tickets: Sequence[PlannedTicket],
    left_usd: Decimal,
) -> Estimate:
    """What these tickets cost, those aside whose prompts were answered before."""
    sizes = await asyncio.to_thread(_sizes, model, instructions, tickets)
    replies = ReplyRepository(session)
    known = await replies.known(sizes)
    return estimate(
        provider,
        model,
        size_of([instructions]),
        [size for prompt, size in sizes.items() if prompt not in known],
        stored=len(known),
        budget_usd=left_usd,
        calibration=calibrated(await replies.experience(provider, model)),
    )


def calibrated(seen: Experience) -> Calibration:
    """What the replies of this installation teach; nothing while there are few."""
    if seen.replies < MATTERS or not (seen.prompt_bytes and seen.input_tokens and seen.first_replies):
        return Calibration()
    return Calibration(
        replies=seen.replies,
        given=_line(seen.input_trend) or Line(0.0, seen.input_tokens / seen.prompt_bytes),
        answered=_line(seen.output_trend) or Line(seen.output_tokens / seen.replies),
        read_tokens=seen.cache_read_tokens / seen.replies,
        kept_tokens=seen.cache_write_tokens / seen.replies,
        calls_per_ticket=seen.replies / seen.first_replies,
    )


def _line(trend: Trend) -> Line | None:
    """The trend, where the size of a prompt says something about the tokens; else an average says more."""
    return Line(trend.base, trend.per_byte) if trend.per_byte > 0 and trend.explains > EXPLAINS else None


def _sizes(model: str, instructions: str, tickets: Sequence[PlannedTicket]) -> dict[str, int]:
    questions = (question(ticket) for ticket in tickets)
    return {prompt_hash(model, instructions, [text]): size_of([text]) for text in questions}
