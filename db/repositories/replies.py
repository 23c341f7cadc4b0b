"""Replies of models, kept under the hash of the exact request: what has not changed is never paid for twice."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.dialects.postgresql import insert

from db.base import NOW, table_of
from db.models import ModelReply
from db.repositories.base import Repository

RECENT = 2_000  # replies that an estimate rests on


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReply:
    """A reply that was paid for, and what it was asked with."""

    request_hash: str
    provider: str
    model: str
    prompt_version: str
    purpose: str
    prompt_hash: str
    prompt_bytes: int
    reply: dict[str, Any]
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Trend:
    """How a number of tokens goes with the bytes of the prompt: the straight line, and how much of it that explains."""

    base: float
    per_byte: float
    explains: float


@dataclass(frozen=True, slots=True)
class Experience:
    """Sums over recent replies of one model, and what they depend on."""

    replies: int
    first_replies: int
    prompt_bytes: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    input_trend: Trend
    output_trend: Trend


class ReplyRepository(Repository):
    """Replies of all sessions of this installation."""

    async def find(self, request_hashes: Collection[str]) -> dict[str, dict[str, Any]]:
        """The replies to these very requests, by their hash; that they were of use is noted."""
        table = table_of(ModelReply)
        query = (
            update(table)
            .where(table.c.request_hash.in_(request_hashes))
            .values(used_at=NOW)
            .returning(table.c.request_hash, table.c.reply)
        )
        return {row.request_hash: row.reply for row in await self.session.execute(query)}

    async def store(self, replies: Iterable[NewReply]) -> None:
        """Keep replies; of two to the same request the first stays."""
        rows = [{name: getattr(reply, name) for name in NewReply.__dataclass_fields__} for reply in replies]
        if rows:
            await self.session.execute(insert(table_of(ModelReply)).on_conflict_do_nothing(), rows)

    async def known(self, prompt_hashes: Collection[str]) -> set[str]:
        """Which of these prompts were answered already."""
        query = select(ModelReply.prompt_hash).where(ModelReply.prompt_hash.in_(prompt_hashes)).distinct()
        return {found for found in await self.session.scalars(query) if found}

    async def experience(self, provider: str, model: str) -> Experience:
        """What the last replies of a model were like, those to questions about tickets."""
        recent = (
            select(ModelReply)
            .where(ModelReply.provider == provider, ModelReply.model == model, ModelReply.purpose != "check")
            .order_by(ModelReply.created_at.desc())
            .limit(RECENT)
            .subquery()
        )
        sums = [
            func.coalesce(func.sum(recent.c[name]), 0)
            for name in (
                "prompt_bytes",
                "input_tokens",
                "output_tokens",
                "cache_read_tokens",
                "cache_write_tokens",
            )
        ]
        first = func.count().filter(recent.c.purpose == "write")
        trends = [*_trend(recent.c.input_tokens, recent.c.prompt_bytes)]
        trends += _trend(recent.c.output_tokens, recent.c.prompt_bytes)
        query = select(func.count(), first, *sums, *trends).select_from(recent)
        row = [float(value or 0) for value in (await self.session.execute(query)).one()]
        replies, firsts, size, given, answered, read, kept = map(int, row[:7])
        lines = Trend(*row[7:10]), Trend(*row[10:])
        return Experience(replies, firsts, size, given, answered, read, kept, *lines)


def _trend(tokens: ColumnElement[int], size: ColumnElement[int]) -> Iterator[ColumnElement[float]]:
    """Least squares; no value where all prompts are of one size."""
    for function in (func.regr_intercept, func.regr_slope, func.regr_r2):
        yield function(tokens, size)
