"""The example spec from files to tickets: as messy as a real one, its mistakes found, every ticket fit for Jira."""

import csv
import io
from collections import Counter

import pytest

from db.enums import ErrorSeverity
from tasks.core.settings import SessionSettings
from tasks.core.spec.model import Spec
from tasks.core.tickets.checks import check
from tasks.core.tickets.description import fits, json_length
from tasks.core.tickets.model import PlannedTicket
from tasks.core.tickets.offline import write
from tasks.core.tickets.planning import Plan, plan_tickets
from tasks.core.tickets.validation import problems
from tests.builders.spec import LAKESIDE, files_of, lakeside
from tests.builders.tickets import described
from tests.fact_lock import assert_fact_lock, rows_by_code

BOM = b"\xef\xbb\xbf"


@pytest.fixture(scope="module")
def spec() -> Spec:
    return lakeside()


@pytest.fixture(scope="module")
def plan(spec: Spec) -> Plan:
    return plan_tickets(spec, SessionSettings())


@pytest.fixture(scope="module")
def tickets(plan: Plan) -> dict[str, PlannedTicket]:
    return {ticket.key: ticket for ticket in plan.tickets}


def place(file: str | None, records: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
    return (file or "").removeprefix("Lakeside spec - ").removesuffix(".csv"), records


# The files


def test_the_files_are_of_many_habits() -> None:
    contents = [file.content for file in files_of(LAKESIDE)]
    assert {content.startswith(BOM) for content in contents} == {True, False}
    assert {b"\r\n" in content for content in contents} == {True, False}


def test_x_is_written_in_every_way() -> None:
    rows = csv.DictReader(io.StringIO((LAKESIDE / "Lakeside spec - Fields.csv").read_text("utf-8-sig")))
    assert {row["X"] for row in rows} == {"a", "A", "w", "c", "d", ""}
    codes = rows_by_code(LAKESIDE)
    assert {code: len(rows) for code, rows in codes.items()} == {
        "a": 117, "w": 3, "x": 5, "c": 3, "d": 9, "": 1,
    }  # fmt: skip


# What is found


def test_nothing_blocks(spec: Spec) -> None:
    assert spec.blocking == []


def test_every_mistake_is_found_at_its_records(spec: Spec) -> None:
    found = Counter(
        (finding.code, *place(finding.file, finding.records))
        for finding in spec.findings
        if finding.severity is ErrorSeverity.WARNING
    )
    assert found == Counter(
        [
            ("bundle-without-fields", "Bundles", (7,)),
            ("duplicate-key", "Fields", (82, 83)),
            ("formula-error", "Fields", (26,)),
            ("formula-error", "Responsive image styles", (3,)),
            ("list-without-options", "Fields", (22,)),
            ("lookup-derived", "Fields", (25, 55)),
            ("lookup-derived", "Views displays", (3,)),
            ("machine-name-refused", "Fields", (35,)),
            ("machine-name-refused", "Fields", (61,)),
            ("machine-name-refused", "Image styles", (5,)),
            ("open-question", "Fields", (36,)),
            ("reference-unresolved", "Fields", (68,)),
            ("reference-unresolved", "Responsive image styles", (3,)),
            ("scope-undecided", "Bundles", (18,)),
            ("storage-cardinality-clash", "Fields", (9, 70)),
            ("storage-type-clash", "Fields", (5, 52, 65)),
            ("waits-on-held", "Fields", (67,)),
        ]
    )


def test_mistakes_of_rows_that_nobody_builds_are_only_mentioned(spec: Spec) -> None:
    found = {
        (finding.code, *place(finding.file, finding.records))
        for finding in spec.findings
        if finding.severity is ErrorSeverity.INFO
    }
    assert found == {
        ("formula-error", "Views displays", (7,)),
        ("machine-name-refused", "Views", (5,)),
        ("reference-unresolved", "Views displays", (7,)),
        ("unconfirmed", "Fields", (42,)),
    }


# What is planned


def test_every_row_to_build_is_in_one_ticket_but_for_the_one_that_waits(plan: Plan) -> None:
    taken = Counter(
        (source.file, record)
        for ticket in plan.tickets
        for source in ticket.sources
        for record in source.records
    )
    codes = rows_by_code(LAKESIDE)
    assert max(taken.values()) == 1
    (waiting,) = (codes["a"] | codes["c"]) - set(taken)
    assert set(taken) == (codes["a"] | codes["c"]) - {waiting}
    assert place(waiting[0], waiting[1:]) == ("Fields", (74,))
    assert len(plan.held) == 19


def test_the_circle_of_bundles_gives_way_in_three_places(plan: Plan) -> None:
    assert {ticket.name: ticket.gave_way_names for ticket in plan.tickets if ticket.gave_way} == {
        "Department": ("Course (content type)",),
        "Person": ("Course (content type)", "Department (content type)"),
    }
    assert [finding.code for finding in plan.findings].count("cycle-broken") == 3


def test_there_are_tickets_of_every_action(tickets: dict[str, PlannedTicket]) -> None:
    assert Counter(ticket.action for ticket in tickets.values()) == {"build": 28, "change": 2, "extend": 1}
    assert tickets["media_type:image:extend"].already_built == ("Image (media type)",)


def test_an_old_number_and_a_waiting_field_stand_in_no_table(tickets: dict[str, PlannedTicket]) -> None:
    course = {row["machine_name"] for row in tickets["content_type:course:build"].rows}
    assert len(course) == 47  # the bundle and 46 of its 48 fields
    assert not course & {"field_old_number", "field_old_syllabi"}


# What is written


def test_the_largest_ticket_alone_needs_an_attachment(plan: Plan) -> None:
    attached = [ticket for ticket in plan.tickets if described(ticket).attachment]
    assert [ticket.key for ticket in attached] == ["content_type:course:build"]
    assert fits(described(attached[0]).adf)


def test_every_other_ticket_is_well_below_the_limit(plan: Plan) -> None:
    sizes = [json_length(described(ticket).adf) for ticket in plan.tickets]
    assert max(sizes) < 20_000


def test_every_ticket_keeps_every_rule_and_jira_takes_it(plan: Plan) -> None:
    for ticket in plan.tickets:
        prose = write(ticket)
        assert check(ticket, prose) == []
        assert problems(described(ticket), prose.title) == []


def test_a_reader_of_csv_alone_finds_every_cell_in_its_ticket(plan: Plan) -> None:
    sent = []
    for ticket in plan.tickets:
        description = described(ticket)
        attachment = description.attachment.content if description.attachment else None
        sent.append(([source.model_dump() for source in ticket.sources], description.adf, attachment))
    assert_fact_lock(LAKESIDE, sent)
