"""Whole sessions that a model writes: the command line and the stack as they are, the provider a stand-in."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from blocks.anthropic import AnthropicWriter
from deployments.model_blocks import ensure_anthropic_block
from deployments.settings import Settings
from tests.builders.spec import LAKESIDE, UWEC
from tests.end_to_end import Jira, jira_of
from tests.fact_lock import Ticket, assert_fact_lock
from tests.model_stand_in import CONTENT_FAULTS, HTTP_FAULTS, ModelStandIn
from tests.own_runs import start, waiting_run
from tests.prefect_api import prefect_api
from tests.stack import RunningStack

pytestmark = pytest.mark.stack
BACK = ("--to", "processing", "--yes")
BY_MODEL = ("model", "model_after_repair")


@pytest.fixture
def with_key(stack: RunningStack, model_stand_in: ModelStandIn) -> Iterator[RunningStack]:
    """A stack that came up without a key, and commands that have one; afterwards the block is gone again."""
    key = {"ANTHROPIC_API_KEY": model_stand_in.key, "ANTHROPIC_BASE_URL": model_stand_in.url}
    yield replace(stack, environment={**stack.environment, **key})
    with temporary_settings({PREFECT_API_URL: stack.connection.prefect_api_url}):
        keyless = Settings.from_environment(stack.environment)
        assert "removed" in asyncio.run(ensure_anthropic_block(keyless, own_server=True))


def tune(stack: RunningStack, **changed: float) -> None:
    """As a person does in the block. What people set there stays."""

    async def change() -> None:
        settings = Settings.from_environment(stack.environment)
        assert "created" in await ensure_anthropic_block(settings, own_server=True)
        block: AnthropicWriter = await AnthropicWriter.aload("anthropic")
        await block.model_copy(update=changed).asave("anthropic", overwrite=True)
        assert "unchanged" in await ensure_anthropic_block(settings, own_server=True)

    with temporary_settings({PREFECT_API_URL: stack.connection.prefect_api_url}):
        asyncio.run(change())


def run(stack: RunningStack, spec: Path, project: str, *more: str) -> dict[str, Any]:
    done = stack.cli("run", str(spec), "--site-name", "Lakeside", "--project-key", project, *more, "--json")
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def received(jira: Jira, document: dict[str, Any]) -> Iterator[Ticket]:
    """Every ticket as Jira has it."""
    for ticket in document["tickets"]:
        fields = jira.issue(ticket["jira_key"])
        yield ticket["sources"], fields["description"], jira.attachment(fields)


def share_by_model(document: dict[str, Any]) -> float:
    by = Counter(ticket["written_by"] for ticket in document["tickets"])
    return sum(by[who] for who in BY_MODEL) / by.total()


def test_an_honest_model_writes_the_tickets_and_is_paid_once(
    with_key: RunningStack, model_stand_in: ModelStandIn
) -> None:
    first = run(with_key, LAKESIDE, "LAKE", "--yes")
    assert share_by_model(first) >= 0.95
    assert first["writing"]["first_pass_rate"] >= 0.95
    with jira_of(with_key) as jira:
        assert_fact_lock(LAKESIDE, received(jira, first))
    counted = model_stand_in.stats
    assert counted.usd <= first["cost"]["spent_usd"] <= first["cost"]["ceiling_usd"] <= 5
    assert first["cost"]["estimate_usd"] == pytest.approx(counted.usd, rel=0.5)

    second = run(with_key, LAKESIDE, "DEMO")
    assert share_by_model(second) == share_by_model(first)
    assert model_stand_in.stats.calls == counted.calls
    assert second["cost"] == {"estimate_usd": 0, "ceiling_usd": 0, "spent_usd": 0}


@pytest.mark.long
def test_a_budget_of_nothing_writes_offline(with_key: RunningStack, model_stand_in: ModelStandIn) -> None:
    document = run(with_key, LAKESIDE, "TEST", "--budget", "0", "--site-description", "Another text.")
    assert {ticket["written_by"] for ticket in document["tickets"]} == {"offline"}
    assert document["writing"]["fallbacks"] == {"budget reached": len(document["tickets"])}
    assert model_stand_in.stats.calls == 0


@pytest.mark.long
def test_a_bad_model_writes_most_of_uwec(with_key: RunningStack, model_stand_in: ModelStandIn) -> None:
    if not UWEC.is_dir():
        pytest.skip("no shared data here")
    faults = dict.fromkeys((*CONTENT_FAULTS, *HTTP_FAULTS), 0.3 / len(CONTENT_FAULTS + HTTP_FAULTS))
    model_stand_in.be(faults=faults, latency=0.1, seed=random.randrange(1000))
    tune(with_key, request_seconds=3.0)
    document = run(with_key, UWEC, "UWEC")
    assert len(document["tickets"]) == 135
    assert share_by_model(document) >= 0.8
    assert model_stand_in.stats.usd <= document["cost"]["spent_usd"] <= document["cost"]["ceiling_usd"]


@pytest.mark.long
def test_a_run_that_is_killed_pays_again_for_what_was_in_flight_at_most(
    with_key: RunningStack, model_stand_in: ModelStandIn
) -> None:
    model_stand_in.be(latency=0.6)
    command = [
        *(str(Path(sys.executable).with_name("drupal-tickets")), "run", str(LAKESIDE)),
        *("--site-name", "Killed", "--project-key", "UWEC", "--json"),
    ]
    with subprocess.Popen(
        command, env=with_key.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as first:
        model_stand_in.wait_for_calls(20, 90)
        kill_flow_run(with_key)
        first.wait(120)
    assert first.returncode != 0
    before = model_stand_in.stats
    end = time.monotonic() + 200  # the reconciler comes by every minute
    while (
        done := subprocess.run(command, env=with_key.environment, capture_output=True, check=False)
    ).returncode:
        assert time.monotonic() < end, done.stderr
        time.sleep(5)
    document = json.loads(done.stdout)
    assert share_by_model(document) == 1
    assert model_stand_in.stats.paid_again <= 16
    assert model_stand_in.stats.calls < before.calls + len(document["tickets"])
    assert model_stand_in.stats.usd <= document["cost"]["spent_usd"] <= document["cost"]["ceiling_usd"]


@pytest.mark.long
def test_a_run_that_nobody_stops_asks_no_more_once_it_is_cancelled_in_prefect(
    with_key: RunningStack, model_stand_in: ModelStandIn
) -> None:
    tune(with_key, in_flight=2)
    document = run(with_key, LAKESIDE, "LAKE", "--again", "--site-description", "Cancelled.")
    form = {"session_id": document["session"]["id"], "requested_by": "trouble"}
    with prefect_api(with_key) as api:
        for more in ({"rewrite": {"instruction": "Shorter."}}, {}):
            if not more:  # what is said in another voice was not paid for yet
                with_key.cli("session", "rollback", form["session_id"], *BACK)
                with_key.cli("session", "set", form["session_id"], "--voice", "students")
            model_stand_in.be(latency=1.0)
            cancelled = waiting_run(api, "generate-tickets", **form, **more)
            process = start(with_key, api, cancelled)
            model_stand_in.wait_for_calls(3, 60)
            cancelling = {"state": {"type": "CANCELLING", "name": "Cancelling"}}
            api.http.post(f"flow_runs/{cancelled}/set_state", json=cancelling).raise_for_status()
            seen = model_stand_in.stats.calls
            process.wait(60)
            assert model_stand_in.stats.calls <= seen + 8 < len(document["tickets"])
            assert api.end_of(cancelled)[0] == "CANCELLED"


def kill_flow_run(stack: RunningStack) -> None:
    """SIGKILL to the process of the flow run, one of this stack's own."""
    home = str(stack.settings.home)
    for process in psutil.process_iter():
        try:
            ours = process.environ().get("DRUPAL_TICKETS_HOME") == home
            if ours and "prefect.engine" in " ".join(process.cmdline()):
                os.kill(process.pid, signal.SIGKILL)
        except (psutil.AccessDenied, psutil.NoSuchProcess):
            continue
