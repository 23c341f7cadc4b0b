"""What became of writing a ticket, and of all tickets of a session."""

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from pydantic import Field

from db.enums import WrittenBy
from tasks.core.tickets.model import Frozen, Prose

MODEL = frozenset({WrittenBy.MODEL, WrittenBy.MODEL_AFTER_REPAIR})


class Fallback(StrEnum):
    """Why the offline writer wrote a ticket that a model was asked for."""

    REFUSED = "refused by the model"
    CHECKS = "did not pass the checks"
    CUT_OFF = "was cut off twice"
    REJECTED = "request was rejected"
    UNREADABLE = "reply could not be read"
    BUDGET = "budget reached"


class Written(Frozen):
    """The text of one ticket and how it came about."""

    prose: Prose
    prompt_version: str | None = None
    repairs: int = Field(default=0, description="How often the model was asked to write it again.")
    fallback: Fallback | None = None


def tally(texts: Iterable[Written]) -> dict[str, Any]:
    """First-pass rate, repairs and fallbacks of a session, as its document shows them."""
    written = list(texts)
    by = Counter(text.prose.written_by for text in written)
    asked = [text for text in written if text.prose.written_by in MODEL or text.fallback]
    first = by[WrittenBy.MODEL]
    return {
        "tickets": len(written),
        "written_by": {who.value: by[who] for who in WrittenBy if by[who]},
        "first_pass_rate": round(first / len(asked), 4) if asked else None,
        "repairs": sum(text.repairs for text in written),
        "fallbacks": dict(Counter(text.fallback.value for text in written if text.fallback)),
    }
