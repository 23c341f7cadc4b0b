"""Tickets written anew by the session's own writer, each a task of its own, under the fence of its run."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from functools import partial
from uuid import UUID

from prefect import task
from sqlalchemy.ext.asyncio import AsyncSession

from blocks.database import database_engine
from db.engine import session_scope
from db.errors import StaleAttempt
from db.models import Ticket
from db.repositories.background import TaskRepository
from tasks.artifacts import publish_table
from tasks.core.errors import UserFixable
from tasks.core.forms import Rewrite
from tasks.core.outcomes import StageOutcome, StageRun
from tasks.core.tickets.model import PlannedTicket
from tasks.core.tickets.planning import Plan
from tasks.core.tickets.written import Written
from tasks.lifecycle import require_not_cancelled
from tasks.regeneration import Regenerated, chosen_tickets, regenerate_one, said
from tasks.retrying import RETRYING
from tasks.run_state import state_of
from tasks.stage_record import actor_of
from tasks.writers import Writer
from tasks.writing import opened_writer, run_name, write_ticket
from tasks.writing_plan import OFFLINE, WritingPlan, make_writing_plan


@task(task_run_name="choose the tickets", **RETRYING)
async def choose_tickets(run: StageRun, rewrite: Rewrite) -> list[UUID]:
    """The tickets that are to be written anew: those named, a group, or all."""
    engine = await database_engine()
    chosen = await chosen_tickets(engine, run.session_id, rewrite.tickets, rewrite.group)
    if not chosen:
        raise UserFixable("There is no ticket to write anew.", code="no-tickets")
    return [ticket.id for ticket in chosen]


@task(task_run_name="estimate the cost", **RETRYING)
async def prepare_rewriting(run: StageRun, chosen: Sequence[UUID], rewrite: Rewrite) -> WritingPlan:
    """The session's writer with the instruction, and what these tickets cost."""
    engine = await database_engine()
    tickets = await chosen_tickets(engine, run.session_id, chosen)
    plans = tuple(PlannedTicket.model_validate(ticket.plan) for ticket in tickets)
    return await make_writing_plan(engine, run, Plan(plans, ()), rewrite.instruction)


async def rewrite_tickets(
    run: StageRun, chosen: Sequence[UUID], writing: WritingPlan, rewrite: Rewrite
) -> list[Regenerated]:
    """Write each ticket anew and store it at once; locked ones, and what people wrote, are left alone."""
    await require_not_cancelled(run)
    tickets = await chosen_tickets(await database_engine(), run.session_id, chosen)
    async with opened_writer(run, writing) as (writer, at_once):
        gate, wanted = asyncio.Semaphore(at_once), state_of(run.flow_run_id)

        async def rewrite_one(ticket: Ticket) -> Regenerated:
            async with gate:
                await wanted.require_wanted()
                return await _rewrite(run, ticket, writer, replace_edits=rewrite.replace_edits)

        return await asyncio.gather(*map(rewrite_one, tickets))


async def _rewrite(run: StageRun, ticket: Ticket, writer: Writer, *, replace_edits: bool) -> Regenerated:
    async def write(planned: PlannedTicket) -> Written:
        return await write_ticket(run_name(planned), partial(writer.write, planned))

    async def require_my_turn(session: AsyncSession) -> None:
        if not await TaskRepository(session).holds(run.session_id, run.flow_run_id, run.attempt or 0):
            raise StaleAttempt("Another attempt has taken over.")

    return await regenerate_one(
        await database_engine(),
        ticket,
        write,
        actor_of(run),
        replace_edits=replace_edits,
        guard=require_my_turn,
    )


@task(task_run_name="finish the writing", **RETRYING)
async def finish_rewriting(
    run: StageRun, writing: WritingPlan, results: Sequence[Regenerated], rewrite: Rewrite
) -> StageOutcome:
    """End the run's hold on the session, and say what became of each ticket."""
    async with session_scope(await database_engine()) as session:
        await TaskRepository(session).complete(
            run.session_id, run.flow_run_id, run.attempt or 0, actor=actor_of(run)
        )
    rows = [{"ticket": one.title, "result": one.result, "kept": ", ".join(one.kept)} for one in results]
    await publish_table(run, "regenerated", rows, f"Tickets of {run.site_name} written anew")
    return StageOutcome(
        session_id=run.session_id,
        stage=run.stage,
        message=said(results, unheard=bool(rewrite.instruction.strip()) and writing.provider == OFFLINE),
        counts=dict(Counter(one.result.name.lower() for one in results)),
    )
