"""What the Prefect UI shows of the writing: its cost before, its outcome afterwards."""

from typing import Any

from db.enums import WrittenBy
from tasks.core.tickets.estimate import Estimate
from tasks.core.tickets.planning import Plan
from tasks.core.tickets.written import Written, tally


def cost_rows(expected: Estimate) -> list[dict[str, Any]]:
    """An estimate as a table."""
    rests_on = (
        f"{expected.calibrated_on} replies" if expected.calibrated_on else "a guess, as there are no replies"
    )
    facts = {
        "model": f"{expected.model} ({expected.provider})",
        "tickets to ask for": expected.tickets - expected.stored,
        "tickets answered before": expected.stored,
        "expected, USD": f"{expected.expected_usd:.4f}",
        "at most, USD": f"{expected.ceiling_usd:.4f}",
        "the estimate rests on": rests_on,
    }
    return [{"what": what, "value": value} for what, value in facts.items()]


def outcome_rows(texts: dict[str, Written]) -> list[dict[str, Any]]:
    """The numbers of a session as a table."""
    numbers = tally(texts.values())
    rate = numbers["first_pass_rate"]
    facts = {
        "tickets": numbers["tickets"],
        "passed the checks at the first go": "" if rate is None else f"{rate:.0%}",
        "repairs asked for": numbers["repairs"],
        **{f"written by: {who}": count for who, count in numbers["written_by"].items()},
        **{f"offline because: {why}": count for why, count in numbers["fallbacks"].items()},
    }
    return [{"what": what, "value": value} for what, value in facts.items()]


def text_rows(plan: Plan, texts: dict[str, Written]) -> list[dict[str, Any]]:
    """The tickets that needed more than one go of a model."""
    return [
        {
            "ticket": text.prose.title,
            "group": ticket.entity_group,
            "written by": text.prose.written_by,
            "why": text.fallback or "repaired",
        }
        for ticket in plan.tickets
        if (text := texts[ticket.key]).fallback or text.prose.written_by is WrittenBy.MODEL_AFTER_REPAIR
    ]
