"""Scope: what X means, what happens without it, and that no row is dropped in silence."""

import pytest

from db.enums import ErrorSeverity
from tasks.core.settings import DEFAULT_SCOPE, RowAction, SessionSettings
from tasks.core.spec.model import Spec
from tests.builders.spec import bundle, coded, csv_file, field, load, tab

CODED = tab(
    "Bundles",
    bundle("Approved", x="a"),
    bundle("Waiting", x="W"),
    bundle("Built", x="x"),
    bundle("Changed", x="c"),
    bundle("Deleted", x="d"),
    bundle("Undecided", x=""),
    bundle("Odd", x="later"),
)


def actions(spec: Spec) -> dict[str, RowAction]:
    return {row["name"]: row.action for row in spec.rows("bundles")}


def test_each_code_has_its_action() -> None:
    assert actions(load(CODED)) == {
        "Approved": RowAction.BUILD,
        "Waiting": RowAction.HOLD,
        "Built": RowAction.BUILT,
        "Changed": RowAction.CHANGE,
        "Deleted": RowAction.SKIP,
        "Undecided": RowAction.HOLD,
        "Odd": RowAction.HOLD,
    }


def test_the_map_is_a_setting() -> None:
    scope = {**DEFAULT_SCOPE, "d": RowAction.REMOVE, "later": RowAction.SKIP, "blank": RowAction.BUILD}
    found = actions(load(CODED, settings=SessionSettings(scope=scope)))
    assert (found["Deleted"], found["Odd"], found["Undecided"]) == (
        RowAction.REMOVE,
        RowAction.SKIP,
        RowAction.BUILD,
    )


def test_codes_are_counted_per_tab() -> None:
    counts = {"a": 1, "blank": 1, "c": 1, "d": 1, "later": 1, "w": 1, "x": 1}
    assert load(CODED).scope_counts == {"bundles": counts}


def test_rows_without_a_ticket_are_listed_with_the_reason() -> None:
    held = {held.record: held.reason for held in load(CODED).held}
    assert held.keys() == {3, 4, 6, 7, 8}
    assert "waits" in held[3]
    assert "built already" in held[4]
    assert "undecided" in held[7]
    assert "no code" in held[8]


def test_undecided_and_unknown_codes_are_warned_of() -> None:
    spec = load(CODED)
    assert [finding.records for finding in coded(spec, "scope-undecided")] == [(7,)]
    assert [(finding.records, finding.value) for finding in coded(spec, "scope-code-unknown")] == [
        ((8,), "later")
    ]


@pytest.mark.parametrize(
    "file",
    [
        csv_file(
            "Bundles.csv",
            [["Name", "Machine name", "Type"], ["A", "a", "Content type"], ["B", "b", "Media type"]],
        ),
        tab("Bundles", bundle("A", x=""), bundle("B", x=" ")),
    ],
    ids=["no X column", "X blank throughout"],
)
def test_without_x_every_filled_row_is_in_scope_and_the_report_says_so(file: object) -> None:
    spec = load(file)  # type: ignore[arg-type]
    assert set(actions(spec).values()) == {RowAction.BUILD}
    (finding,) = coded(spec, "scope-without-x")
    assert finding.severity is ErrorSeverity.INFO
    assert "2 rows" in finding.message
    assert spec.held == ()


def test_a_file_without_x_is_in_scope_beside_files_that_have_it() -> None:
    roles = csv_file("Userroles.csv", [["Role", "Machine name"], ["Editor", "editor"]])
    spec = load(CODED, roles)
    assert [row.action for row in spec.rows("user_roles")] == [RowAction.BUILD]


def test_separator_rows_are_ignored_whatever_their_x() -> None:
    separator = {"ID": "SITE-1", "X": "w", "Dev": "AB", "QA": "✓", "Bundle machine name": "#VALUE!"}
    spec = load(
        tab("Fields", field("A (Content type)", "Lead"), separator, {}, field("A (Content type)", "Body"))
    )
    assert [row.record for row in spec.rows("fields")] == [2, 5]
    assert coded(spec, "formula-error") == []
    assert spec.scope_counts["fields"] == {"a": 2}


def test_facts_are_the_cells_that_must_stand_in_the_ticket() -> None:
    row = field(
        "A (Content type)",
        "Lead",
        **{"ID": "K-1", "Dev": "AB", "QA": "y", "Ref. bundle": "-", "Trns.": "#REF!"},
    )
    found = dict(load(tab("Fields", row)).rows("fields")[0].facts())
    assert not {"ID", "X", "Dev", "QA", "Trns.", "Help text"} & found.keys()
    assert (found["Field label"], found["Ref. bundle"]) == ("Lead", "-")


def test_blank_dash_and_formula_error_are_no_values() -> None:
    row = field("A (Content type)", "Lead", **{"Ref. bundle": "-", "Trns.": "#N/A"})
    found = load(tab("Fields", row)).rows("fields")[0]
    assert (found["ref_bundle"], found["translatable"], found["help_text"], found["nonsense"]) == (
        "",
        "",
        "",
        "",
    )
