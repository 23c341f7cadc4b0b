"""From rows to tickets."""

import pytest
from hypothesis import given, settings

from db.enums import EntityGroup
from tasks.core.settings import RowAction, SessionSettings
from tasks.core.spec.model import SourceFile
from tasks.core.tickets.model import PlannedTicket
from tasks.core.tickets.planning import plan_tickets
from tests.builders.spec import bundle, field, load, tab, uwec
from tests.builders.tickets import WITH_REMOVALS, plan, the_ticket, tickets
from tests.core.tickets.wild import wild_specs

ARTICLE = "Article (Content type)"


def places(ticket: PlannedTicket) -> set[tuple[str, int]]:
    return {(source.file, record) for source in ticket.sources for record in source.records}


def machine_names(ticket: PlannedTicket) -> list[str]:
    return [row["machine_name"] for row in ticket.rows]


# What one developer configures in one go


def test_a_bundle_and_its_fields_are_one_ticket() -> None:
    ticket = the_ticket(
        tab("Bundles", bundle("Article")), tab("Fields", field(ARTICLE, "Body"), field(ARTICLE, "Tags"))
    )
    assert (ticket.key, ticket.kind, ticket.action) == ("content_type:article:build", "bundle", "build")
    assert (ticket.name, ticket.subject) == ("Article", "content type")
    assert places(ticket) == {("Bundles.csv", 2), ("Fields.csv", 2), ("Fields.csv", 3)}
    assert [table.title for table in ticket.tables] == [
        "Bundles, from Bundles.csv",
        "Fields, from Fields.csv",
    ]


def test_a_view_and_its_displays_are_one_ticket() -> None:
    ticket = the_ticket(
        tab("CustomViews", {"View name": "News", "Machine name": "news", "X": "a", "Base table": "Content"}),
        tab("CustomViewsDisplays", {"View": "news", "Title": "List", "Machine name": "list", "X": "a"}),
    )
    assert (ticket.key, ticket.kind) == ("view:news:build", "view")
    assert machine_names(ticket) == ["news", "list"]


def test_a_workflow_its_states_and_its_transitions_are_one_ticket_in_that_order() -> None:
    ticket = the_ticket(
        tab(
            "Workflowtransitions",
            *(
                {"Workflow": "Main", "Label": "Publish", "Machine name": "publish", "From state": state}
                | {"To state": "Live", "X": "a"}
                for state in ("Draft", "Live")
            ),
        ),
        tab(
            "Workflowstates",
            *(
                {"Workflow": "Main", "Label": s, "Machine name": s.lower(), "X": "a"}
                for s in ("Draft", "Live")
            ),
        ),
        tab("Workflows", {"Label": "Main", "Machine name": "main", "Type": "Content moderation", "X": "a"}),
    )
    assert ticket.kind == "workflow"
    assert machine_names(ticket) == ["main", "draft", "live", "publish", "publish"]


def image_styles(*names: str, x: str = "a") -> SourceFile:
    machine = [name.lower().replace(" ", "_").replace(".", "_") for name in names]
    return tab(
        "Imagestyles",
        *({"Style name": n, "Machine name": m, "X": x} for n, m in zip(names, machine, strict=True)),
    )


def test_an_image_style_and_its_variants_are_one_ticket_whatever_the_variants_are_called() -> None:
    planned = tickets(
        image_styles("Hero", "Hero 1.5x", "Hero 3x", "Hero Non-WebP", "Hero WebP", "42x42", "Heroic")
    )
    assert {key: len(ticket.rows) for key, ticket in planned.items()} == {
        "image_style:hero:build": 5,
        "image_style:42x42:build": 1,
        "image_style:heroic:build": 1,
    }
    assert planned["image_style:hero:build"].name == "Hero"


def test_image_effects_stand_in_the_ticket_of_their_style() -> None:
    ticket = the_ticket(
        image_styles("Hero", "Hero 2x"),
        tab("ImageEffects", {"Image style": "Hero 2x", "Effect": "Scale", "Summary": "200px", "X": "a"}),
    )
    assert [row["csv_type"] for row in ticket.rows] == ["image_styles", "image_styles", "image_effects"]


def test_the_view_modes_of_one_entity_type_are_one_ticket() -> None:
    planned = tickets(
        tab(
            "CustomViewModes",
            {"View Modes": "Teaser", "Entity Type": "Content type", "X": "a"},
            {"View Modes": "Card", "Entity Type": "Content type", "X": "a"},
            {"View Modes": "Square", "Entity Type": "Media type", "X": "a"},
        )
    )
    assert {key: (len(t.rows), t.entity_group) for key, t in planned.items()} == {
        "view_modes:content_type:build": (2, EntityGroup.CONTENT),
        "view_modes:media_type:build": (1, EntityGroup.MEDIA),
    }


def test_media_types_belong_to_media() -> None:
    media = the_ticket(
        tab("Bundles", bundle("Image", "Media type")), tab("Fields", field("Image (Media type)", "Alt"))
    )
    assert media.entity_group is EntityGroup.MEDIA


def test_one_tab_in_several_files_keeps_a_table_for_each_file() -> None:
    ticket = the_ticket(
        tab("Bundles", bundle("Article")),
        tab("Fields", field(ARTICLE, "Body"), filename="Fields_1.csv"),
        tab("Fields", field(ARTICLE, "Tags"), filename="Fields_2.csv"),
    )
    assert [table.file for table in ticket.tables] == ["Bundles.csv", "Fields_1.csv", "Fields_2.csv"]
    assert [source.file for source in ticket.sources] == ["Bundles.csv", "Fields_1.csv", "Fields_2.csv"]


# What the X column does


def test_a_deleted_field_is_absent_from_the_ticket_of_its_bundle() -> None:
    ticket = the_ticket(
        tab("Bundles", bundle("Article")),
        tab("Fields", field(ARTICLE, "Body", x="d"), field(ARTICLE, "Tags")),
    )
    assert machine_names(ticket) == ["article", "field_tags"]


def test_approved_fields_on_a_built_bundle_extend_it() -> None:
    ticket = the_ticket(tab("Bundles", bundle("Article", x="x")), tab("Fields", field(ARTICLE, "Body")))
    assert (ticket.key, ticket.kind, ticket.action) == ("content_type:article:extend", "fields", "extend")
    assert ticket.already_built == ("Article (content type)",)


def test_approved_fields_on_a_bundle_that_waits_wait_with_it_and_are_reported() -> None:
    planned = plan(tab("Bundles", bundle("Article", x="w")), tab("Fields", field(ARTICLE, "Body")))
    assert planned.tickets == ()
    assert [(held.file, held.record) for held in planned.held] == [("Bundles.csv", 2), ("Fields.csv", 2)]
    assert planned.held[1].reason == "waits with the content type “Article”, which is on hold"
    assert [(finding.code, finding.records) for finding in planned.findings] == [("row-waits", (2,))]


def test_approved_fields_on_a_bundle_to_be_deleted_are_held() -> None:
    planned = plan(tab("Bundles", bundle("Article", x="d")), tab("Fields", field(ARTICLE, "Body")))
    assert planned.tickets == ()
    assert planned.held[1].reason == "belongs to the content type “Article”, which is marked to be deleted"


def test_a_changed_row_makes_a_change_ticket_beside_what_is_new() -> None:
    planned = tickets(
        tab("Bundles", bundle("Article", x="c")),
        tab("Fields", field(ARTICLE, "Body", x="c"), field(ARTICLE, "Tags"), field(ARTICLE, "Old", x="x")),
    )
    assert {key: machine_names(ticket) for key, ticket in planned.items()} == {
        "content_type:article:change": ["article", "field_body"],
        "content_type:article:extend": ["field_tags"],
    }
    assert planned["content_type:article:extend"].depends_on == ("content_type:article:change",)


def test_deleted_rows_make_removal_tickets_only_where_the_session_asks_for_them() -> None:
    files = (
        tab("Bundles", bundle("Article", x="d"), bundle("Page")),
        tab("Fields", field(ARTICLE, "Body", x="d"), field("Page (Content type)", "Old", x="d")),
    )
    assert list(tickets(*files)) == ["content_type:page:build"]
    assert {key: machine_names(t) for key, t in tickets(*files, settings=WITH_REMOVALS).items()} == {
        "content_type:article:removal": ["article", "field_body"],
        "content_type:page:build": ["page"],
        "content_type:page:removal": ["field_old"],
    }


def test_new_variants_of_a_built_image_style_extend_its_family() -> None:
    ticket = the_ticket(
        tab(
            "Imagestyles",
            {"Style name": "Hero", "Machine name": "hero", "X": "x"},
            {"Style name": "Hero 2x", "Machine name": "hero_2x", "X": "a"},
        )
    )
    assert (ticket.key, ticket.already_built) == ("image_style:hero:extend", ("Hero (image style)",))


def test_built_fields_of_a_bundle_to_build_are_named_and_not_built_again() -> None:
    ticket = the_ticket(
        tab("Bundles", bundle("Article")),
        tab("Fields", field(ARTICLE, "Body", x="x"), field(ARTICLE, "Tags")),
    )
    assert ticket.already_built == ("Body (field)",)
    assert machine_names(ticket) == ["article", "field_tags"]


def test_without_an_x_column_every_row_is_in_scope() -> None:
    ticket = the_ticket(tab("Bundles", bundle("Article", x="")), tab("Fields", field(ARTICLE, "Body", x="")))
    assert machine_names(ticket) == ["article", "field_body"]


# Rows without a parent


def test_fields_without_a_tab_of_bundles_are_one_ticket_for_each_bundle_they_name() -> None:
    planned = tickets(
        tab("Fields", field(ARTICLE, "Body"), field("article (content type)", "Tags"), field("Page", "Body"))
    )
    assert {key: (t.kind, t.name, t.subject, len(t.rows)) for key, t in planned.items()} == {
        "content_type:article:build": ("fields", "Article", "content type", 2),
        "bundle:page:build": ("fields", "Page", "bundle", 1),
    }


def test_displays_states_and_effects_of_what_is_nowhere_land_in_one_ticket_each() -> None:
    planned = tickets(
        tab(
            "CustomViewsDisplays",
            {
                "View": "Contact",
                "Title": "By tag",
                "Machine name": "by_tag",
                "X": "a",
                "Display plugin": "Block",
            },
        ),
        tab("Workflowstates", {"Workflow": "Main", "Label": "Draft", "Machine name": "draft", "X": "a"}),
        tab("ImageEffects", {"Image style": "Hero", "Effect": "Scale", "X": "a"}),
    )
    assert {key: ticket.kind for key, ticket in planned.items()} == {
        "image_style:hero:build": "image_style",
        "view:contact:build": "view",
        "workflow:main:build": "workflow",
    }


def test_rows_that_name_no_parent_at_all_are_in_a_ticket_as_well() -> None:
    planned = tickets(tab("Bundles", bundle("Article")), tab("Fields", field("", "Body"), field("", "Tags")))
    assert machine_names(planned["bundle:unnamed_bundle:build"]) == ["field_body", "field_tags"]


# Two rows with one key


def test_two_rows_with_one_key_are_both_kept_in_one_ticket() -> None:
    ticket = the_ticket(tab("Bundles", bundle("Article"), bundle("Article", Description="Again")))
    assert ticket.sources[0].records == (2, 3)
    assert len(set(ticket.structural_criteria)) == 2


def test_one_machine_name_on_two_kinds_of_bundle_is_two_things() -> None:
    planned = tickets(tab("Bundles", bundle("Image", "Media type"), bundle("Image", "Paragraph type")))
    assert list(planned) == ["paragraph_type:image:build", "media_type:image:build"]


def test_names_that_only_differ_in_letters_a_key_cannot_hold_have_keys_of_their_own() -> None:
    planned = plan(
        tab("Bundles", bundle("A", **{"Machine name": "a b"}), bundle("B", **{"Machine name": "a-b"}))
    )
    assert [ticket.key for ticket in planned.tickets] == [
        "content_type:a_b:build",
        "content_type:a_b:build~2",
    ]


# What a ticket hangs on


def test_a_reference_to_a_bundle_to_build_is_a_dependency() -> None:
    planned = tickets(
        tab("Bundles", bundle("Article"), bundle("Tags", "Vocabulary")),
        tab("Fields", field(ARTICLE, "Tags", "Entity reference", **{"Ref. bundle": "Tags (Vocabulary)"})),
    )
    assert planned["content_type:article:build"].depends_on == ("vocabulary:tags:build",)
    assert planned["content_type:article:build"].depends_on_names == ("Tags (vocabulary)",)


@pytest.mark.parametrize(
    ("x", "built", "not_built"),
    [
        ("x", ("Tags (vocabulary)",), ()),
        ("w", (), ("Tags (vocabulary): on hold",)),
        ("d", (), ("Tags (vocabulary): marked to be deleted",)),
    ],
)
def test_a_reference_to_what_is_not_built_now_is_named(
    x: str, built: tuple[str, ...], not_built: tuple[str, ...]
) -> None:
    planned = tickets(
        tab("Bundles", bundle("Article"), bundle("Tags", "Vocabulary", x=x)),
        tab("Fields", field(ARTICLE, "Tags", "Entity reference", **{"Ref. bundle": "Tags (Vocabulary)"})),
    )
    ticket = planned["content_type:article:build"]
    assert (ticket.depends_on, ticket.already_built, ticket.not_built) == ((), built, not_built)


def test_a_responsive_style_follows_the_families_of_its_image_styles() -> None:
    planned = tickets(
        image_styles("Hero", "Hero Non-WebP", "Card"),
        tab(
            "ResponsiveImageStyles",
            {"Responsive style": "Big", "Machine Name": "big", "Fallback Style": "Hero Non-WebP"}
            | {"Image Style Group(s)": "Hero, Card", "X": "a", "Breakpoint Group": "Theme"},
        ),
    )
    needed = planned["responsive_image_style:big:build"].depends_on
    assert set(needed) == {"image_style:hero:build", "image_style:card:build"}


def test_bundles_that_refer_to_each_other_are_both_planned_and_the_edge_that_gave_way_is_shown() -> None:
    def ref(on: str, to: str) -> dict[str, str]:
        return field(on, "Link", "Entity reference", **{"Ref. bundle": to})

    planned = plan(
        tab("Bundles", bundle("Article"), bundle("Page")),
        tab("Fields", ref(ARTICLE, "Page (Content type)"), ref("Page (Content type)", ARTICLE)),
    )
    article, page = planned.tickets
    assert (article.depends_on, article.gave_way) == ((page.key,), ())
    assert (page.depends_on, page.gave_way, page.gave_way_names) == (
        (),
        (article.key,),
        ("Article (content type)",),
    )
    (finding,) = planned.findings
    assert (finding.code, finding.severity, finding.records) == ("cycle-broken", "info", (3,))


def test_a_bundle_that_refers_to_itself_waits_for_nothing() -> None:
    planned = plan(
        tab("Bundles", bundle("Article")),
        tab("Fields", field(ARTICLE, "Related", **{"Ref. bundle": ARTICLE})),
    )
    assert planned.tickets[0].depends_on == ()
    assert planned.findings == ()


def test_what_refers_to_a_thing_is_removed_before_the_thing() -> None:
    planned = tickets(
        tab("Bundles", bundle("Article", x="d"), bundle("Tags", "Vocabulary", x="d")),
        tab("Fields", field(ARTICLE, "Tags", x="d", **{"Ref. bundle": "Tags (Vocabulary)"})),
        settings=WITH_REMOVALS,
    )
    assert planned["vocabulary:tags:removal"].depends_on == ("content_type:article:removal",)


# The promise of the whole


def test_every_row_in_scope_of_a_real_spec_is_in_exactly_one_ticket_or_held() -> None:
    spec = uwec()
    planned = plan_tickets(spec, SessionSettings())
    approved = {row.place for table in spec.tables for row in table.rows if row.x == "a"}
    taken = [place for ticket in planned.tickets for place in places(ticket)]
    assert len(taken) == len(set(taken)) == len(approved) - 4
    waiting = {(held.file, held.record) for held in planned.held} & approved
    assert waiting | set(taken) == approved
    assert len(waiting) == 4


def test_a_real_spec_makes_the_tickets_that_people_would_have_written() -> None:
    planned = plan_tickets(uwec(), SessionSettings()).tickets
    assert len(planned) == 135
    assert all(row["x"] == "a" for ticket in planned for row in ticket.rows)


@given(files=wild_specs())
@settings(max_examples=100, deadline=None)
def test_in_any_spec_every_row_in_scope_is_in_exactly_one_ticket_or_held(files: list[SourceFile]) -> None:
    spec = load(*files, settings=WITH_REMOVALS)
    planned = plan_tickets(spec, WITH_REMOVALS)
    rows = {row.place: row.action for table in spec.tables for row in table.rows}
    taken = [place for ticket in planned.tickets for place in places(ticket)]
    held = {(one.file, one.record) for one in planned.held}
    assert len(taken) == len(set(taken))
    assert set(taken) | held == set(rows)
    assert not set(taken) & held
    in_work = {RowAction.BUILD, RowAction.CHANGE, RowAction.REMOVE}
    assert {rows[place] for place in taken} <= in_work
    assert len({ticket.key for ticket in planned.tickets}) == len(planned.tickets)


def test_a_plan_does_not_depend_on_the_order_in_which_files_are_handed_in() -> None:
    files = [
        tab("Bundles", bundle("Article"), bundle("Page")),
        tab("Fields", field(ARTICLE, "Body")),
        image_styles("Hero"),
    ]
    assert plan(*files).tickets == plan(*reversed(files)).tickets


def test_the_hash_of_a_ticket_is_about_what_its_rows_say_not_where_they_stand() -> None:
    before = the_ticket(tab("Bundles", bundle("Article", Description="Add news.")))
    moved = plan(tab("Bundles", bundle("Page", x="d"), bundle("Article", Description="Add news."))).tickets[0]
    changed = the_ticket(tab("Bundles", bundle("Article", Description="Add old news.")))
    assert before.sources != moved.sources
    assert before.source_hash == moved.source_hash
    assert before.source_hash != changed.source_hash


def test_a_planned_ticket_is_stored_as_json_and_read_back_the_same() -> None:
    ticket = the_ticket(tab("Bundles", bundle("Article")), tab("Fields", field(ARTICLE, "Body")))
    assert PlannedTicket.model_validate(ticket.model_dump(mode="json")) == ticket
