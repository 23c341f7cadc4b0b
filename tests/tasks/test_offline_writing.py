"""Without a key nothing of a model is there, and every ticket is written all the same."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from db.enums import WrittenBy
from tasks.core.settings import SessionSettings
from tasks.core.spec.model import Spec
from tasks.core.tickets.checks import check
from tasks.core.tickets.planning import plan_tickets
from tasks.core.tickets.written import tally
from tasks.writers import OfflineWriter
from tests.builders.spec import lakeside, uwec

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("module", ["flows.session", "deployments.model_blocks"])
def test_no_sdk_is_loaded_before_a_model_is_asked(module: str) -> None:
    code = f"import sys, {module}; sys.exit(bool({{'anthropic', 'pydantic_ai', 'genai_prices'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_asking_what_a_spec_costs_loads_no_prefect() -> None:
    code = "import sys, tasks.estimating; sys.exit('prefect' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize("spec", [lakeside, uwec], ids=["the example", "UWEC"])
async def test_every_ticket_passes_the_checks(spec: Callable[[], Spec]) -> None:
    tickets = plan_tickets(spec(), SessionSettings()).tickets
    texts = [await OfflineWriter().write(ticket) for ticket in tickets]
    assert {text.prose.written_by for text in texts} == {WrittenBy.OFFLINE}
    assert not any(check(ticket, text.prose) for ticket, text in zip(tickets, texts, strict=True))
    assert tally(texts)["first_pass_rate"] is None
