"""References: by label or machine name, in any case, with or without the type, over all files of a session."""

import pytest

from db.enums import ErrorSeverity
from tasks.core.spec.model import SourceFile, Spec
from tasks.core.spec.references import resolve
from tests.builders.spec import bundle, coded, csv_file, field, load, tab

BUNDLES = tab(
    "Bundles",
    bundle("Landing page"),
    bundle("Image", "Media type"),
    bundle("Image", "Paragraph type"),
    bundle("Promo (wide)", "Custom block type"),
    bundle("Tags", "Vocabulary"),
)


def fields(*refs: str) -> SourceFile:
    rows = (
        field("Landing page (Content type)", f"F{at}", **{"Ref. bundle": ref}) for at, ref in enumerate(refs)
    )
    return tab("Fields", *rows)


def targets(spec: Spec, column: str = "ref_bundle", csv_type: str = "fields") -> list[list[str]]:
    references = resolve(spec)
    return [
        [f"{t['name']}/{t['type']}" for t in references.targets(row, column)] for row in spec.rows(csv_type)
    ]


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("Image (Media type)", ["Image/Media type"]),
        ("IMAGE  (media TYPE)", ["Image/Media type"]),
        ("image (paragraph)", ["Image/Paragraph type"]),
        ("Landing page", ["Landing page/Content type"]),
        ("landing_page", ["Landing page/Content type"]),
        ("landing_page (Content type)", ["Landing page/Content type"]),
        ("Promo (wide) (Custom block type)", ["Promo (wide)/Custom block type"]),
        ("Promo (wide) (Block type)", ["Promo (wide)/Custom block type"]),
        ("Promo (wide)", ["Promo (wide)/Custom block type"]),
        ("Tags (Taxonomy)", ["Tags/Vocabulary"]),
        (
            "Tags (Vocabulary), Image (Media type)\nLanding page",
            ["Tags/Vocabulary", "Image/Media type", "Landing page/Content type"],
        ),
        ("-", []),
        ("#N/A", []),
    ],
)
def test_a_reference_resolves_however_it_is_written(cell: str, found: list[str]) -> None:
    spec = load(BUNDLES, fields(cell))
    assert targets(spec) == [found]
    assert coded(spec, "reference-unresolved") == []


@pytest.mark.parametrize(
    "cell", ["All", "All except Hero", "any", "Content type", "Paragraph types", "User", "N/A", "none"]
)
def test_wildcards_and_things_that_are_no_bundles_are_no_trouble(cell: str) -> None:
    spec = load(BUNDLES, fields(cell))
    assert targets(spec) == [[]]
    assert [finding for finding in spec.findings if "reference" in finding.code] == []


def test_what_does_not_resolve_names_place_value_and_candidates() -> None:
    spec = load(BUNDLES, fields("Imgae (Media type)", "Tags", "Imgae (Media type)"))
    (finding,) = coded(spec, "reference-unresolved")
    assert (finding.file, finding.records, finding.column) == ("Fields.csv", (2, 4), "Ref. bundle")
    assert finding.value == "Imgae (Media type)"
    assert "“Image (Media type)”" in finding.actions[0]


def test_a_bare_name_of_several_kinds_asks_which() -> None:
    spec = load(BUNDLES, fields("Image"))
    assert targets(spec) == [[]]
    assert [finding.value for finding in coded(spec, "reference-ambiguous")] == ["Image"]


def test_type_and_bundle_in_two_columns() -> None:
    header = ["Type", "Bundle", "Field label", "Machine name", "Field type"]
    rows = [
        ["Media type", "Image", "Alt", "field_alt", "Text (plain)"],
        ["Paragraph type", "image", "Alt", "field_alt", "Link"],
    ]
    spec = load(BUNDLES, csv_file("Fields.csv", [header, *rows]))
    assert targets(spec, "bundle") == [["Image/Media type"], ["Image/Paragraph type"]]
    assert spec.blocking == []
    assert coded(spec, "storage-type-clash") == []  # two entity types, two storages
    assert coded(spec, "duplicate-key") == []


def test_without_the_tab_of_bundles_nothing_is_checked_against_it() -> None:
    assert [
        finding for finding in load(fields("Nowhere (Media type)")).findings if "missing" in finding.code
    ] == []


def test_a_field_whose_bundle_exists_nowhere_blocks() -> None:
    spec = load(BUNDLES, tab("Fields", field("Landing pag (Content type)", "Lead")))
    (finding,) = spec.blocking
    assert (finding.code, finding.records, finding.value) == (
        "bundle-missing",
        (2,),
        "Landing pag (Content type)",
    )
    assert "“Landing page (Content type)”" in finding.actions[0]


@pytest.mark.parametrize(
    ("on", "x", "severity"),
    [
        ("Landing pag (Content type)", "d", ErrorSeverity.INFO),  # out of scope
        (
            "Pass (Commerce product)",
            "a",
            ErrorSeverity.WARNING,
        ),  # the tab of bundles has nothing of that kind
        ("Image (Content type)", "a", ErrorSeverity.WARNING),  # the name is there, under other kinds
    ],
)
def test_a_bundle_that_may_be_elsewhere_does_not_block(on: str, x: str, severity: ErrorSeverity) -> None:
    spec = load(BUNDLES, csv_file("Fields.csv", [
        ["Type", "Bundle", "Field label", "Machine name", "Field type", "X"],
        [on.split("(")[1].strip(")"), on.split(" (", maxsplit=1)[0], "Lead", "field_lead", "Link", x],
        ["Content type", "Landing page", "Lead", "field_lead", "Link", "a"],
    ]))  # fmt: skip
    found = [
        finding for finding in spec.findings if finding.code in ("bundle-missing", "reference-unresolved")
    ]
    assert [finding.severity for finding in found] == [severity]


def test_states_are_looked_for_in_their_own_workflow() -> None:
    spec = load(
        tab(
            "Workflows",
            {"Label": "News", "Machine name": "news"},
            {"Label": "Pages", "Machine name": "pages"},
        ),
        tab(
            "Workflowstates",
            {"Workflow": "News", "Label": "Draft", "Machine name": "draft"},
            {"Workflow": "Pages", "Label": "Draft", "Machine name": "draft"},
            {"Workflow": "Pages", "Label": "Live", "Machine name": "live"},
        ),
        tab(
            "Workflowtransitions",
            {
                "Workflow": "Pages",
                "Label": "Publish",
                "Machine name": "publish",
                "From state": "draft",
                "To state": "Live",
            },
            {
                "Workflow": "News",
                "Label": "Publish",
                "Machine name": "publish",
                "From state": "Draft",
                "To state": "Live",
            },
        ),
    )
    references = resolve(spec)
    pages, news = spec.rows("workflow_transitions")
    assert [t["workflow"] for t in references.targets(pages, "from_state")] == ["Pages"]
    assert [t["workflow"] for t in references.targets(news, "from_state")] == ["News"]
    assert [(finding.value, finding.records) for finding in coded(spec, "reference-unresolved")] == [
        ("Live", (3,))
    ]


def test_an_image_style_group_names_a_family() -> None:
    styles = [
        ("Card", "card"),
        ("Card 1.5x", "card_1_5x"),
        ("Card Non-WebP", "card_non_webp"),
        ("Wide 2x", "wide_2x"),
    ]
    spec = load(
        tab("Imagestyles", *({"Style name": label, "Machine name": name} for label, name in styles)),
        tab("ResponsiveImageStyles", {"Responsive style": "Card", "Machine Name": "card",
            "Fallback Style": "card non-webp", "Image Style Group(s)": "CARD, Wide,Tall"}),
    )  # fmt: skip
    references = resolve(spec)
    (row,) = spec.rows("responsive_image_styles")
    assert [t["machine_name"] for t in references.targets(row, "fallback_style")] == ["card_non_webp"]
    assert [t["machine_name"] for t in references.targets(row, "style_groups")] == [
        "card",
        "card_1_5x",
        "card_non_webp",
        "wide_2x",
    ]
    assert row["fallback_machine_name"] == "card_non_webp"
    assert row.derived == {"fallback_machine_name"}
    assert [finding.value for finding in coded(spec, "reference-unresolved")] == ["Tall"]


def test_parents_and_children_find_each_other_over_files() -> None:
    spec = load(
        BUNDLES,
        tab("Fields", field("Landing page (Content type)", "Lead"), filename="Fields 1.csv"),
        tab("Fields", field("landing page (content type)", "Body"), filename="Fields 2.csv"),
    )
    references = resolve(spec)
    page = spec.rows("bundles")[0]
    assert [child["field_label"] for child in references.children(page)] == ["Lead", "Body"]
    assert {references.parent(child) for child in references.children(page)} == {page}
