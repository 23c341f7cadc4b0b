"""Granularity: the registry's rule, and what a session may choose instead."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.core.errors import UserFixable
from tasks.core.settings import SessionSettings
from tasks.core.spec.model import SourceFile
from tasks.core.spec.registry import TAB_TYPES
from tasks.core.tickets.checks import check
from tasks.core.tickets.offline import write
from tasks.core.tickets.planning import plan_tickets
from tests.builders.spec import bundle, field, load, tab
from tests.builders.tickets import settings as choosing
from tests.builders.tickets import tickets
from tests.core.tickets.wild import wild_specs

ARTICLE, PAGE = "Article (Content type)", "Page (Content type)"
BUNDLES = tab("Bundles", bundle("Article"), bundle("Page"), bundle("Tags", "Vocabulary"))
FIELDS = tab(
    "Fields",
    field(ARTICLE, "Body"),
    field(ARTICLE, "Tags", **{"Ref. bundle": "Tags (Vocabulary)"}),
    field(PAGE, "Body"),
)


def rows_by_key(**granularity: str) -> dict[str, int]:
    return {
        key: len(ticket.rows)
        for key, ticket in tickets(BUNDLES, FIELDS, settings=choosing(**granularity)).items()
    }


def test_by_default_a_bundle_has_its_fields_with_it() -> None:
    assert rows_by_key() == {
        "content_type:article:build": 3,
        "content_type:page:build": 2,
        "vocabulary:tags:build": 1,
    }


@pytest.mark.parametrize("choice", [{"fields": "apart"}, {"bundles": "apart"}, {"bundle": "apart"}])
def test_bundle_and_fields_can_be_two_tickets(choice: dict[str, str]) -> None:
    assert rows_by_key(**choice) == {
        "content_type:article:build": 1,
        "content_type:page:build": 1,
        "vocabulary:tags:build": 1,
        "content_type:article:fields:build": 2,
        "content_type:page:fields:build": 1,
    }


def test_fields_apart_wait_for_their_bundle_and_for_what_they_refer_to() -> None:
    apart = tickets(BUNDLES, FIELDS, settings=choosing(fields="apart"))["content_type:article:fields:build"]
    assert apart.kind == "fields"
    assert apart.depends_on == ("content_type:article:build", "vocabulary:tags:build")


def test_every_field_can_have_a_ticket_of_its_own() -> None:
    assert rows_by_key(fields="row") == {
        "content_type:article:build": 1,
        "content_type:page:build": 1,
        "vocabulary:tags:build": 1,
        "content_type:article:field_body:build": 1,
        "content_type:article:field_tags:build": 1,
        "content_type:page:field_body:build": 1,
    }


def test_two_rows_with_one_key_have_two_tickets_where_every_row_has_one() -> None:
    twice = tab("Fields", field(ARTICLE, "Body"), field(ARTICLE, "Body"))
    assert list(tickets(tab("Bundles", bundle("Article")), twice, settings=choosing(fields="row"))) == [
        "content_type:article:build",
        "content_type:article:field_body:build",
        "content_type:article:field_body:build~2",
    ]


def test_all_bundles_of_a_type_can_be_one_ticket_with_their_fields() -> None:
    assert rows_by_key(bundles="group") == {"bundles:content_type:build": 5, "bundles:vocabulary:build": 1}


def test_image_styles_can_have_a_ticket_each() -> None:
    styles = tab(
        "Imagestyles", *({"Style name": n, "Machine name": n.lower(), "X": "a"} for n in ("Hero", "Hero 2x"))
    )
    assert list(tickets(styles, settings=choosing(image_styles="row"))) == [
        "image_style:hero:build",
        "image_style:hero_2x:build",
    ]


def test_view_modes_can_have_a_ticket_each() -> None:
    modes = tab(
        "CustomViewModes",
        *({"View Modes": n, "Entity Type": "Media type", "X": "a"} for n in ("Card", "Hero")),
    )
    assert len(tickets(modes, settings=choosing(view_modes="row"))) == 2


def test_a_choice_that_does_not_exist_is_refused_with_what_there_is() -> None:
    with pytest.raises(UserFixable) as refused:
        tickets(BUNDLES, settings=choosing(user_roles="monthly"))
    assert "group, row" in refused.value.actions[0]


def any_granularity() -> st.SearchStrategy[dict[str, str]]:
    switches = {
        one.name: st.sampled_from([switch.value for switch in one.switches])
        for one in TAB_TYPES
        if one.switches
    }
    return st.fixed_dictionaries({}, optional=switches)


@given(files=wild_specs(), granularity=any_granularity())
@settings(max_examples=50, deadline=None)
def test_whatever_is_chosen_every_row_has_one_ticket_and_every_ticket_a_text(
    files: list[SourceFile], granularity: dict[str, str]
) -> None:
    chosen = SessionSettings(granularity=granularity)
    spec = load(*files, settings=chosen)
    planned = plan_tickets(spec, chosen)
    taken = [(s.file, record) for ticket in planned.tickets for s in ticket.sources for record in s.records]
    held = {(one.file, one.record) for one in planned.held}
    assert sorted([*taken, *held]) == sorted(row.place for table in spec.tables for row in table.rows)
    assert [problem for ticket in planned.tickets for problem in check(ticket, write(ticket))] == []
