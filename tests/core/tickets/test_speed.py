"""A real spec in under a second, and ten times the rows in about ten times the time."""

import time

from tasks.core.settings import SessionSettings
from tasks.core.spec.model import Spec
from tasks.core.tickets.checks import check
from tasks.core.tickets.description import describe
from tasks.core.tickets.offline import write
from tasks.core.tickets.planning import plan_tickets
from tasks.core.tickets.validation import problems
from tests.builders.spec import bundle, field, load, tab, uwec


def seconds(spec: Spec) -> float:
    started = time.process_time()
    for ticket in plan_tickets(spec, SessionSettings()).tickets:
        prose = write(ticket)
        assert not check(ticket, prose)
        assert not problems(describe(ticket, prose), prose.title)
    return time.process_time() - started


def rows(number: int) -> Spec:
    bundles = [bundle(f"Type {at}") for at in range(number // 10)]
    fields = [
        field(
            f"Type {at % len(bundles)} (Content type)",
            f"Field {at}",
            **{"Ref. bundle": f"Type {at // 10} (Content type)"},
        )
        for at in range(number - len(bundles))
    ]
    return load(tab("Bundles", *bundles), tab("Fields", *fields))


def test_a_real_spec_is_planned_written_described_and_validated_in_a_second() -> None:
    spec = uwec()
    seconds(spec)
    assert seconds(spec) < 1


def test_time_grows_with_the_rows_and_not_faster() -> None:
    few, many = rows(300), rows(1500)
    seconds(few)
    assert seconds(many) < 5 * 2.5 * max(seconds(few), 0.05)
