"""Detection: by header over all template versions, by cells and file name only where headers tie; unsure is said."""

import csv
from collections.abc import Sequence

import pytest

from db.enums import ErrorSeverity
from tasks.core.errors import UserFixable
from tasks.core.spec.detection import Detection, detect
from tasks.core.spec.reading import read
from tasks.core.spec.references import resolve
from tests.builders.spec import HEADERS, bundle, coded, csv_file, field, load, tab

TYPES = {
    "Bundles": "bundles", "Fields": "fields", "CustomViewModes": "view_modes", "CustomViews": "views",
    "CustomViewsDisplays": "view_displays", "Imagestyles": "image_styles",
    "ResponsiveImageStyles": "responsive_image_styles", "Userroles": "user_roles", "Workflows": "workflows",
    "Workflowstates": "workflow_states", "Workflowtransitions": "workflow_transitions", "Menus": "menus",
    "ImageEffects": "image_effects", "Migrations": "migrations",
}  # fmt: skip


def detected(filename: str, header: str, *rows: str) -> Detection:
    parsed = read(csv_file(filename, list(csv.reader([header, *rows])))).parsed
    assert parsed is not None
    return detect(parsed)


@pytest.mark.parametrize(("name", "csv_type"), TYPES.items())
def test_every_tab_of_the_template_is_known_by_its_own_name(name: str, csv_type: str) -> None:
    found = detected(f"Site_{name}.csv", HEADERS[name])
    assert (found.csv_type, found.missing) == (csv_type, ())
    assert found.confidence >= 0.6


@pytest.mark.parametrize("name", sorted(TYPES.keys() - {"Userroles", "Menus"}))
def test_most_tabs_are_known_whatever_the_file_is_called(name: str) -> None:
    row = "," * HEADERS[name].count(",")
    assert detected("export (3).csv", HEADERS[name], row).csv_type == TYPES[name]


@pytest.mark.parametrize(
    ("filename", "header", "csv_type"),
    [
        # The template as first published, and as other organisations froze it.
        ("a.csv", "Name,Machine name,Type,Description", "bundles"),
        ("a.csv", "Name,Machine name,Description,Type,Moderated,Translatable,Comments,Metatags,XML sitemap", "bundles"),
        ("a.csv", "Label,Machine Name,Entity type,Description,Mod,Cmnt.", "bundles"),
        ("a.csv", "Bundle,Field label,Machine name,Field type,Required,Cardinality,Form widget,Help text", "fields"),
        ("a.csv", "Type,Bundle,Field label,Machine name,Field type,Required,Cardinality,Form widget", "fields"),
        ("a.csv", "Content type,Label,Machine name,Field type,Ref bundle,Req,Values", "fields"),
        ("Views.csv", "Name,Machine name,Base table,Status,Description", "views"),
        ("Views displays.csv", "View,Title,Machine name,Display plugin", "view_displays"),
        ("Custom views displays.csv", "View,Display,Machine name,Plugin,View machine name", "view_displays"),
        ("a.csv", "Style name,Machine name", "image_styles"),
        ("Image styles.csv", "Name,Machine name,Notes", "image_styles"),
        ("a.csv", "Image style,Effect,Summary", "image_effects"),
        ("User roles.csv", "Name,Machine name", "user_roles"),
        ("a.csv", "Role,Machine name,Permissions", "user_roles"),
        ("Menus.csv", "Name,Machine name,Description", "menus"),
        ("Menus.csv", "Label,Machine name,Description", "menus"),
        ("a.csv", "Menu name,Machine name,Description", "menus"),
        ("a.csv", "View mode,Entity type,Notes", "view_modes"),
        ("a.csv", "Workflow,State,Machine name", "workflow_states"),
        ("a.csv", "Workflow,Transition,Machine name,From,To", "workflow_transitions"),
        ("a.csv", "Responsive image style,Machine name,Breakpoint group,Fallback image style,Image styles",
         "responsive_image_styles"),
        ("Migrations.csv", "Migration,Source,Destination,Notes", "migrations"),
        ("Migrations.csv", "What,From where,Who", "migrations"),
        ("Migration mappings.csv", "Source field,Destination field,Process,Notes", "migration_mappings"),
        ("Settings.csv", "Setting,Value,Notes", "settings"),
    ],
)  # fmt: skip
def test_headers_of_other_templates(filename: str, header: str, csv_type: str) -> None:
    assert detected(filename, header).csv_type == csv_type


def test_workflows_with_the_header_of_bundles_are_told_by_their_cells() -> None:
    assert (
        detected("a.csv", "Name,Machine name,Type", "Editorial,editorial,Content moderation").csv_type
        == "workflows"
    )
    assert detected("a.csv", "Name,Machine name,Type", "Page,page,Content type").csv_type == "bundles"


@pytest.mark.parametrize(
    ("names", "csv_type"),
    [
        (("anonymous", "authenticated", "site_manager"), "user_roles"),
        (("main", "footer", "quick-links"), "menus"),
        (("main", "administrator"), "custom"),
    ],
)
def test_roles_and_menus_are_told_by_those_that_every_site_has(names: Sequence[str], csv_type: str) -> None:
    rows = [f"{name},{name}" for name in names]
    assert detected("tab 7.csv", "Name,Machine name", *rows).csv_type == csv_type


def test_names_that_hold_other_names_do_not_mislead() -> None:
    assert detected("CustomViewsDisplays.csv", HEADERS["CustomViewsDisplays"]).csv_type == "view_displays"
    assert detected("Views.csv", HEADERS["Fields"]).csv_type == "fields"
    assert detected("ResponsiveImageStyles.csv", "Name,Machine name").csv_type != "responsive_image_styles"


def test_a_detection_says_why_and_how_sure() -> None:
    sure, tied = detected("a.csv", HEADERS["Fields"]), detected("Userroles.csv", HEADERS["Userroles"])
    assert sure.confidence > tied.confidence
    assert "field_type" in sure.reasons[0]
    assert tied.reasons[-1] == "the file name decides between equals"


def test_a_tie_that_nothing_decides_asks() -> None:
    spec = load(csv_file("tab 7.csv", [["Name", "Machine name"], ["Editor", "editor"]]))
    (finding,) = coded(spec, "type-unsure")
    assert finding.severity is ErrorSeverity.WARNING
    assert "--as" in finding.actions[0]
    assert "menus" in finding.actions[0]


def test_a_header_that_nobody_knows_blocks_with_one_message() -> None:
    spec = load(csv_file("prices.csv", [["Colour", "Size", "Price"], ["red", "XL", "3"]]))
    assert [(finding.code, finding.severity) for finding in spec.findings] == [
        ("header-unknown", ErrorSeverity.BLOCKING)
    ]
    assert spec.tables == ()
    assert "Colour" in spec.findings[0].message


def test_a_person_can_say_what_a_file_is() -> None:
    file = csv_file("prices.csv", [["Colour", "Size", "Price"], ["red", "XL", "3"]])
    spec = load(file, types={"prices.csv": "custom"})
    assert spec.blocking == []
    assert [(table.csv_type, table.confidence) for table in spec.tables] == [("custom", 1.0)]
    assert list(spec.rows("custom")[0].facts()) == [("Colour", "red"), ("Size", "XL"), ("Price", "3")]


def test_a_type_that_nobody_knows_is_refused() -> None:
    with pytest.raises(UserFixable, match="no tab type “bundels”"):
        load(tab("Bundles", bundle("Page")), types={"Bundles.csv": "bundels"})


def test_a_tab_of_ones_own_is_custom_and_said_so() -> None:
    spec = load(
        csv_file("Domains.csv", [["Name", "Hostname", "X", "Notes"], ["Main", "example.edu", "a", ""]])
    )
    assert [table.csv_type for table in spec.tables] == ["custom"]
    assert [finding.severity for finding in coded(spec, "custom-tab")] == [ErrorSeverity.INFO]


def test_a_missing_column_is_a_warning() -> None:
    spec = load(
        csv_file(
            "Fields.csv", [["Field label", "Machine name", "Field type", "Help text"], ["A", "a", "Link", ""]]
        )
    )
    assert [finding.severity for finding in coded(spec, "column-missing")] == [ErrorSeverity.WARNING]


def test_several_files_of_one_type_are_one_tab() -> None:
    spec = load(
        tab("Bundles", bundle("Page"), filename="Bundles.csv"),
        tab("Fields", field("Page (Content type)", "Lead"), filename="Fields 1.csv"),
        tab("Fields", field("Page (Content type)", "Lead"), filename="Fields 2.csv"),
    )
    assert [row.file for row in spec.rows("fields")] == ["Fields 1.csv", "Fields 2.csv"]
    (finding,) = coded(spec, "duplicate-key")
    assert (finding.file, finding.records) == ("Fields 1.csv", (2,))
    assert "Fields 2.csv record 2" in finding.message


def test_of_two_headers_of_one_meaning_the_usual_one_counts() -> None:
    header = "Bundle,Field label,Machine name,Field type,Description,Help text"
    found = detected("a.csv", header)
    assert found.columns["help_text"] == 5


PERMISSIONS = csv_file(
    "Permissions.csv",
    [["Role", "Permission", "X"], ["Editor", "edit any page", "a"], ["Nobody", "edit any page", "a"]],
)
ROLES = tab("Userroles", {"Name": "Editor", "Machine name": "editor", "X": "a"})


def test_a_person_can_declare_the_parent_of_a_custom_tab() -> None:
    spec = load(PERMISSIONS, ROLES, types={"Permissions.csv": "custom:user_roles:Role"})
    references = resolve(spec)
    known, unknown = spec.rows("custom:user_roles:Role")
    assert [row["name"] for row in references.children(spec.rows("user_roles")[0])] == ["edit any page"]
    assert references.parent(known) == spec.rows("user_roles")[0]
    assert references.parent(unknown) is None
    assert [(finding.value, finding.records) for finding in coded(spec, "reference-unresolved")] == [
        ("Nobody", (3,))
    ]


def test_a_declared_column_must_be_there() -> None:
    spec = load(PERMISSIONS, ROLES, types={"Permissions.csv": "custom:user_roles:Who"})
    assert [finding.severity for finding in coded(spec, "column-missing")] == [ErrorSeverity.WARNING]


@pytest.mark.parametrize(
    "csv_type", ["custom:nothing:Role", "custom:user_roles", "custom:user_roles: ", "own:user_roles:Role"]
)
def test_a_declaration_that_makes_no_sense_is_refused(csv_type: str) -> None:
    with pytest.raises(UserFixable, match="no tab type"):
        load(PERMISSIONS, types={"Permissions.csv": csv_type})
