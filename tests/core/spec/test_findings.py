"""What is wrong with a spec: each kind of trouble, what it takes, and what does not count as such."""

import pytest

from db.enums import ErrorCategory, ErrorSeverity
from tasks.core.spec.model import SourceFile, Spec
from tests.builders.spec import bundle, coded, csv_file, field, load, tab

PAGE, NEWS, HERO = "Page (Content type)", "News (Content type)", "Hero (Paragraph type)"
BUNDLES = tab("Bundles", bundle("Page"), bundle("News"), bundle("Hero", "Paragraph type"))


def fields(*rows: dict[str, str]) -> Spec:
    return load(BUNDLES, tab("Fields", *rows))


def records(spec: Spec, code: str) -> list[tuple[int, ...]]:
    return [finding.records for finding in coded(spec, code)]


def test_one_storage_has_one_type_on_all_bundles_of_a_kind() -> None:
    spec = fields(field(PAGE, "Lead"), field(NEWS, "Lead", "Link"), field(HERO, "Lead", "Email"))
    (finding,) = coded(spec, "storage-type-clash")
    assert (finding.records, finding.column) == ((2, 3), "Field type")
    assert "“Text (plain)”, “Link”" in finding.message


def test_one_storage_has_one_number_of_values() -> None:
    several = fields(field(PAGE, "Lead", **{"Vals.": "3"}), field(NEWS, "Lead", **{"Vals.": "*"}))
    assert records(several, "storage-cardinality-clash") == [(2, 3)]
    alike = fields(field(PAGE, "Lead", **{"Vals.": "Unlimited"}), field(NEWS, "Lead", **{"Vals.": "*"}))
    assert records(alike, "storage-cardinality-clash") == []
    partly = fields(field(PAGE, "Lead", **{"Vals.": ""}), field(NEWS, "Lead", **{"Vals.": "1"}))
    assert records(partly, "storage-cardinality-clash") == []
    assert records(partly, "storage-cardinality-blank") == [(2, 3)]


def test_fields_without_a_machine_name_share_no_storage() -> None:
    rows = [
        field(on, "Title", kind, **{"Machine name": "-"})
        for on, kind in ((PAGE, "Entity label"), (NEWS, "Link"))
    ]
    assert records(fields(*rows), "storage-type-clash") == []


@pytest.mark.parametrize(
    ("notes", "stated"),
    [
        ("Options: Left, Right", True), ("Options include Auto and Manual", True), ("left|Left\nright|Right", True),
        ("Allowed values: 1, 2", True), ("Small, Medium, Large", True), ("One\nTwo\nThree", True),
        ("Sizes: small / large", True), ("", False), ("Render according to size selected", False),
        ("List of patterns (TBD which patterns) that add a class", False), ("Ask the client.", False),
    ],
)  # fmt: skip
def test_list_fields_state_their_options(notes: str, stated: bool) -> None:
    spec = fields(field(PAGE, "Align", "List (text)", **{"Settings/notes": notes}))
    assert records(spec, "list-without-options") == ([] if stated else [(2,)])


def test_a_template_without_notes_has_no_place_for_options() -> None:
    header = ["Bundle", "Field label", "Machine name", "Field type"]
    spec = load(csv_file("Fields.csv", [header, [PAGE, "Align", "field_align", "List (text)"]]))
    assert records(spec, "list-without-options") == []


def test_fields_need_a_type() -> None:
    assert records(fields(field(PAGE, "Lead", ""), field(PAGE, "Body", "-")), "field-type-missing") == [
        (2, 3)
    ]


@pytest.mark.parametrize(
    ("name", "refused"),
    [
        ("field_lead", False),
        ("field-lead", True),
        ("Field lead", True),
        ("f" * 32, False),
        ("f" * 33, True),
        ("-", False),
    ],
)
def test_machine_names_that_drupal_refuses(name: str, refused: bool) -> None:
    spec = fields(field(PAGE, "Lead", **{"Machine name": name}))
    assert records(spec, "machine-name-refused") == ([(2,)] if refused else [])


def test_image_styles_may_start_with_a_digit_and_menus_may_have_hyphens() -> None:
    spec = load(
        tab("Imagestyles", {"Style name": "42x42", "Machine name": "42x42"}),
        tab("Menus", {"Title": "Main", "Machine name": "main-menu"}),
    )
    assert coded(spec, "machine-name-refused") == []


def test_approved_bundles_need_fields_unless_they_are_vocabularies_or_say_so() -> None:
    bundles = tab(
        "Bundles",
        bundle("Page"),
        bundle("Empty"),
        bundle("Deleted", x="d"),
        bundle("Tags", "Vocabulary"),
        bundle("Rule", "Paragraph type", **{"Settings/notes": "No fields needed for this bundle"}),
    )
    spec = load(bundles, tab("Fields", field(PAGE, "Lead", x="d")))
    assert records(spec, "bundle-without-fields") == [(3,)]
    assert coded(load(bundles), "bundle-without-fields") == []


def test_an_approved_row_may_wait_on_a_held_bundle() -> None:
    bundles = tab("Bundles", bundle("Page"), bundle("Author", "Vocabulary", x="w"))
    rows = [field(PAGE, "Author", x=x, **{"Ref. bundle": "Author (Vocabulary)"}) for x in "adwx"]
    assert records(load(bundles, tab("Fields", *rows)), "waits-on-held") == [(2,)]


@pytest.mark.parametrize(
    ("x", "said"),
    [("W", "X is “w”"), ("later", "X is “later”"), ("", "its X is blank")],
    ids=["w", "later", "blank"],
)
def test_what_is_waited_for_is_said_with_its_own_code(x: str, said: str) -> None:
    bundles = tab("Bundles", bundle("Page"), bundle("Author", "Vocabulary", x=x))
    spec = load(bundles, tab("Fields", field(PAGE, "Author", **{"Ref. bundle": "Author (Vocabulary)"})))
    assert said in coded(spec, "waits-on-held")[0].message


def test_rows_of_one_key_are_kept_and_warned_of() -> None:
    spec = fields(field(PAGE, "Lead"), field("page (content type)", "Lead"), field(NEWS, "Lead"))
    assert records(spec, "duplicate-key") == [(2, 3)]
    assert [row.record for row in spec.rows("fields")] == [2, 3, 4]


def test_displays_are_told_apart_by_the_id_of_their_view() -> None:
    rows = [
        {"View": "Content", "Title": "Master", "Machine name": "default", "View ID": id_}
        for id_ in ("content", "content_2", "content_3")
    ]
    spec = load(tab("CustomViewsDisplays", *rows))
    assert coded(spec, "duplicate-key") == []


@pytest.mark.parametrize(
    ("note", "code"),
    [
        ("Need more information from the client", "open-question"),
        ("NEEDS MORE INFO", "open-question"),
        ("More information needed", "open-question"),
        ("Link text: More information", None),
        ("Colours TBD", "unconfirmed"),
        ("Needs to be confirmed", "unconfirmed"),
        ("Show a confirmation page", None),
    ],
)
def test_notes_that_leave_something_open(note: str, code: str | None) -> None:
    spec = fields(field(PAGE, "Lead", **{"Settings/notes": note}))
    assert {finding.code for finding in spec.findings} & {"open-question", "unconfirmed"} == (
        {code} if code else set()
    )


def test_formula_errors_are_named_with_their_column() -> None:
    spec = fields(field(PAGE, "Lead", **{"Bundle machine name": "#N/A", "Help text": "#REF!"}))
    assert {(finding.column, finding.value) for finding in coded(spec, "formula-error")} == {
        ("Help text", "#REF!"), ("Bundle machine name", "#N/A"),
    }  # fmt: skip
    assert spec.rows("fields")[0]["bundle_machine_name"] == "page"  # the label says what the formula did not


def test_a_blank_lookup_is_derived_with_a_warning_and_a_missing_column_without() -> None:
    blank = fields(field(PAGE, "Lead"), field(PAGE, "Body", **{"Bundle machine name": "page"}))
    assert records(blank, "lookup-derived") == [(2,)]
    assert [row["bundle_machine_name"] for row in blank.rows("fields")] == ["page", "page"]
    header = ["Bundle", "Field label", "Machine name", "Field type"]
    without = load(BUNDLES, csv_file("Fields.csv", [header, [PAGE, "Lead", "field_lead", "Link"]]))
    assert records(without, "lookup-derived") == []
    assert [row["bundle_machine_name"] for row in without.rows("fields")] == ["page"]
    assert "page" not in dict(without.rows("fields")[0].facts()).values()


def test_trouble_out_of_scope_is_info_and_folded_apart() -> None:
    spec = fields(
        field(PAGE, "A", ""),
        field(PAGE, "B", "", x="d"),
        field(PAGE, "C", "", x="x"),
        field(PAGE, "D", "", x="w"),
    )
    assert {finding.severity: finding.records for finding in coded(spec, "field-type-missing")} == {
        ErrorSeverity.WARNING: (2, 5),
        ErrorSeverity.INFO: (3, 4),
    }


def test_every_finding_says_what_to_do_and_who_can() -> None:
    odd = field(
        "Pag (Content type)", "Lead Lead", "List (text)", **{"Machine name": "Lead Lead", "Help text": "#N/A"}
    )
    spec = load(
        BUNDLES,
        tab("Fields", odd, odd),
        csv_file("Domains.csv", [["Name", "Notes", "Notes"], ["a", "b", "c"]]),
    )
    assert len(spec.findings) > 5
    assert all(
        finding.actions and finding.category is ErrorCategory.USER_FIXABLE for finding in spec.findings
    )


def test_text_of_the_sheet_cannot_break_a_message() -> None:
    name = "{values} %s {0} “{x}”"
    spec = fields(field(PAGE, name, "", **{"Machine name": name}), field(f"{name} (Content type)", name))
    assert [finding.value for finding in coded(spec, "bundle-missing")] == [f"{name} (Content type)"]


def test_a_spec_of_nothing_has_no_findings() -> None:
    assert load() == Spec(())
    assert load(SourceFile("Bundles.csv", b"")).tables == ()
