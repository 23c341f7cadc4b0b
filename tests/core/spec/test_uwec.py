"""The one real spec: everything that is wrong with it, record by record, and nothing else above info."""

import csv
from collections import Counter

import pytest

from db.enums import ErrorSeverity
from tasks.core.findings import Finding
from tasks.core.spec.model import SourceFile, Spec
from tasks.core.spec.references import References, resolve
from tests.builders.spec import coded, csv_file, load, tickets_of, uwec, uwec_files

Place = tuple[str, tuple[int, ...]]

TYPES = {
    ("bundles", 95), ("view_modes", 31), ("views", 16), ("view_displays", 42), ("fields", 546), ("image_styles", 103),
    ("responsive_image_styles", 24), ("user_roles", 8), ("workflows", 2), ("workflow_states", 7),
    ("workflow_transitions", 25),
}  # fmt: skip
HYPHENS = (5, 9, 13, 17, 21, 25, 29, 33, 37, 41, 45, 47, 51, 53, 56)


@pytest.fixture(scope="module")
def spec() -> Spec:
    return uwec()


def blank(file: SourceFile, column: str) -> SourceFile:
    """The file with one column emptied, its header left."""
    rows = list(csv.reader(file.content.decode("utf-8-sig").splitlines(keepends=True)))
    at = rows[0].index(column)
    return csv_file(file.filename, [rows[0], *([*row[:at], "", *row[at + 1 :]] for row in rows[1:])])


def places(findings: list[Finding], severity: ErrorSeverity) -> list[Place]:
    short = [
        (finding, (finding.file or "").removeprefix("UWEC_").removesuffix(".csv")) for finding in findings
    ]
    return sorted((name, finding.records) for finding, name in short if finding.severity is severity)


def test_every_tab_is_recognised_and_every_filled_row_is_read(spec: Spec) -> None:
    assert {(table.csv_type, len(table)) for table in spec.tables} == TYPES
    assert all(table.confidence >= 0.7 for table in spec.tables)


def test_nothing_blocks(spec: Spec) -> None:
    assert spec.blocking == []


def test_codes_are_counted_over_filled_rows(spec: Spec) -> None:
    total = sum((Counter(counts) for counts in spec.scope_counts.values()), Counter[str]())
    assert total == {"a": 660, "w": 9, "x": 63, "d": 167}  # two of the eleven w stand on separator rows
    assert not {456, 504} & {row.record for row in spec.rows("fields")}


def test_every_row_without_a_ticket_is_listed_with_its_reason(spec: Spec) -> None:
    assert Counter(held.x for held in spec.held) == {"w": 9, "x": 63, "d": 167}
    assert {held.reason for held in spec.held if held.x == "x"} == {"X is “x”: the row is built already"}


@pytest.mark.parametrize(
    ("code", "warnings", "infos"),
    [
        (
            "storage-type-clash",
            [
                ("Fields", (3, 59, 94, 149, 178)),
                ("Fields", (153, 196)),
                ("Fields", (417, 465, 477, 483, 506, 538, 558, 590, 604)),
                ("Fields", (439, 519, 527, 552, 573, 596)),
                ("Fields", (481, 484)),
            ],
            [],
        ),
        (
            "storage-cardinality-clash",
            [
                ("Fields", (21, 100)),
                ("Fields", (396, 607)),
                ("Fields", (416, 443, 457, 464, 472, 490, 505, 536, 609)),
                ("Fields", (481, 484)),
                ("Fields", (553, 574, 597)),
            ],
            [],
        ),
        ("storage-cardinality-blank", [("Fields", (17, 64, 136, 226, 261, 281, 310, 325))], []),
        ("duplicate-key", [("Fields", (378, 556))], []),
        ("bundle-without-fields", [("Bundles", (89, 91))], []),
        ("waits-on-held", [("Fields", (273,))], []),
        ("list-without-options", [("Fields", (182, 185, 219, 491, 519))], [("Fields", (608,))]),
        (
            "reference-unresolved",
            [
                ("ResponsiveImageStyles", (3,)),
                ("ResponsiveImageStyles", (15,)),
                ("ResponsiveImageStyles", (16,)),
            ],
            [
                ("CustomViewsDisplays", (6, 7)),
                ("Fields", (279,)),
                ("ResponsiveImageStyles", (18,)),
                ("ResponsiveImageStyles", (18,)),
                ("ResponsiveImageStyles", (24,)),
            ],
        ),
        (
            "machine-name-refused",
            [
                ("Bundles", (35,)),
                ("CustomViewsDisplays", (19,)),
                ("Fields", (148, 351)),
                ("Imagestyles", tuple(record for record in HYPHENS if record != 17)),
            ],
            [("CustomViews", (4,)), ("CustomViewsDisplays", (2,)), ("Imagestyles", (17,))],
        ),
        ("formula-error", [], [("CustomViewsDisplays", (6, 7)), ("ResponsiveImageStyles", (18, 24))]),
        ("open-question", [("Fields", (223,))], [("Fields", (390, 455))]),
        ("field-type-missing", [], [("Fields", (237, 454, 455))]),
        ("unconfirmed", [], [("Bundles", (15,)), ("Fields", (608,))]),
    ],
)
def test_each_finding_names_its_records(
    spec: Spec, code: str, warnings: list[Place], infos: list[Place]
) -> None:
    found = coded(spec, code)
    assert places(found, ErrorSeverity.WARNING) == sorted(warnings)
    assert places(found, ErrorSeverity.INFO) == sorted(infos)


def test_there_is_no_finding_beside_these(spec: Spec) -> None:
    tested = test_each_finding_names_its_records.pytestmark[0].args[1]  # type: ignore[attr-defined]
    assert {finding.code for finding in spec.findings} == {code for code, *_ in tested}


def test_an_unresolved_reference_names_value_column_and_the_nearest(spec: Spec) -> None:
    contact, *_ = [finding for finding in coded(spec, "reference-unresolved") if finding.value == "Contact"]
    assert contact.column == "View"
    assert "“Contact/Hours”" in " ".join(contact.actions)


@pytest.fixture(scope="module")
def references(spec: Spec) -> References:
    return resolve(spec)


def test_every_field_finds_its_bundle(spec: Spec, references: References) -> None:
    fields = spec.rows("fields")
    parents = [references.parent(field) for field in fields]
    assert all(parent is not None and parent.csv_type == "bundles" for parent in parents)
    assert sum(len(references.children(bundle)) for bundle in spec.rows("bundles")) == len(fields)


@pytest.mark.parametrize(
    ("csv_type", "column", "found"),
    [("fields", "ref_bundle", 203), ("view_displays", "view", 40), ("responsive_image_styles", "fallback_style", 22),
     ("workflow_transitions", "from_state", 25), ("workflow_states", "workflow", 7)],
)  # fmt: skip
def test_references_resolve_as_often_as_they_should(
    spec: Spec, references: References, csv_type: str, column: str, found: int
) -> None:
    assert sum(bool(references.targets(row, column)) for row in spec.rows(csv_type)) == found


@pytest.mark.parametrize(
    ("filename", "column"),
    [("UWEC_Fields.csv", "Bundle machine name"), ("UWEC_CustomViewsDisplays.csv", "View ID"),
     ("UWEC_ResponsiveImageStyles.csv", "Fallback machine name")],
)  # fmt: skip
def test_a_blanked_lookup_column_is_derived_with_a_warning(spec: Spec, filename: str, column: str) -> None:
    kept = {row.place: dict(row.facts()) for table in spec.tables for row in table.rows}
    blanked = load(*(file if file.filename != filename else blank(file, column) for file in uwec_files()))
    assert {row.place: dict(row.facts()) for table in blanked.tables for row in table.rows} == kept
    assert tickets_of(blanked) == tickets_of(spec)
    warned = coded(blanked, "lookup-derived")
    assert {finding.file for finding in warned} == {filename}
    assert {finding.column for finding in warned} == {column}
    assert any(finding.severity is ErrorSeverity.WARNING for finding in warned)
    assert {row.derived for row in blanked.rows("fields")} <= {
        frozenset(),
        frozenset({"bundle_machine_name"}),
    }
