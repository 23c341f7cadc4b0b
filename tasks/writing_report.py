"""What the Prefect UI shows of the writing: its cost before, its progress meanwhile, its outcome afterwards."""

import time
from typing import Any, Self
from uuid import UUID

from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact

from db.enums import WrittenBy
from tasks.artifacts import artifact_key
from tasks.core.outcomes import StageRun
from tasks.core.tickets.estimate import Estimate
from tasks.core.tickets.planning import Plan
from tasks.core.tickets.written import Written, tally

EVERY = 1.0  # seconds between two updates of the progress


class Progress:
    """A progress bar in the UI; written seldom, for every update is a request to the server."""

    def __init__(self, run: StageRun, total: int) -> None:
        self._run = run
        self._total = total
        self._done = 0
        self._shown_at = 0.0
        self._artifact: UUID | None = None

    async def __aenter__(self) -> Self:
        key, description = artifact_key(self._run, "progress"), f"Tickets of {self._run.site_name} written"
        self._artifact = await acreate_progress_artifact(0.0, key=key, description=description)
        self._shown_at = time.monotonic()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._show()

    async def one_more(self) -> None:
        """One ticket is written."""
        self._done += 1
        if time.monotonic() - self._shown_at >= EVERY:
            self._shown_at = time.monotonic()
            await self._show()

    async def _show(self) -> None:
        if self._artifact is not None and self._total:
            await aupdate_progress_artifact(self._artifact, 100 * self._done / self._total)


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
