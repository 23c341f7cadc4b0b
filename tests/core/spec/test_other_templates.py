"""A spec of another organisation, on an early template: no X, Type and Bundle apart, files split by kind."""

import pytest

from tasks.core.settings import RowAction
from tasks.core.spec.model import SourceFile, Spec
from tasks.core.spec.references import resolve
from tests.builders.spec import coded, load

FIELDS = "Type,Bundle,Field label,Machine name,Field type,Required,Cardinality,Form widget,Translatable"
FILES = {
    "content_model_bundles.csv": """Name,Machine name,Type,Description
Detail Page,detail_page,Content type,"Static pages, where no other type fits."
Alert,alert,Custom block type,A box.
Alert,alert,Paragraph type,"Reusable, or not."
Q&A,q_a,Content type,
Q&A,q_a,Paragraph type,
Sections,administration,Vocabulary,
Video,video,Media type,Hosted elsewhere
""",
    "content_model_content_type_fields.csv": f"""{FIELDS}
Content type,Detail Page,Alert,field_alert,Entity reference,,1,Select list,Translatable
Content type,Detail Page,Page sections,field_content_block,Entity reference revisions,,Unlimited,Paragraphs,Translatable
Content type,Q&amp;A,Answer,field_answer,Entity reference revisions,Required,1,Paragraphs,
Content type,Q&A,Section,field_administration,Entity reference,Required,1,Select list,Translatable
""".replace("Q&amp;A", "Q & A"),
    "content_model_paragraph_fields.csv": f"""{FIELDS}
Paragraph type,Alert,Type,field_alert_type,List (text),Required,1,Select list,Translatable
Paragraph type,q&a,Question,field_question,Text (plain),Required,1,Textfield,Translatable
""",
    "content_model_block_fields.csv": f"""{FIELDS}
Block type,Alert,Title,field_alert_title,Text (plain),Required,1,-- Disabled --,
Block type,Alert,Title,field_alert_title,Text (plain),Required,1,-- Disabled --,
""",
    "content_model_user_fields.csv": f"""{FIELDS}
User,User,Last saved,field_last_saved,Date,,1,Date and time,
""",
    "views.csv": """Name,Machine name,Base table,Status,Description
Content,content,Content,Enabled,Find and manage content.
Content,content_recent,Content,Disabled,
""",
    "views_displays.csv": """View,Title,Machine name,Display plugin
Content,Master,default,Master
Content,Page,page_1,Page
Content,Master,default,Master
Watchdog,Page,page,Page
""",
    "image_styles.csv": """Style name,Machine name
2:1 large,2_1_large
Large (480×480),large
""",
    "image_effects.csv": """Image style,Effect,Summary
2:1 large,Manual crop,uses 2:1 crop type
2:1 large,Scale and crop,1024×512
large,Scale,480×480
""",
    "menus.csv": """Name,Machine name,Description
Footer bottom,footer-bottom,Links at the very end
""",
    "access_control_roles.csv": """Name,Machine name
Content admin,content_admin
""",
    "workflow.csv": """Label,Machine name,Type
Editorial workflow,editorial,Content moderation
""",
    "workflow_states.csv": """Workflow,Label,Machine name
Editorial workflow,Draft,draft
Editorial workflow,Staged,approved_by_reviewer
""",
    "workflow_transitions.csv": """Workflow,Label,Machine name,From state,To state
Editorial workflow,Stage for publishing,stage_for_publishing,Draft,Staged
""",
}  # fmt: skip


@pytest.fixture(scope="module")
def spec() -> Spec:
    return load(*(SourceFile(name, text.encode()) for name, text in FILES.items()))


def test_every_file_is_recognised_and_nothing_blocks(spec: Spec) -> None:
    assert [table.csv_type for table in spec.tables] == [
        "bundles", "fields", "fields", "fields", "fields", "views", "view_displays", "image_styles", "image_effects",
        "menus", "user_roles", "workflows", "workflow_states", "workflow_transitions",
    ]  # fmt: skip
    assert spec.blocking == []


def test_without_x_all_is_in_scope_and_said_so_per_file(spec: Spec) -> None:
    assert {row.action for table in spec.tables for row in table.rows} == {RowAction.BUILD}
    assert len(coded(spec, "scope-without-x")) == len(FILES)


def test_fields_find_their_bundle_by_name_and_kind(spec: Spec) -> None:
    references = resolve(spec)
    found = [(row["field_label"], references.parent(row)) for row in spec.rows("fields")]
    assert [(label, parent and f"{parent['name']} ({parent['type']})") for label, parent in found] == [
        ("Alert", "Detail Page (Content type)"),
        ("Page sections", "Detail Page (Content type)"),
        ("Answer", None),  # “Q & A” is spelled otherwise: a warning with the candidate, and no guess
        ("Section", "Q&A (Content type)"),
        ("Type", "Alert (Paragraph type)"),
        ("Question", "Q&A (Paragraph type)"),
        ("Title", "Alert (Custom block type)"),
        ("Title", "Alert (Custom block type)"),
        ("Last saved", None),  # users have fields and no bundles
    ]


def test_what_is_odd_is_a_warning_and_all_rows_are_kept(spec: Spec) -> None:
    assert [finding.value for finding in coded(spec, "reference-unresolved")] == ["Q & A", "Watchdog"]
    assert [finding.records for finding in coded(spec, "duplicate-key")] == [(2, 3), (2, 4)]
    assert len(spec.rows("view_displays")) == 4
    assert coded(spec, "list-without-options") == []  # the template has no place for them


def test_effects_follow_their_style_by_label_or_machine_name(spec: Spec) -> None:
    references = resolve(spec)
    assert [parent and parent["machine_name"] for parent in map(references.parent, spec.rows("image_effects"))] == [
        "2_1_large", "2_1_large", "large",
    ]  # fmt: skip
