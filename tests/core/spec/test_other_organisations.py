"""Specs as other organisations keep them: a tab per kind, helper sheets, names spelled their way. Nothing blocks."""

from collections.abc import Callable

import pytest

from db.enums import ErrorSeverity
from tasks.core.settings import SessionSettings
from tasks.core.spec.model import SourceFile, Spec
from tasks.core.spec.references import resolve
from tasks.core.tickets.planning import plan_tickets
from tests.builders.spec import coded, load

BUNDLES = """Name,Machine name,Type
Article,article,Content type
Hero,hero,Paragraph type
Tags,tags,Vocabulary
"""
FIELDS = """Bundle,Field label,Machine name,Field type
Article (Content type),Body,body,Text (formatted)
"""


def csv(name: str, text: str) -> SourceFile:
    return SourceFile(f"{name}.csv", text.encode())


def parents(spec: Spec) -> list[str]:
    references = resolve(spec)
    found = map(references.parent, spec.rows("fields"))
    return [f"{row['name']} ({row['type']})" if row else "" for row in found]


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("Content types", "Name,Machine name,Description\nArticle,article,News\n", "Content type"),
        ("Acme spec - Paragraph types", "Name,Machine name,Notes\nArticle,article,\n", "Paragraph type"),
        ("Media types", "Name,Machine name,Source\nArticle,article,File\n", "Media type"),
        ("Vocabularies", "Name,Machine name\nArticle,article\n", "Vocabulary"),
        ("tab 3", "Content type,Machine name,Description\nArticle,article,News\n", "Content type"),
        ("tab 4", "Block type,Machine name\nArticle,article\n", "Custom block type"),
    ],
)
def test_a_tab_of_one_kind_of_bundle_says_its_kind_once(name: str, text: str, kind: str) -> None:
    spec = load(
        csv(name, text),
        csv("Fields", f"Bundle,Field label,Machine name,Field type\nArticle ({kind}),A,a,Link\n"),
    )
    assert [(row["name"], row["type"]) for row in spec.rows("bundles")] == [("Article", kind)]
    assert parents(spec) == [f"Article ({kind})"]
    (said,) = coded(spec, "kind-implied")
    assert kind in said.message
    assert {finding.code for finding in spec.findings} == {"kind-implied", "scope-without-x"}


def test_fields_in_a_tab_per_kind_find_the_bundle_of_that_kind() -> None:
    spec = load(
        csv("Bundles", "Name,Machine name,Type\nAlert,alert,Content type\nAlert,alert,Paragraph type\n"),
        csv("tab 1", "Paragraph type,Field label,Machine name,Field type\nAlert,Body,body,Link\n"),
        csv("tab 2", "Content type,Field label,Machine name,Field type\nalert,Body,body,Email\n"),
    )
    assert parents(spec) == ["Alert (Paragraph type)", "Alert (Content type)"]
    assert coded(spec, "reference-ambiguous") == coded(spec, "storage-type-clash") == []


@pytest.mark.parametrize(
    "bundle",
    [
        "article", "Article (node)", "Article (article)", "Article - Content type", "Article content type",
        "Content type: Article", "Content type – article", "ARTICLE (CONTENT TYPE)",
    ],
)  # fmt: skip
def test_a_bundle_is_found_however_its_kind_is_written(bundle: str) -> None:
    spec = load(csv("Bundles", BUNDLES), csv("Fields", f"{FIELDS}{bundle},More,field_more,Link\n"))
    assert parents(spec) == ["Article (Content type)"] * 2
    assert coded(spec, "reference-unresolved") == []


def test_escaped_labels_are_the_labels_they_were() -> None:
    bundles = f"{BUNDLES}Q&A,q_a,Content type\n"
    spec = load(
        csv("Bundles", bundles), csv("Fields", f"{FIELDS}Q&amp;A (Content type),Question,field_q,Link\n")
    )
    assert parents(spec)[1] == "Q&A (Content type)"


@pytest.mark.parametrize(
    "bundle", ["User", "User (User)", "Comment", "Site settings (Config page)", "Order (Commerce order type)",
               '"Article (Content type), Hero (Paragraph type)"'],
)  # fmt: skip
def test_a_field_on_something_that_is_no_bundle_of_the_spec_does_not_block(bundle: str) -> None:
    spec = load(csv("Bundles", BUNDLES), csv("Fields", f"{FIELDS}{bundle},More,field_more,Link\n"))
    assert spec.blocking == []
    assert parents(spec)[1] == ""


def test_a_field_whose_bundle_exists_nowhere_blocks() -> None:
    for bundle in ("Artcle (Content type)", "Ghost"):
        spec = load(csv("Bundles", BUNDLES), csv("Fields", f"{FIELDS}{bundle},More,field_more,Link\n"))
        assert [(finding.code, finding.records) for finding in spec.blocking] == [("bundle-missing", (3,))]


def test_bundles_that_do_not_say_their_kind_are_found_by_any() -> None:
    spec = load(csv("Bundles", BUNDLES.replace("article,Content type", "article,")), csv("Fields", FIELDS))
    assert parents(spec) == ["Article ()"]


def test_machine_names_alone_serve_as_references() -> None:
    fields = "Bundle machine name,Field label,Machine name,Field type\nhero,Title,field_title,Link\n"
    assert parents(load(csv("Bundles", BUNDLES), csv("Fields", fields))) == ["Hero (Paragraph type)"]


HELPERS = [
    csv("Acme spec - Overview", "Drupal Spec Tool,,\nProject,Acme,\n,Specified,Completed\nBundles,3,1\n"),
    csv("README", "How to use this,\nFill in the sheets,\n"),
    csv("Lists", "Field types,Widgets\nBoolean,Select list\n"),
    csv("Dropdowns", "Type,X,Field type\nContent type,a,Boolean\n"),
    csv("Change log", "Date,Who,What\n2020-01-01,AB,Created\n"),
    csv("Blank", ",,,\n,,\n"),
]


def test_helper_sheets_are_left_out_and_said_so() -> None:
    spec = load(csv("Bundles", BUNDLES), *HELPERS, csv("Fields", FIELDS))
    assert [table.csv_type for table in spec.tables] == ["bundles", "fields"]
    assert [(finding.file, finding.severity) for finding in coded(spec, "file-left-out")] == [
        (file.filename, ErrorSeverity.INFO) for file in HELPERS
    ]


def test_a_helper_sheet_is_read_where_a_person_says_what_it_is() -> None:
    spec = load(csv("Bundles", BUNDLES), HELPERS[3], types={"Dropdowns.csv": "custom"})
    assert len(spec.rows("custom")) == 1


def test_helper_sheets_alone_are_no_spec() -> None:
    assert {finding.code for finding in load(*HELPERS[:3]).blocking} == {"header-unknown"}


def test_a_tab_that_fits_many_alike_is_asked_about_and_taken_for_none_of_them() -> None:
    spec = load(csv("Text formats", "Name,Machine name,Notes\nBasic HTML,basic_html,\n"))
    assert [table.csv_type for table in spec.tables] == ["custom"]
    assert [finding.code for finding in spec.findings if finding.severity is ErrorSeverity.WARNING] == [
        "type-unsure"
    ]


def repeated(header: str, row: Callable[[int], str], count: int) -> str:
    return "\n".join([header, *map(row, range(count)), ""])


def large_spec() -> list[SourceFile]:
    """1,500 rows in 28 files, on an early template: no X, fields in 18 files, one field in ten there twice."""
    tabs = {
        "bundles": repeated("Name,Machine name,Type", lambda n: f"Bundle {n},bundle_{n},Content type", 100),
        "views": repeated("Name,Machine name,Base table", lambda n: f"V {n},v_{n},Content", 50),
        "views_displays": repeated(
            "View,Title,Machine name,Display plugin", lambda n: f"V {n % 50},Page,page_{n},Page", 150
        ),
        "image_styles": repeated("Style name,Machine name", lambda n: f"{n}:1 large,{n}_1_large", 50),
        "image_effects": repeated(
            "Image style,Effect,Summary", lambda n: f"{n % 50}:1 large,Scale,{n}×1", 100
        ),
        "menus": repeated("Name,Machine name,Description", lambda n: f"M {n},m-{n},", 30),
        "access_control_roles": "Name,Machine name\nEditor,editor\n",
        "workflow": "Label,Machine name,Type\nEditorial,editorial,Content moderation\n",
        "workflow_states": "Workflow,Label,Machine name\nEditorial,Draft,draft\n",
        "workflow_transitions": "Workflow,Label,Machine name,From state,To state\nEditorial,Save,save,Draft,Draft\n",
    }
    header, *fields = repeated(
        "Type,Bundle,Field label,Machine name,Field type",
        lambda n: f"Content type,BUNDLE {n // 10},Field,field_{n - n % 10 // 9},Link",
        1_000,
    ).splitlines()
    split = {f"type_{at}_fields": "\n".join([header, *fields[at::18]]) for at in range(18)}
    return [csv(f"content_model_{name}", text) for name, text in (tabs | split).items()]


def test_a_large_spec_of_28_files_becomes_tickets() -> None:
    files = large_spec()
    spec = load(*files)
    assert (len(files), sum(map(len, spec.tables))) == (28, 1_484)
    assert all(table.confidence >= 0.7 for table in spec.tables)
    assert spec.blocking == []
    assert len(coded(spec, "duplicate-key")) == 100
    plan = plan_tickets(spec, SessionSettings())
    placed = [
        (source.file, record)
        for ticket in plan.tickets
        for source in ticket.sources
        for record in source.records
    ]
    assert len(set(placed)) == len(placed) == 1_484
