"""The account of a session's calls: replies and money, in the database before and after every HTTP attempt."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from blocks.model_calls import Call, Purpose, Sending, Stored
from db.engine import session_scope
from db.errors import OverBudget
from db.fence import Fence
from db.repositories.recordable import storable
from db.repositories.replies import NewReply, ReplyRepository
from db.repositories.reservations import NewCall, ReservationRepository
from tasks.batches import Batches
from tasks.core.tickets.money import Tokens, ceiling_usd, cost_usd, tokens_of
from tasks.core.tickets.prompt import PROMPT_VERSION
from tasks.failures import as_product_error


@dataclass(frozen=True, slots=True)
class Wish:
    """A request that somebody wants to send."""

    call: Call
    request_hash: str
    ceiling_usd: Decimal


@dataclass(frozen=True, slots=True)
class Ending:
    """What became of a request that was sent; `None` spent is its ceiling."""

    reservation: UUID
    spent_usd: Decimal | None
    reply: NewReply | None = None


class SpendLedger:
    """What a run of one session may spend on one model, and what was spent."""

    def __init__(
        self,
        engine: AsyncEngine,
        session_id: UUID,
        fence: Fence,
        provider: str,
        model: str,
        limit_usd: Decimal,
    ) -> None:
        self.engine = engine
        self.session_id = session_id
        self.fence = fence
        self.provider = provider
        self.model = model
        self.limit_usd = limit_usd
        # Reserving waits for the reservation before it to be on disk: together, many wait no longer than one.
        self._wishes: Batches[Wish, Stored | Sending] = Batches(self._begin)
        self._endings: Batches[Ending, None] = Batches(self._end)

    async def begin(self, call: Call, request_hash: str, body_bytes: int) -> Stored | Sending:
        """The stored reply, or money set aside; raises BudgetReached, Cancelled or Temporary."""
        ceiling = ceiling_usd(self.provider, self.model, body_bytes, call.max_tokens)
        return await self._wishes.do(Wish(call, request_hash, ceiling))

    async def _begin(self, wishes: Sequence[Wish]) -> list[Stored | Sending | Exception]:
        async with self._scope() as session:
            # A stored reply to a check would prove nothing.
            wanted = {wish.request_hash for wish in wishes if wish.call.purpose is not Purpose.CHECK}
            stored = await ReplyRepository(session).find(wanted) if wanted else {}
            new = [wish for wish in wishes if wish.request_hash not in stored]
            calls = [NewCall(wish.call.purpose, wish.ceiling_usd) for wish in new]
            reserved = (
                await ReservationRepository(session).reserve(
                    self.session_id, self.fence, calls, model=self.model, limit_usd=self.limit_usd
                )
                if calls
                else []
            )
        money = iter(reserved)
        return [
            Stored(stored[wish.request_hash]) if wish.request_hash in stored else _leave(wish, next(money))
            for wish in wishes
        ]

    async def answered(self, sending: Sending, reply: Mapping[str, Any]) -> None:
        """Settle and keep the reply in one transaction: what is paid for is there, whoever dies now.

        A reply that does not say what it used counts at its ceiling.
        """
        tokens = tokens_of(self.provider, self.model, reply)
        spent = cost_usd(self.provider, self.model, tokens) if tokens else None
        kept = sending.call.purpose is not Purpose.CHECK
        new = self._new_reply(sending, reply, tokens or Tokens(0, 0)) if kept else None
        await self._endings.do(Ending(sending.reservation, spent, new))

    async def refused(self, sending: Sending) -> None:
        """It cost nothing."""
        await self._endings.do(Ending(sending.reservation, Decimal(0)))

    async def lost(self, sending: Sending) -> None:
        """It counts at its ceiling."""
        await self._endings.do(Ending(sending.reservation, None))

    async def _end(self, endings: Sequence[Ending]) -> list[Exception | None]:
        async with self._scope() as session:
            await ReservationRepository(session).settle({one.reservation: one.spent_usd for one in endings})
            await ReplyRepository(session).store(one.reply for one in endings if one.reply is not None)
        return [None] * len(endings)

    def _new_reply(self, sending: Sending, reply: Mapping[str, Any], tokens: Tokens) -> NewReply:
        return NewReply(
            request_hash=sending.request_hash,
            provider=self.provider,
            model=self.model,
            prompt_version=PROMPT_VERSION,
            purpose=sending.call.purpose,
            prompt_hash=sending.call.prompt_hash,
            prompt_bytes=sending.call.prompt_bytes,
            reply=storable(reply),
            input_tokens=tokens.given,
            output_tokens=tokens.answered,
            cache_read_tokens=tokens.read,
            cache_write_tokens=tokens.kept,
        )

    @asynccontextmanager
    async def _scope(self) -> AsyncIterator[AsyncSession]:
        """A transaction whose errors say who can fix them."""
        try:
            async with session_scope(self.engine) as session:
                yield session
        except Exception as error:
            raise as_product_error(error) from error


def _leave(wish: Wish, reserved: UUID | OverBudget) -> Sending | Exception:
    if isinstance(reserved, OverBudget):
        error = as_product_error(reserved)
        return error if isinstance(error, Exception) else reserved
    return Sending(reserved, wish.request_hash, wish.call)
