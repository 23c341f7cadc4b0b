"""Writing: an estimate first, then the text of every ticket, each a task of its own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from prefect import task

from blocks.database import database_engine
from db.fence import Fence
from tasks.artifacts import publish_table
from tasks.concurrency import only_new_garbage
from tasks.core.errors import BudgetReached
from tasks.core.outcomes import StageRun
from tasks.core.tickets.model import PlannedTicket
from tasks.core.tickets.planning import Plan
from tasks.core.tickets.prompt import ANSWER
from tasks.core.tickets.written import Written
from tasks.lifecycle import require_not_cancelled
from tasks.model_ledger import SpendLedger
from tasks.progress import Count, shown_progress
from tasks.retrying import RETRYING, TaskOptions
from tasks.run_state import state_of
from tasks.writers import ModelWriter, OfflineWriter, Writer, prompt_hash
from tasks.writing_plan import OFFLINE, WritingPlan, load_block, make_writing_plan, no_block
from tasks.writing_report import cost_rows, outcome_rows, text_rows

if TYPE_CHECKING:
    from blocks.model_client import ModelClient

# Tickets at work for every request that may be under way: the next ones stand ready when an answer comes.
AHEAD = 2
OFFLINE_AT_ONCE = 16
HELLO = "Wait for the first ticket."
# The client tries again by itself; more than one retry outside it would multiply.
WRITING: TaskOptions = {**RETRYING, "retries": 1, "retry_delay_seconds": [5]}


@task(task_run_name="estimate the cost", **RETRYING)
async def prepare_writing(run: StageRun, plan: Plan) -> WritingPlan:
    """Who writes, with which words, and what it costs: kept with the session and shown before anything is spent."""
    writing = await make_writing_plan(await database_engine(), run, plan)
    if writing.estimate is not None:
        await publish_table(run, "cost", cost_rows(writing.estimate), f"What writing {run.site_name} costs")
    return writing


async def write_tickets(run: StageRun, plan: Plan, writing: WritingPlan) -> dict[str, Written]:
    """The text of every ticket, by key."""
    await require_not_cancelled(run)
    async with opened_writer(run, writing) as (writer, at_once):
        return await write_all(run, plan, writer, at_once)


async def write_all(run: StageRun, plan: Plan, writer: Writer, at_once: int) -> dict[str, Written]:
    """Every ticket by a task of its own, named for people, so many at once.

    After the first ticket that cannot be written, what is under way ends and nothing new begins.
    """
    gate, failures = asyncio.Semaphore(at_once), list[Exception]()
    wanted = state_of(run.flow_run_id)

    async def write_one(ticket: PlannedTicket, count: Count) -> Written | None:
        async with gate:
            if failures:
                return None
            try:
                await wanted.require_wanted()
                written = await write_ticket(run_name(ticket), partial(writer.write, ticket))
            except Exception as error:
                failures.append(error)
                return None
            count.advance(group=ticket.entity_group)
            return written

    count = Count(len(plan.tickets))
    async with shown_progress(run, "tickets written", count.measure):
        with only_new_garbage():
            texts = await asyncio.gather(*(write_one(ticket, count) for ticket in plan.tickets))
    if failures:
        raise failures[0]
    return {ticket.key: text for ticket, text in zip(plan.tickets, texts, strict=True) if text is not None}


def run_name(ticket: PlannedTicket) -> str:
    """What people read in the list of task runs."""
    return f"write {ticket.name} ({ticket.subject})"[:200]


@task(task_run_name="{name}", **WRITING)
async def write_ticket(
    name: str,  # noqa: ARG001 - of the task run
    write: Callable[[], Awaitable[Written]],
) -> Written:
    """The text of one ticket, held against the checks.

    Takes no ticket: Prefect looks through all of a parameter, again and again, for results of other tasks.
    """
    return await write()


@asynccontextmanager
async def opened_writer(run: StageRun, writing: WritingPlan) -> AsyncIterator[tuple[Writer, int]]:
    """The session's writer, its provider checked, and how many tickets it takes at once."""
    if writing.provider == OFFLINE:
        yield OfflineWriter(), OFFLINE_AT_ONCE
        return
    block = await load_block(writing.provider)
    if block is None:
        raise no_block(writing.provider)
    ledger = SpendLedger(
        engine=await database_engine(),
        session_id=run.session_id,
        fence=Fence(run.flow_run_id, run.attempt or 0),
        provider=writing.provider,
        model=writing.model,
        limit_usd=writing.limit_usd,
    )
    async with await asyncio.to_thread(block.get_client, ledger, ANSWER, writing.model) as client:
        if writing.asks_a_model:
            await check_model(client, writing)
        writer = ModelWriter(client, writing.model, writing.instructions, writing.style)
        yield writer, AHEAD * block.in_flight


@task(task_run_name="check the model", **RETRYING)
async def check_model(client: "ModelClient", writing: WritingPlan) -> None:
    """Connectivity, key and model; the provider keeps the instructions in its cache from here on."""
    hello = prompt_hash(writing.model, writing.instructions, [HELLO])
    try:
        await client.check(writing.instructions, [HELLO], hello)
    except BudgetReached:
        return  # every ticket finds out for itself, and does as the session says


@task(task_run_name="publish what was written", **RETRYING)
async def publish_writing(run: StageRun, plan: Plan, texts: dict[str, Written]) -> None:
    """First-pass rate, repairs and fallbacks, and which tickets those were."""
    await publish_table(run, "writing", outcome_rows(texts), f"Who wrote the tickets of {run.site_name}")
    if rows := text_rows(plan, texts):
        await publish_table(run, "rewritten", rows, "Tickets that the model did not write at the first go")
