"""What an upload changes: told by what rows are, not by where they stand."""

from tasks.core.spec.changes import Reading, SpecChanges, compare, reading_of
from tasks.core.spec.model import SourceFile
from tests.builders.spec import bundle, csv_file, field, lakeside, load, tab

PAGE = "Page (Content type)"
LEAD, BODY, LINK = (field(PAGE, name) for name in ("Lead", "Body", "Link"))
BUNDLES = tab("Bundles", bundle("Page"))


def changes(before: list[SourceFile], after: list[SourceFile]) -> SpecChanges:
    first, second = (load(BUNDLES, *files) for files in (before, after))
    return compare(reading_of(first, first.findings), reading_of(second, second.findings))


def test_the_same_spec_changes_nothing_even_as_json() -> None:
    spec = lakeside()
    reading = reading_of(spec, spec.findings)
    stored = Reading.model_validate_json(reading.model_dump_json())
    assert not compare(stored, reading)


def test_rows_are_told_apart_by_their_key_wherever_they_stand() -> None:
    found = changes([tab("Fields", LEAD, BODY)], [tab("Fields", LINK, BODY, LEAD | {"Vals.": "2"})])
    assert [(row.record, row.name) for row in found.added] == [(2, "Link")]
    assert found.removed == ()
    (changed,) = found.changed
    assert (changed.file, changed.record, changed.tab, changed.name) == ("Fields.csv", 4, "Fields", "Lead")
    assert [(cell.column, cell.before, cell.after) for cell in changed.cells] == [("Vals.", "1", "2")]


def test_rows_that_move_to_another_file_are_the_same_rows() -> None:
    split = [tab("Fields", LEAD, filename="Fields 1.csv"), tab("Fields", BODY, filename="Fields 2.csv")]
    found = changes([tab("Fields", LEAD, BODY)], split)
    assert (found.added, found.removed, found.changed) == ((), (), ())


def test_a_changed_x_is_a_change_and_moves_the_scope() -> None:
    found = changes([tab("Fields", LEAD, BODY)], [tab("Fields", LEAD, BODY | {"X": "d"})])
    assert [(cell.column, cell.after) for row in found.changed for cell in row.cells] == [("X", "d")]
    assert (found.scope_before["fields"], found.scope_after["fields"]) == ({"a": 2}, {"a": 1, "d": 1})


def test_findings_go_and_come_by_their_cause() -> None:
    found = changes([tab("Fields", LEAD, LEAD)], [tab("Fields", LINK, LEAD | {"Field type": ""})])
    assert [finding.code for finding in found.findings_gone] == ["duplicate-key"]
    assert [finding.code for finding in found.findings_new] == ["field-type-missing"]
    moved = changes(
        [tab("Fields", LEAD | {"Field type": ""})], [tab("Fields", BODY, LEAD | {"Field type": ""})]
    )
    assert "field-type-missing" not in {one.code for one in (*moved.findings_gone, *moved.findings_new)}


def test_an_answered_question_is_gone_though_others_stay_open() -> None:
    asks = {"Settings/notes": "Need more information"}
    built = BODY | asks | {"X": "x"}
    found = changes([tab("Fields", LEAD | asks, built)], [tab("Fields", LEAD, built)])
    assert [finding.code for finding in found.findings_gone] == ["open-question"]


def test_a_finding_about_fewer_rows_is_partly_gone() -> None:
    untyped = [LEAD | {"Field type": ""}, BODY | {"Field type": ""}]
    found = changes([tab("Fields", *untyped)], [tab("Fields", untyped[0], BODY)])
    (finding,) = found.findings_gone
    assert finding.code == "field-type-missing"
    assert finding.message.endswith("(2 rows instead of 1)")
    assert found.findings_new == ()


def test_rows_of_one_key_are_numbered() -> None:
    found = changes([tab("Fields", LEAD, LEAD)], [tab("Fields", LEAD)])
    assert (len(found.removed), len(found.added)) == (1, 0)


def test_rows_without_any_key_are_what_they_say() -> None:
    header = ["Notes", "Setting", "Comment"]
    before = csv_file("Mine.csv", [header, ["a", "b", "c"], ["d", "e", "f"]])
    after = csv_file("Mine.csv", [header, ["new", "x", "y"], ["a", "b", "c"], ["d", "e", "f"]])
    found = changes([before], [after])
    assert (len(found.added), found.removed, found.changed) == (1, (), ())


def test_the_summary_counts() -> None:
    found = changes([tab("Fields", LEAD, BODY)], [tab("Fields", LINK, BODY)])
    assert found.summary == "1 rows added, 1 removed, 0 changed; 0 findings gone, 0 new"
