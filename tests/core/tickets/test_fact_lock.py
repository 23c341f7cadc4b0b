"""The fact lock: what stands in the spec stands in a ticket, to the letter, and nothing else does."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from tasks.core.settings import SessionSettings
from tasks.core.spec.model import SourceFile
from tasks.core.tickets.planning import plan_tickets
from tests.builders.spec import LAKESIDE, UWEC, bundle, field, load, tab
from tests.builders.tickets import WITH_REMOVALS, described
from tests.core.tickets.wild import wild_specs
from tests.fact_lock import Ticket, assert_fact_lock, rows_by_code


def written(files: Sequence[SourceFile], settings: SessionSettings | None = None) -> list[Ticket]:
    chosen = settings or SessionSettings()
    plan = plan_tickets(load(*files, settings=chosen), chosen)
    return [_as_sent(ticket) for ticket in plan.tickets]


def _as_sent(ticket):  # type: ignore[no-untyped-def]
    description = described(ticket)
    sources = [source.model_dump() for source in ticket.sources]
    return sources, description.adf, description.attachment.content if description.attachment else None


def places(tickets: Iterable[Ticket]) -> set[tuple[str, int]]:
    return {
        (source["file"], record)
        for sources, _, _ in tickets
        for source in sources
        for record in source["records"]
    }


def test_every_cell_of_a_real_spec_stands_in_its_ticket() -> None:
    if not UWEC.is_dir():
        pytest.skip("../shared/data/uwec is not here")
    tickets = written([SourceFile(path.name, path.read_bytes()) for path in sorted(UWEC.glob("*.csv"))])
    assert_fact_lock(UWEC, tickets)
    codes = rows_by_code(UWEC)
    assert len(codes["a"] - places(tickets)) == 4  # the fields of the held vocabulary
    assert places(tickets) <= codes["a"]


@given(files=wild_specs())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_wild_cells_stand_in_their_tickets_to_the_letter(
    tmp_path_factory: pytest.TempPathFactory, files: list[SourceFile]
) -> None:
    folder = tmp_path_factory.mktemp("spec")
    for file in files:
        (folder / file.filename).write_bytes(file.content)
    assert_fact_lock(folder, written(files, WITH_REMOVALS))
