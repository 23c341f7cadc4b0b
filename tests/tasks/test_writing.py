"""The model writer against a provider that is honest, and one that is not."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from db.enums import WrittenBy
from tasks.core.tickets.checks import check
from tests.model_stand_in import ModelStandIn
from tests.tasks.writing import make_writing, some_tickets


async def test_an_honest_model_writes_every_ticket(engine: AsyncEngine, model_stand_in: ModelStandIn) -> None:
    writing = await make_writing(engine, model_stand_in.url, model_stand_in.key)
    tickets = some_tickets(20)
    texts = await writing.write(tickets)
    assert {text.prose.written_by for text in texts} == {WrittenBy.MODEL}
    assert all(not check(ticket, text.prose) for ticket, text in zip(tickets, texts, strict=True))
    assert model_stand_in.stats.answered == 20
    assert await writing.spent() == pytest.approx(model_stand_in.stats.usd, abs=20e-6)
