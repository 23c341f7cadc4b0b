"""Export while three in ten calls to Jira fail, in every way that the sandbox knows."""

from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tasks.core.errors import Temporary, UserFixable
from tasks.core.settings import JiraSettings
from tests.jira_sandbox import JiraSandbox
from tests.tasks.exporting import make_export, tickets

# A rule sees the calls that the rules before it let pass, so together they strike about 30%.
RATE = 0.031
SCALED = JiraSettings(request_seconds=1.0, index_seconds=0.5)
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "status", "status": 429, "retry_after": 1},
    {"kind": "status", "status": 429},
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 503, "retry_after": 1},
    {"kind": "drop"},
    {"kind": "lost"},
    {"kind": "lost", "status": 504},
    {"kind": "garbled"},
    {"kind": "cut"},
    {"kind": "late", "seconds": 0.3},
    {"kind": "slow", "seconds": 0.3},
    {"kind": "slow_answer", "seconds": 0.3},
    {"kind": "partial", "method": "POST", "path": "/issue/bulk$", "rate": 0.1},
)
SITTINGS = 8  # how often a person or the reconciler starts it again
LONG_SEEDS = 50


async def finish_among_faults(engine: AsyncEngine, sandbox: JiraSandbox, count: int, seed: int) -> None:
    sandbox.reset()
    sandbox.settings(search_lag=0.3, search_lag_share=0.5, seed=seed)
    export = await make_export(engine, sandbox, tickets(count, chained=True, files=count // 20), SCALED)
    for number, fault in enumerate(FAULTS):
        sandbox.fault(**{"rate": RATE, **fault, "seed": 100 * seed + number})
    for _ in range(SITTINGS):
        with suppress(Temporary, UserFixable):  # Jira away, or tickets refused: start it again
            await export.run()
            break
    sandbox.clear_faults()
    await export.assert_exactly_once()


async def test_an_export_ends_complete_and_exactly_once(
    engine: AsyncEngine, jira_sandbox: JiraSandbox
) -> None:
    await finish_among_faults(engine, jira_sandbox, 60, seed=1)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(LONG_SEEDS))
async def test_every_export_ends_complete_and_exactly_once(
    engine: AsyncEngine, jira_sandbox: JiraSandbox, seed: int
) -> None:
    await finish_among_faults(engine, jira_sandbox, 150, seed)
