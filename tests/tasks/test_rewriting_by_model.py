"""Tickets written anew by a model with an instruction: what it is told, what it costs, and what stays a person's."""

from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import session_scope
from db.enums import SessionStage, TaskType, WrittenBy
from db.fence import Fence
from db.repositories.background import TaskRepository
from db.repositories.progress import ProgressRepository
from db.repositories.writing import WritingRepository
from tasks import review
from tasks.core.outcomes import StageRun
from tasks.core.tickets.model import PlannedTicket
from tasks.core.tickets.planning import Plan
from tasks.core.tickets.prompt import ANSWER
from tasks.model_ledger import SpendLedger
from tasks.regeneration import Regenerated, Result, chosen_tickets, regenerate_one
from tasks.writers import ModelWriter
from tasks.writing_plan import WritingPlan, make_writing_plan
from tests.builders.database import DIRECTOR, FLOW
from tests.builders.reviewing import reviewable
from tests.model_stand_in import ModelStandIn
from tests.tasks.writing import MODEL

HOURS = "Speak of the opening hours."


class Again:
    """A session that a model writes, at review."""

    def __init__(self, engine: AsyncEngine, session_id: UUID, stand_in: ModelStandIn) -> None:
        self.engine, self.session_id, self.stand_in = engine, session_id, stand_in
        self.runs = 0

    async def regenerate(self, instruction: str) -> tuple[WritingPlan, list[Regenerated]]:
        """As the flow does it, Prefect aside."""
        from blocks.anthropic_client import open_client

        run = await self._claim()
        tickets = await chosen_tickets(self.engine, self.session_id)
        plan = Plan(tuple(PlannedTicket.model_validate(ticket.plan) for ticket in tickets), ())
        writing = await make_writing_plan(self.engine, run, plan, instruction)
        fence = Fence(run.flow_run_id, run.attempt or 0)
        ledger = SpendLedger(self.engine, self.session_id, fence, "anthropic", MODEL, writing.limit_usd)
        async with open_client(self.stand_in.key, self.stand_in.url, MODEL, ledger, ANSWER) as client:
            writer = ModelWriter(client, MODEL, writing.instructions, writing.style)
            done = [await regenerate_one(self.engine, one, writer.write, DIRECTOR) for one in tickets]
        async with session_scope(self.engine) as session:
            tasks = TaskRepository(session)
            await tasks.complete(self.session_id, run.flow_run_id, run.attempt or 0, actor=FLOW)
        return writing, done

    async def _claim(self) -> StageRun:
        self.runs += 1
        name = f"run-{self.runs}"
        async with session_scope(self.engine) as session:
            attempt = await TaskRepository(session).claim(
                self.session_id, TaskType.PROCESSING, name, actor=FLOW
            )
        return StageRun(
            session_id=self.session_id,
            site_name="Lakeside",
            stage=SessionStage.REVIEW,
            requested_by="Dana",
            flow_run_id=name,
            attempt=attempt,
        )

    async def spent(self) -> float:
        async with session_scope(self.engine) as session:
            return float(await ProgressRepository(session).spent_usd(self.session_id))


@pytest.fixture
async def again(engine: AsyncEngine, model_stand_in: ModelStandIn) -> Again:
    session_id = await reviewable(engine)
    async with session_scope(engine) as session:
        await WritingRepository(session).fix_writer(session_id, "anthropic", MODEL, actor=FLOW)
    return Again(engine, session_id, model_stand_in)


async def test_the_instruction_is_told_and_its_cost_is_kept_within_the_estimate(again: Again) -> None:
    writing, done = await again.regenerate(HOURS)
    assert {one.result for one in done} == {Result.REWRITTEN}
    assert HOURS in again.stand_in.stats.last_body
    assert writing.estimate is not None
    assert again.stand_in.stats.usd <= await again.spent() <= float(writing.estimate.ceiling_usd)
    assert {ticket.written_by for ticket in await chosen_tickets(again.engine, again.session_id)} == {
        WrittenBy.MODEL
    }


async def test_the_same_instruction_costs_nothing_and_another_one_is_a_change(again: Again) -> None:
    await again.regenerate(HOURS)
    calls, spent = again.stand_in.stats.calls, await again.spent()
    writing, done = await again.regenerate(HOURS)
    assert writing.estimate is not None
    assert writing.estimate.ceiling_usd == 0
    assert {one.result for one in done} == {Result.UNCHANGED}
    assert (again.stand_in.stats.calls, await again.spent()) == (calls, spent)
    await again.regenerate("Speak of something else.")
    assert again.stand_in.stats.calls == 2 * calls


async def test_what_a_person_wrote_stays(again: Again) -> None:
    first, *_ = await chosen_tickets(again.engine, again.session_id)
    await review.edit_ticket(again.engine, again.session_id, first.id, {"title": "My own title"}, DIRECTOR)
    _, (done, *_) = await again.regenerate(HOURS)
    now, *_ = await chosen_tickets(again.engine, again.session_id)
    assert (done.kept, now.title) == (("title",), "My own title")
    assert now.story != first.story


@pytest.mark.parametrize("fault", ["refuse", "invent"])
async def test_a_model_that_has_no_text_takes_none_away(again: Again, fault: str) -> None:
    await again.regenerate(HOURS)
    before = [ticket.story for ticket in await chosen_tickets(again.engine, again.session_id)]
    again.stand_in.be(faults={fault: 1.0})
    _, done = await again.regenerate("Speak of something else.")
    assert {one.result for one in done} == {Result.NO_TEXT}
    assert [ticket.story for ticket in await chosen_tickets(again.engine, again.session_id)] == before
