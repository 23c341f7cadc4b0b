"""The account of a session's calls: replies and money, in the database before and after every HTTP attempt."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from blocks.model_calls import Call, Purpose, Sending, Stored
from db.engine import session_scope
from db.fence import Fence
from db.repositories.replies import NewReply, ReplyRepository
from db.repositories.reservations import ReservationRepository
from tasks.core.tickets.money import Tokens, ceiling_usd, cost_usd, tokens_of
from tasks.core.tickets.prompt import PROMPT_VERSION
from tasks.failures import as_product_error


@dataclass(frozen=True, slots=True)
class SpendLedger:
    """What a run of one session may spend on one model, and what was spent."""

    engine: AsyncEngine
    session_id: UUID
    fence: Fence
    provider: str
    model: str
    limit_usd: Decimal

    async def begin(self, call: Call, request_hash: str, body_bytes: int) -> Stored | Sending:
        """The stored reply, or money set aside; raises BudgetReached, Cancelled or Temporary."""
        async with self._scope() as session:
            checks = call.purpose is Purpose.CHECK  # a stored reply would prove nothing
            if not checks and (reply := await ReplyRepository(session).find(request_hash)) is not None:
                return Stored(reply)
            reservation = await ReservationRepository(session).reserve(
                self.session_id,
                self.fence,
                model=self.model,
                purpose=call.purpose,
                ceiling_usd=ceiling_usd(self.provider, self.model, body_bytes, call.max_tokens),
                limit_usd=self.limit_usd,
            )
        return Sending(reservation, request_hash, call)

    async def answered(self, sending: Sending, reply: Mapping[str, Any]) -> None:
        """Settle and keep the reply in one transaction: what is paid for is there, whoever dies now."""
        tokens = tokens_of(self.provider, dict(reply))
        if tokens is None:
            await self.lost(sending)
            return
        async with self._scope() as session:
            spent = cost_usd(self.provider, self.model, tokens)
            await ReservationRepository(session).settle(sending.reservation, spent)
            if sending.call.purpose is not Purpose.CHECK:
                await ReplyRepository(session).store(self._new_reply(sending, reply, tokens))

    async def refused(self, sending: Sending) -> None:
        """It cost nothing."""
        await self._settle(sending, Decimal(0))

    async def lost(self, sending: Sending) -> None:
        """It counts at its ceiling."""
        await self._settle(sending, None)

    async def _settle(self, sending: Sending, spent_usd: Decimal | None) -> None:
        async with self._scope() as session:
            await ReservationRepository(session).settle(sending.reservation, spent_usd)

    def _new_reply(self, sending: Sending, reply: Mapping[str, Any], tokens: Tokens) -> NewReply:
        return NewReply(
            request_hash=sending.request_hash,
            provider=self.provider,
            model=self.model,
            prompt_version=PROMPT_VERSION,
            purpose=sending.call.purpose,
            prompt_hash=sending.call.prompt_hash,
            prompt_bytes=sending.call.prompt_bytes,
            reply=reply,
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
