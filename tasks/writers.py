"""The two writers behind one small protocol.

A ticket never fails because of a model: the offline text is always there.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Any, Protocol

from blocks.model_calls import Answer, Call, Purpose, Stop
from db.enums import WrittenBy
from tasks.core.errors import BudgetReached
from tasks.core.settings import OnBudget, WritingSettings
from tasks.core.tickets import offline
from tasks.core.tickets.checks import MAX_CRITERIA, check
from tasks.core.tickets.hashing import digest
from tasks.core.tickets.model import PlannedTicket, Prose
from tasks.core.tickets.prompt import (
    MAX_TOKENS,
    MORE_TOKENS,
    NOT_READABLE,
    PROMPT_VERSION,
    question,
    read_answer,
    repair,
)
from tasks.core.tickets.written import Fallback, Written

REPAIRS = 1
MARKS = (WrittenBy.MODEL, WrittenBy.MODEL_AFTER_REPAIR)
_FALLBACKS = {
    Stop.REFUSED: Fallback.REFUSED,
    Stop.CUT_OFF: Fallback.CUT_OFF,
    Stop.REJECTED: Fallback.REJECTED,
    Stop.UNREADABLE: Fallback.UNREADABLE,
}


class Writer(Protocol):
    """Writes the text of one ticket."""

    async def write(self, ticket: PlannedTicket) -> Written:
        """A text that passes the checks."""


class Model(Protocol):
    """What answers questions."""

    async def ask(self, call: Call, instructions: str, turns: Sequence[str]) -> Answer:
        """Ask, and say how the answer ended."""


class OfflineWriter:
    """Needs no model."""

    async def write(self, ticket: PlannedTicket) -> Written:
        """Title, story and criteria from the rows alone."""
        return offline_text(ticket)


class ModelWriter:
    """Asks a model, holds every answer against the checks, asks for a repair, and falls back."""

    def __init__(self, model: Model, name: str, instructions: str, style: WritingSettings) -> None:
        self.model = model
        self.name = name
        self.instructions = instructions
        self.style = style

    async def write(self, ticket: PlannedTicket) -> Written:
        """The model's text where it passes; the offline one after a refusal, or where there is no money left."""
        try:
            return await self._ask(ticket)
        except BudgetReached:
            if self.style.on_budget is OnBudget.STOP:
                raise
            return offline_text(ticket, Fallback.BUDGET)

    async def _ask(self, ticket: PlannedTicket) -> Written:
        turns = [question(ticket)]
        for repairs in range(REPAIRS + 1):
            answer = await self._answer(Purpose.REPAIR if repairs else Purpose.WRITE, turns)
            if answer.stop is Stop.TOO_LONG and not repairs:
                return await self._in_halves(ticket)
            if answer.stop is not Stop.DONE:
                return offline_text(ticket, _FALLBACKS.get(answer.stop, Fallback.REJECTED), repairs)
            prose, broken = self._judge(ticket, answer.text)
            if prose is not None and not broken:
                return _by_model(prose, repairs)
            turns += map(_sendable, (answer.text or "{}", repair(broken)))
        return offline_text(ticket, Fallback.CHECKS, REPAIRS)

    async def _answer(self, purpose: Purpose, turns: Sequence[str]) -> Answer:
        """An answer; one that was cut off is asked for once more, with room."""
        answer = await self._call(purpose, turns, MAX_TOKENS)
        if answer.stop is Stop.CUT_OFF:
            return await self._call(Purpose.MORE_ROOM, turns, MORE_TOKENS)
        return answer

    async def _call(self, purpose: Purpose, turns: Sequence[str], max_tokens: int) -> Answer:
        size = size_of([self.instructions, *turns])
        call = Call(purpose, prompt_hash(self.name, self.instructions, turns), size, max_tokens)
        return await self.model.ask(call, self.instructions, turns)

    def _judge(self, ticket: PlannedTicket, text: str) -> tuple[Prose | None, list[str]]:
        prose = read_answer(text)
        if prose is None:
            return None, [NOT_READABLE]
        return prose, check(ticket, prose, self.style.language)

    async def _in_halves(self, ticket: PlannedTicket) -> Written:
        """A ticket that is too much for the model: each half of its rows by itself, then put together and judged."""
        middle = len(ticket.rows) // 2
        parts = [
            await self._part(ticket, rows) for rows in (ticket.rows[:middle], ticket.rows[middle:]) if rows
        ]
        if len(parts) < 2 or None in parts:  # noqa: PLR2004
            return offline_text(ticket, Fallback.REJECTED)
        first, second = (part for part in parts if part is not None)
        each = MAX_CRITERIA // 2
        criteria = dict.fromkeys((*first.criteria[:each], *second.criteria[:each]))
        prose = first.model_copy(update={"criteria": tuple(criteria)})
        if check(ticket, prose, self.style.language):
            return offline_text(ticket, Fallback.CHECKS)
        return _by_model(prose, 0)

    async def _part(self, ticket: PlannedTicket, rows: Sequence[dict[str, Any]]) -> Prose | None:
        # What is too long even by half is asked for by its first rows; the checks still see all of them.
        answer = await self._answer(Purpose.WRITE, [question(ticket, rows)])
        if answer.stop is Stop.TOO_LONG and len(rows) > 1:
            return await self._part(ticket, rows[: len(rows) // 2])
        return read_answer(answer.text) if answer.stop is Stop.DONE else None


def offline_text(ticket: PlannedTicket, fallback: Fallback | None = None, repairs: int = 0) -> Written:
    """The offline writer's text, held against the checks like any other."""
    prose = offline.write(ticket)
    if broken := check(ticket, prose):
        raise RuntimeError(f"The offline writer broke its own rules on {ticket.key}: {broken}")
    if fallback not in (None, Fallback.BUDGET):
        prose = prose.model_copy(update={"written_by": WrittenBy.OFFLINE_AFTER_REFUSAL})
    return Written(prose=prose, fallback=fallback, repairs=repairs)


def prompt_hash(model: str, instructions: str, turns: Sequence[str]) -> str:
    """What an estimate knows a prompt by: the same prompt makes the same request."""
    common = hashlib.sha256(instructions.encode()).hexdigest()
    return digest([model, common, *turns])


def size_of(texts: Sequence[str]) -> int:
    """The bytes of texts as a request carries them: as JSON."""
    return sum(len(json.dumps(text, ensure_ascii=False).encode()) for text in texts)


def _sendable(text: str) -> str:
    """The text without lone surrogates, which no request can carry."""
    return text.encode(errors="replace").decode()


def _by_model(prose: Prose, repairs: int) -> Written:
    mark = MARKS[min(repairs, 1)]
    return Written(
        prose=prose.model_copy(update={"written_by": mark}), prompt_version=PROMPT_VERSION, repairs=repairs
    )
