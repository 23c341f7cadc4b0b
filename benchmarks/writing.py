"""Writing against a model that takes its time: `python -m benchmarks.writing`.

The local stack is up before the clock starts, and so are the imports. Measured in one flow run: the fan-out of one
Prefect task per ticket, every call with its reservation and its stored reply. Beside it, in the same run, a bare
asyncio script that sends the same calls and keeps nothing. The ideal is the latency alone: ceil(tickets / in flight)
times over. A second part writes ten times as many tickets and looks at time and memory.
"""

import asyncio
import math
import os
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any

import httpx2

from tests.model_stand_in import ModelStandIn

RUNS = ((300, 16, 0.8), (300, 64, 0.1))


def ideal(count: int, in_flight: int, latency: float) -> float:
    """Nothing but waiting."""
    return math.ceil(count / in_flight) * latency


async def bare(stand_in: ModelStandIn, bodies: Sequence[bytes], in_flight: int) -> float:
    """The same calls from a script that does nothing else."""
    gate = asyncio.Semaphore(in_flight)
    headers = {
        "x-api-key": stand_in.key,
        "anthropic-version": "2023-06-01",
        "content-type": "application/json",
    }
    limits = httpx2.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
    async with httpx2.AsyncClient(limits=limits, timeout=60) as client:

        async def one(body: bytes) -> None:
            async with gate:
                (await client.post(f"{stand_in.url}/v1/messages", content=body, headers=headers)).json()

        began = time.perf_counter()
        await asyncio.gather(*map(one, bodies))
        return time.perf_counter() - began


async def ours(count: int, in_flight: int, voice: str) -> tuple[float, float]:
    """Seconds for the fan-out, and with estimate and check before it; a session of its own."""
    from blocks.anthropic import AnthropicWriter
    from blocks.database import database_engine
    from db.engine import session_scope
    from db.enums import SessionStage, TaskType
    from db.repositories.background import TaskRepository
    from tasks.core.outcomes import StageRun
    from tasks.core.settings import SessionSettings, WritingSettings
    from tasks.core.tickets.planning import Plan
    from tasks.writing import opened_writer, prepare_writing, write_all
    from tests.builders.database import FLOW, make_session, move_to
    from tests.tasks.writing import some_tickets

    block: AnthropicWriter = await AnthropicWriter.aload("anthropic")
    await block.model_copy(update={"in_flight": in_flight}).asave("anthropic", overwrite=True)
    engine = await database_engine()
    settings = SessionSettings(writing=WritingSettings(voice=voice)).model_dump(mode="json")
    session_id = await make_session(engine, settings=settings)
    await move_to(engine, session_id, SessionStage.PROCESSING)
    async with session_scope(engine) as session:
        attempt = await TaskRepository(session).claim(session_id, TaskType.PROCESSING, voice, actor=FLOW)
    plan = Plan(tickets=tuple(some_tickets(count)), held=(), findings=())
    run = StageRun(
        session_id=session_id, site_name="Benchmark", stage=SessionStage.PROCESSING, requested_by="benchmark",
        flow_run_id=voice, attempt=attempt,
    )  # fmt: skip

    from prefect import flow

    @flow(name="benchmark-writing")
    async def measured() -> tuple[float, float]:
        began = time.perf_counter()
        writing = await prepare_writing(run, plan)
        async with opened_writer(run, writing) as (writer, at_once):
            fanned_out, used = time.perf_counter(), time.process_time()
            texts = await write_all(run, plan, writer, at_once)
            ended = time.perf_counter()
            print(f"  {(time.process_time() - used) / count * 1000:.1f} ms of processor time per ticket here")
        assert len(texts) == count
        return ended - fanned_out, ended - began

    return await measured()


async def compare(stand_in: ModelStandIn) -> None:
    """Ours, a bare script, and the ideal."""
    import blocks.anthropic_client  # noqa: F401 - seconds that belong to no measurement

    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    for count, in_flight, latency in RUNS:
        stand_in.be(latency=latency)
        fan_out, whole = await ours(count, in_flight, f"run {count} {in_flight} {time.time()}")
        body = stand_in.stats.last_body.encode()
        alone = await bare(stand_in, [body + b" " * number for number in range(count)], in_flight)
        least = ideal(count, in_flight, latency)
        print(
            f"{count} tickets, {latency * 1000:.0f} ms, {in_flight} in flight: {fan_out:.2f} s, "
            f"{fan_out / least:.2f} times the ideal of {least:.2f} s; with estimate and check {whole:.2f} s; "
            f"a bare script {alone:.2f} s ({alone / least:.2f} times), ours {fan_out / alone:.2f} times that"
        )


async def grow(stand_in: ModelStandIn) -> None:
    """Ten times the tickets."""
    stand_in.be()
    measured = []
    for count in (300, 3000):
        seconds, _ = await ours(count, 64, f"grow {count} {time.time()}")
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        measured.append(seconds)
        print(f"{count} tickets without latency: {seconds:.1f} s, {memory:.0f} MB at most")
    print(f"ten times the tickets: {measured[1] / measured[0]:.1f} times the time")


def main(only: str = "") -> None:
    """Start the stack, then measure."""
    from deployments.settings import Settings
    from deployments.stack.ensure import ensure_stack

    stand_in = ModelStandIn()
    with tempfile.TemporaryDirectory(prefix="dt-benchmark-", ignore_cleanup_errors=True) as home:
        given: dict[str, Any] = {
            "DRUPAL_TICKETS_HOME": home,
            "ANTHROPIC_API_KEY": stand_in.key,
            "ANTHROPIC_BASE_URL": stand_in.url,
        }
        os.environ.update(given)
        with ensure_stack(Settings.from_environment({**given})) as connection:
            os.environ.update(connection.environment())
            os.environ.setdefault("PREFECT_LOGGING_LEVEL", "ERROR")
            if only != "grow":
                asyncio.run(compare(stand_in))
            if only != "compare":
                asyncio.run(grow(stand_in))
    stand_in.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
