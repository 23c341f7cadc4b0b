"""The writer that needs no model."""

from collections.abc import Callable, Mapping

import pytest
from hypothesis import given, settings

from tasks.core.settings import SessionSettings
from tasks.core.spec.model import SourceFile, Spec
from tasks.core.tickets.checks import check
from tasks.core.tickets.facts import META
from tasks.core.tickets.model import PlannedTicket, Prose
from tasks.core.tickets.offline import write
from tasks.core.tickets.planning import plan_tickets
from tests.builders.spec import bundle, field, lakeside, load, tab, uwec
from tests.builders.tickets import WITH_REMOVALS, article, plan, the_ticket
from tests.builders.tickets import settings as choosing
from tests.core.tickets.wild import wild_specs

ARTICLE = "Article (Content type)"
DISPLAY = {"View": "News", "Title": "List", "Machine name": "list", "X": "a", "Display plugin": "Block"}
VIEW = {"View name": "News", "Machine name": "news", "X": "a", "Base table": "Content", "Status": "Enabled"}


def text(ticket: PlannedTicket) -> str:
    prose = write(ticket)
    assert check(ticket, prose) == []
    return "\n".join([prose.title, prose.story, *prose.criteria])


def role(name: str, machine_name: str, **more: str) -> SourceFile:
    return tab("Userroles", {"Name": name, "Machine name": machine_name, "X": "a"} | more)


# One text per kind and action


@pytest.mark.parametrize(
    ("files", "title"),
    [
        ([tab("Bundles", bundle("Article"))], "Create content type: Article"),
        ([tab("Bundles", bundle("Image", "Media type"))], "Create media type: Image"),
        ([tab("Bundles", bundle("Tags", "Vocabulary", x="c"))], "Change vocabulary: Tags"),
        ([tab("Bundles", bundle("Old", "Custom block type", x="d"))], "Remove custom block type: Old"),
        ([tab("Fields", field(ARTICLE, "Body"))], "Configure 1 field on Article (content type)"),
        (
            [tab("Bundles", bundle("Article", x="x")), tab("Fields", field(ARTICLE, "Body"), field(ARTICLE, "Tags"))],
            "Extend content type Article with 2 fields",
        ),
        (
            [tab("Bundles", bundle("Article", x="x")), tab("Fields", field(ARTICLE, "Body", x="c"))],
            "Change 1 field on Article (content type)",
        ),
        (
            [tab("Bundles", bundle("Article", x="x")), tab("Fields", field(ARTICLE, "Body", x="d"))],
            "Remove 1 field from Article (content type)",
        ),
        ([tab("CustomViews", VIEW), tab("CustomViewsDisplays", DISPLAY)], "Create view: News"),
        ([tab("CustomViewsDisplays", DISPLAY)], "Configure 1 view display on News (view)"),
        (
            [tab("CustomViews", VIEW | {"X": "x"}), tab("CustomViewsDisplays", DISPLAY)],
            "Extend view News with 1 view display",
        ),
        (
            [tab("Workflows", {"Label": "Main", "Machine name": "main", "Type": "Content moderation", "X": "a"})],
            "Create workflow: Main",
        ),
        (
            [tab("Imagestyles", {"Style name": "Hero", "Machine name": "hero", "X": "a"})],
            "Create image style: Hero",
        ),
        (
            [tab("ImageEffects", {"Image style": "Hero", "Effect": "Scale", "X": "a"})],
            "Configure 1 image effect on Hero (image style)",
        ),
        (
            [tab("ResponsiveImageStyles", {"Responsive style": "Big", "Machine Name": "big", "X": "a"})],
            "Create responsive image style: Big",
        ),
        (
            [tab("CustomViewModes", {"View Modes": "Card", "Entity Type": "Media type", "X": "a"})],
            "Configure 1 view mode on Media type (entity type)",
        ),
        ([role("Editor", "editor")], "Create user role: Editor"),
        ([role("Administrator", "administrator")], "Set up core user role: Administrator"),
        ([tab("Menus", {"Title": "Main", "Machine name": "main", "X": "a"})], "Create menu: Main"),
        ([tab("Migrations", {"Name": "Jobs", "Source": "D7", "X": "a"})], "Create migration: Jobs"),
    ],
)  # fmt: skip
def test_each_kind_and_action_has_its_title(files: list[SourceFile], title: str) -> None:
    ticket = the_ticket(*files, settings=WITH_REMOVALS)
    assert write(ticket).title == title
    assert check(ticket, write(ticket)) == []


def test_a_content_type_reads_like_a_ticket() -> None:
    ticket = article(
        {"label": "Teaser", "Req'd": "y"},
        {"label": "Image", "kind": "Entity reference", "Ref. bundle": "Image (Media type)"},
        **{
            "Description": "Add news of the college.",
            "Mod.": "y",
            "Layout": "n",
            "URL alias pattern": "news/[node:title]",
        },
    )
    prose = write(ticket)
    assert prose.story == (
        "As a content editor, I want the content type “Article” so that I can add news of the college."
    )
    assert prose.criteria == (
        "An editor with permission can create, edit and delete “Article” content.",
        "A new “Article” gets its address by the pattern `news/[node:title]`.",
        "Set up: content moderation.",
        "Not set up: layout builder.",
        "Left as it is until the spec answers: translation, migrated content, meta tags, scheduling "
        "and the search index.",
        "Saving is refused, with a message at the field, while one of these is empty: “Teaser”.",
        "Reference fields offer only what the table allows: Image (Media type).",
        "The configuration is exported and imports without changes on another environment.",
    )
    assert ticket.structural_criteria == (
        "Content type “Article” (`article`) exists.",
        "Field “Teaser” (`field_teaser`) exists: Text (plain), required, one value.",
        "Field “Image” (`field_image`) exists: Entity reference, to Image (Media type), optional, one value.",
    )


def test_transitions_are_told_by_what_they_lead_to() -> None:
    row = {"Workflow": "Main", "Label": "Publish", "Machine name": "publish", "To state": "Live", "X": "a"}
    ticket = the_ticket(
        tab("Workflowtransitions", *(row | {"From state": state} for state in ("Draft", "Review", "Live")))
    )
    assert "The transition “Publish” leads from Draft, Review and Live to Live." in write(ticket).criteria
    assert (
        ticket.structural_criteria[0]
        == "Workflow transition “Publish” (`publish`) exists: from Draft, to Live."
    )


def test_image_styles_are_told_by_their_effects() -> None:
    ticket = the_ticket(
        tab(
            "Imagestyles",
            {"Style name": "Hero", "Machine name": "hero", "X": "a", "Notes": "Scale to 100x50."},
        ),
        tab("ImageEffects", {"Image style": "Hero", "Effect": "Convert", "Summary": "to WebP", "X": "a"}),
    )
    assert "“Hero” gives an image with: Scale to 100x50." in write(ticket).criteria
    assert "“Hero” applies, in this order: Convert (to WebP)." in write(ticket).criteria


def test_several_bundles_in_one_ticket_are_told_together() -> None:
    files = [tab("Bundles", bundle("Article"), bundle("Page")), tab("Fields", field(ARTICLE, "Body", x="a"))]
    prose = write(the_ticket(*files, settings=choosing(bundles="group")))
    assert prose.title == "Create 2 bundles and 1 field: Content type"
    assert prose.criteria[:2] == (
        "Each of these is as its row says: “Article” and “Page”.",
        "Every field of the table belongs to what its row names.",
    )


@pytest.mark.parametrize("machine_name", ["administrator", "anonymous", "authenticated"])
def test_roles_of_drupal_itself_are_configured_and_never_created(machine_name: str) -> None:
    prose = write(the_ticket(role(machine_name.title(), machine_name)))
    assert "comes with Drupal: it is configured, not created" in prose.criteria[0]


def test_a_title_field_is_labelled_and_not_created() -> None:
    ticket = article({"label": "Headline", "kind": "Entity label", "Machine name": "-"})
    assert ticket.structural_criteria[1] == (
        "The title of “Article (Content type)” is labelled “Headline”; there is no field to create."
    )


# What a cell says, and only that


def test_a_blank_flag_is_unanswered_and_never_a_no() -> None:
    prose = write(article(**{"Mod.": "", "Layout": "n", "Trns.": "-"}))
    left = next(line for line in prose.criteria if line.startswith("Left as it is"))
    assert "content moderation" in left
    assert "Not set up: layout builder." in prose.criteria
    assert "translation" not in "\n".join(prose.criteria)


def test_an_answer_that_is_neither_yes_nor_no_is_quoted() -> None:
    assert "As the spec marks it: the search index “f”." in text(article(**{"Srch.": "f"}))


def test_blank_cells_of_a_field_say_nothing() -> None:
    blank = {"Req'd": "", "Vals.": "", "Field type": ""}
    assert article({"label": "Body"} | blank).structural_criteria[1] == "Field “Body” (`field_body`) exists."


FIELD_CELLS: Mapping[str, tuple[str, str]] = {
    "Field type": ("Link", "Boolean"),
    "Req'd": ("y", "n"),
    "Vals.": ("1", "*"),
    "Form widget": ("Link", "Checkbox"),
    "Reused Field": ("y", "n"),
    "Help text": ("", "Keep it short."),
    "Field group": ("", "Sidebar"),
    "Ref. bundle": ("", "Image (Media type)"),
    "Machine name": ("field_one", "field_two"),
    "Field label": ("One", "Two"),
    "Settings/notes": ("", "Anything."),
}


@pytest.mark.parametrize("column", FIELD_CELLS)
def test_changing_one_cell_of_a_field_changes_only_what_is_said_about_it(column: str) -> None:
    def of(value: str) -> PlannedTicket:
        rows = [
            field(ARTICLE, "First", **{column: value}),
            field(ARTICLE, "Last", **{"Req'd": "y", "Vals.": "2"}),
        ]
        return the_ticket(tab("Fields", *rows))

    before, after = (of(value) for value in FIELD_CELLS[column])
    assert before.structural_criteria[1] == after.structural_criteria[1]
    assert write(before).title == write(after).title
    assert len(_changed(write(before), write(after))) <= (5 if column == "Field label" else 1)


def _changed(before: Prose, after: Prose) -> set[str]:
    return set(after.criteria) - set(before.criteria)


BUNDLE_FLAGS = ("Mod.", "Layout", "Trns.", "Migr.", "Meta", "Sched.", "Srch.")


@pytest.mark.parametrize("column", BUNDLE_FLAGS)
@pytest.mark.parametrize("change", [("y", "n"), ("y", ""), ("", "n"), ("n", "f")])
def test_changing_one_flag_changes_the_two_lines_it_moves_between(
    column: str, change: tuple[str, str]
) -> None:
    others = {flag: "ynf"[at % 3] for at, flag in enumerate(BUNDLE_FLAGS)}
    before, after = (write(article(**others | {column: value})) for value in change)
    assert (before.title, before.story) == (after.title, after.story)
    assert 1 <= len(_changed(before, after)) <= 2


NAMES = {
    "name",
    "type",
    "machine_name",
    "label",
    "title",
    "view",
    "view_mode",
    "field_label",
    "description",
    *META,
}
FLIPPED = {"y": "n", "n": "y"}


@pytest.mark.parametrize("spec", [uwec, lakeside])
def test_changing_any_cell_changes_what_is_said_about_it_alone(spec: Callable[[], Spec]) -> None:
    """A cell is said in one criterion, or moves between two; a third may only move up. Names stand elsewhere too."""
    said = 0
    for ticket in plan_tickets(spec(), SessionSettings()).tickets:
        before = write(ticket)
        for at, row in enumerate(ticket.rows[:6]):
            for column in set(row) - NAMES:
                changed = {**row, column: FLIPPED.get(row[column], "Something else")}
                rows = (*ticket.rows[:at], changed, *ticket.rows[at + 1 :])
                after = write(ticket.model_copy(update={"rows": rows}))
                assert len(_changed(before, after)) <= 3, (ticket.key, at, column)
                if ticket.kind != "setting":
                    assert (before.title, before.story) == (after.title, after.story), (ticket.key, column)
                said += before != after
    assert said > 200


# Always


@pytest.mark.parametrize("spec", [uwec, lakeside])
def test_every_ticket_of_the_real_specs_keeps_every_rule(spec: Callable[[SessionSettings], Spec]) -> None:
    for scope in (SessionSettings(), WITH_REMOVALS):
        planned = plan_tickets(spec(scope), scope).tickets
        assert {
            ticket.key: problems for ticket in planned if (problems := check(ticket, write(ticket)))
        } == {}
        assert len({write(ticket).title for ticket in planned}) == len(planned)


@given(files=wild_specs())
@settings(max_examples=60, deadline=None)
def test_no_cell_makes_a_text_break_a_rule(files: list[SourceFile]) -> None:
    for ticket in plan_tickets(load(*files, settings=WITH_REMOVALS), WITH_REMOVALS).tickets:
        prose = write(ticket)
        assert check(ticket, prose) == []
        assert write(ticket) == prose


def test_a_name_that_cannot_be_spoken_is_called_by_its_record() -> None:
    ticket = plan(tab("Bundles", bundle("TBD", **{"Machine name": "x_" * 150}))).tickets[0]
    assert write(ticket).title == "Create content type: record 2"
