"""The fact lock: what stands in the spec stands in a ticket, to the letter, and nothing else does."""

import json
import random
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings

from tasks.core.settings import SessionSettings
from tasks.core.spec.model import SourceFile
from tasks.core.tickets import offline
from tasks.core.tickets.description import describe
from tasks.core.tickets.model import PlannedTicket, Prose
from tasks.core.tickets.planning import plan_tickets
from tasks.core.tickets.prompt import question, read_answer
from tests.builders.spec import LAKESIDE, UWEC, bundle, field, files_of, load, tab
from tests.builders.tickets import WITH_REMOVALS, article_with
from tests.core.tickets.wild import wild_specs
from tests.fact_lock import Place, Ticket, assert_fact_lock, rows_by_code
from tests.model_stand_in import ROWS, honest

ARTICLE = "Article (Content type)"


def written(
    files: Sequence[SourceFile],
    settings: SessionSettings | None = None,
    write: Callable[[PlannedTicket], Prose] = offline.write,
) -> list[Ticket]:
    chosen = settings or SessionSettings()
    planned = plan_tickets(load(*files, settings=chosen), chosen).tickets
    return [as_sent(ticket, write) for ticket in planned]


def as_sent(ticket: PlannedTicket, write: Callable[[PlannedTicket], Prose] = offline.write) -> Ticket:
    description = describe(ticket, write(ticket))
    sources = [source.model_dump() for source in ticket.sources]
    return sources, description.adf, description.attachment.content if description.attachment else None


def by_model(ticket: PlannedTicket) -> Prose:
    """What the stand-in answers to the real question about a ticket, its cells quoted."""
    asked = ROWS.search(question(ticket))
    assert asked is not None
    prose = read_answer(json.dumps(honest(json.loads(asked[1]), random.Random(ticket.key))))
    assert prose is not None
    return prose


def places(tickets: Iterable[Ticket]) -> set[Place]:
    return {
        (source["file"], record)
        for sources, _, _ in tickets
        for source in sources
        for record in source["records"]
    }


def stored(folder: Path, *files: SourceFile) -> Path:
    folder.mkdir(exist_ok=True)
    for file in files:
        (folder / file.filename).write_bytes(file.content)
    return folder


@pytest.mark.parametrize("folder", [UWEC, LAKESIDE], ids=["uwec", "lakeside"])
def test_every_cell_of_the_real_specs_stands_in_its_ticket(folder: Path) -> None:
    if not folder.is_dir():
        pytest.skip("this spec is not here")
    for write in (offline.write, by_model):
        assert_fact_lock(folder, written(files_of(folder), None, write))
        assert_fact_lock(folder, written(files_of(folder), WITH_REMOVALS, write))


def test_all_approved_rows_of_a_real_spec_are_in_a_ticket_but_for_the_four_that_wait() -> None:
    if not UWEC.is_dir():
        pytest.skip("this spec is not here")
    taken, codes = places(written(files_of(UWEC))), rows_by_code(UWEC)
    assert len(codes["a"]) == 660
    assert taken <= codes["a"]
    assert len(codes["a"] - taken) == 4


@given(files=wild_specs())
@settings(max_examples=60, deadline=None)
def test_wild_cells_stand_in_their_tickets_to_the_letter(
    tmp_path_factory: pytest.TempPathFactory, files: list[SourceFile]
) -> None:
    folder = stored(tmp_path_factory.mktemp("spec"), *files)
    for write in (offline.write, by_model):
        assert_fact_lock(folder, written(files, WITH_REMOVALS, write))


def test_in_an_attachment_cells_stand_to_the_letter_as_well(tmp_path: Path) -> None:
    cell = "<b>pipe</b> | back\\slash\\| `code` *star* _under_ &amp; two\nlines <br> and \u2028 more " * 4
    fields = [field(ARTICLE, f"Field {at}", **{"Help text": f"{at} {cell}"}) for at in range(50)]
    files = [tab("Bundles", bundle("Article")), tab("Fields", *fields)]
    (ticket,) = written(files)
    assert ticket[2] is not None
    assert_fact_lock(stored(tmp_path, *files), [ticket])


def test_two_equal_rows_and_two_columns_of_one_name_are_told(tmp_path: Path) -> None:
    rows = (
        "Name,Machine name,Type,Description,Notes,Notes\n" + "Article,article,Content type,Add,one,two\n" * 2
    )
    file = SourceFile("Bundles.csv", rows.encode())
    assert_fact_lock(stored(tmp_path, file), written([file]))


# The reader is worth as much as what it finds


@pytest.mark.parametrize("attached", [False, True])
def test_the_reader_finds_every_cell_that_changed(tmp_path: Path, attached: bool) -> None:
    ticket = article_with(60 if attached else 3, **{"Help text": "One thing."})
    files = [
        tab("Bundles", bundle("Article")),
        tab("Fields", *_same(60 if attached else 3, "Another thing.")),
    ]
    assert (as_sent(ticket)[2] is not None) is attached
    with pytest.raises(AssertionError, match=r"missing .*Another thing.* invented .*One thing"):
        assert_fact_lock(stored(tmp_path, *files), [as_sent(ticket)])
    assert_fact_lock(
        stored(tmp_path, files[0], tab("Fields", *_same(60 if attached else 3, "One thing."))),
        [as_sent(ticket)],
    )


def _same(number: int, help_text: str) -> list[dict[str, str]]:
    return [field(ARTICLE, f"Field number {at}", **{"Help text": help_text}) for at in range(number)]


def test_the_reader_finds_a_row_that_is_missing_and_one_that_is_told_twice(tmp_path: Path) -> None:
    folder = stored(tmp_path, tab("Bundles", bundle("Article")), tab("Fields", *_same(3, "x")))
    sources, adf, _ = as_sent(article_with(3, **{"Help text": "x"}))
    fewer = [{"file": "Bundles.csv", "records": [2]}, {"file": "Fields.csv", "records": [2, 3]}]
    with pytest.raises(AssertionError, match="3 rows for"):
        assert_fact_lock(folder, [(fewer, adf, None)])
    with pytest.raises(AssertionError, match="as well"):
        assert_fact_lock(folder, [(sources, adf, None)] * 2)
