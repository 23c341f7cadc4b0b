"""What is sent to Jira for a ticket, and what is left out of it and named."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.tickets.payload import (
    EPIC_FIELD,
    PROPERTY,
    SPRINT_FIELD,
    Outgoing,
    ScreenField,
    Target,
    chunks,
    content_update,
    droppable,
    in_order,
    missing_on_screen,
    payload,
    unfilled,
)

SESSION = "0b9d1f6e-5f0e-4b43-9a51-6f9f9f0f3c11"
ADF = {"type": "doc", "version": 1, "content": []}
HIGH = {"id": "2"}
SCREEN = (
    ScreenField(field_id="project", name="Project", required=True),
    ScreenField(field_id="issuetype", name="Issue Type", required=True),
    ScreenField(field_id="summary", name="Summary", required=True),
    ScreenField(field_id="description", name="Description"),
    ScreenField(field_id="labels", name="Labels"),
    ScreenField(field_id="assignee", name="Assignee"),
    ScreenField(field_id="priority", name="Priority", allowed={"high": HIGH}),
    ScreenField(field_id="components", name="Components", allowed={"content": {"id": "7"}}),
    ScreenField(field_id="customfield_10042", name="Sprint", custom=SPRINT_FIELD),
)


def target(screen: tuple[ScreenField, ...] = SCREEN, **changes: Any) -> Target:
    values: dict[str, Any] = {
        "site": "https://example.atlassian.net",
        "project_key": "LAKE",
        "session_id": SESSION,
        "issue_type": "Task",
        "screens": {"Task": screen},
        "issue_type_ids": {"Task": "10001"},
        "sprints": {"sprint 7": 41, "41": 41},
        "people": {"dana": "account-dana", "account-dana": "account-dana"},
    }
    return Target(**{**values, **changes})


def ticket(**changes: Any) -> Outgoing:
    values: dict[str, Any] = {
        "ticket_id": "t1",
        "title": "Build the page",
        "description": ADF,
        "content_hash": "h",
    }
    return Outgoing(**{**values, **changes})


def without(field_id: str) -> tuple[ScreenField, ...]:
    return tuple(field for field in SCREEN if field.field_id != field_id)


def test_an_issue_carries_the_text_as_it_is_the_label_of_its_session_and_the_proof() -> None:
    body = payload(ticket(), target()).body
    assert body["fields"] == {
        "project": {"key": "LAKE"},
        "issuetype": {"id": "10001"},
        "summary": "Build the page",
        "description": ADF,
        "labels": ["dtg-0b9d1f6e5f0e"],
    }
    assert body["properties"] == [
        {"key": PROPERTY, "value": {"session": SESSION, "ticket": "t1", "hash": "h"}}
    ]


def test_labels_have_no_spaces_and_come_once() -> None:
    labels = payload(ticket(labels=("drupal 11", "cms")), target(labels=("cms",))).body["fields"]["labels"]
    assert labels == ["dtg-0b9d1f6e5f0e", "cms", "drupal-11"]


def test_what_the_screen_offers_is_sent_as_jira_wants_it() -> None:
    chosen = ticket(assignee="Dana", sprint="Sprint 7", priority="High", components=("Content",))
    made = payload(chosen, target())
    assert made.fixes == ()
    assert made.body["fields"]["assignee"] == {"accountId": "account-dana"}
    assert made.body["fields"]["customfield_10042"] == 41
    assert made.body["fields"]["priority"] == HIGH
    assert made.body["fields"]["components"] == [{"id": "7"}]


@pytest.mark.parametrize(
    ("field", "chosen", "where"),
    [
        ("assignee", ticket(assignee="Nobody"), target()),
        ("assignee", ticket(assignee="Dana"), target(can_assign=False)),
        ("assignee", ticket(assignee="Dana"), target(without("assignee"))),
        ("sprint", ticket(sprint="Sprint 99"), target()),
        ("sprint", ticket(sprint="Sprint 7"), target(without("customfield_10042"))),
        ("priority", ticket(priority="Urgent"), target()),
        ("priority", ticket(priority="High"), target(without("priority"))),
        ("components", ticket(components=("Media",)), target()),
        ("parent", ticket(), target(parent_key="LAKE-1")),
    ],
)
def test_what_the_screen_does_not_offer_becomes_a_manual_fix(
    field: str, chosen: Outgoing, where: Target
) -> None:
    made = payload(chosen, where)
    assert [fix.field for fix in made.fixes] == [field]
    assert made.fixes[0].wanted in made.fixes[0].action
    assert made.body == payload(ticket(), target()).body


@pytest.mark.parametrize("field", ["assignee", "priority", "components", "customfield_10042"])
def test_what_jira_refused_is_left_out_the_second_time(field: str) -> None:
    chosen = ticket(assignee="Dana", sprint="Sprint 7", priority="High", components=("Content",))
    assert field in droppable(target(), chosen)
    made = payload(chosen, target(), without={field})
    assert field not in made.body["fields"]
    assert len(made.fixes) == 1


def test_content_is_never_droppable() -> None:
    assert not droppable(target(), ticket()) & {"summary", "description", "labels"}


def test_the_parent_goes_where_the_screen_has_it() -> None:
    parent = ScreenField(field_id="parent", name="Parent")
    epic = ScreenField(field_id="customfield_10014", name="Epic Link", custom=EPIC_FIELD)
    team = payload(ticket(), target((*SCREEN, parent), parent_key="LAKE-1")).body["fields"]
    company = payload(ticket(), target((*SCREEN, epic), parent_key="LAKE-1")).body["fields"]
    assert team["parent"] == {"key": "LAKE-1"}
    assert company["customfield_10014"] == "LAKE-1"


def test_a_screen_without_labels_or_with_a_field_nobody_fills_is_known_before_the_start() -> None:
    cost = ScreenField(field_id="customfield_1", name="Cost centre", required=True)
    team = ScreenField(field_id="customfield_2", name="Team", required=True, has_default=True)
    assert missing_on_screen(SCREEN) == []
    assert missing_on_screen(without("labels")) == ["labels"]
    assert unfilled(ticket(), target((*SCREEN, cost, team))) == ["Cost centre"]


def test_a_required_field_that_the_session_fills_is_no_obstacle() -> None:
    screen = tuple(
        field.model_copy(update={"required": True}) if field.field_id == "components" else field
        for field in SCREEN
    )
    assert unfilled(ticket(), target(screen)) == ["Components"]
    assert unfilled(ticket(components=("Content",)), target(screen)) == []


def test_an_update_changes_text_and_proof_together_and_nothing_else() -> None:
    body = content_update(ticket(), target())
    assert set(body["fields"]) == {"summary", "description"}
    assert body["properties"][0]["value"]["hash"] == "h"


IDS = [f"t{number}" for number in range(12)]


@given(st.permutations(IDS), st.sets(st.tuples(st.sampled_from(IDS), st.sampled_from(IDS)), max_size=30))
def test_every_ticket_comes_once_and_after_what_it_depends_on_unless_there_is_a_cycle(
    ids: list[str], edges: set[tuple[str, str]]
) -> None:
    acyclic = {(one, other) for one, other in edges if IDS.index(one) > IDS.index(other)}
    depends_on = {one: [other for first, other in acyclic if first == one] for one in ids}
    ordered = in_order(ids, depends_on)
    assert sorted(ordered) == sorted(ids)
    assert all(ordered.index(one) > ordered.index(other) for one, other in acyclic)
    cyclic = {one: [other for first, other in edges if first == one] for one in ids}
    assert sorted(in_order(ids, cyclic)) == sorted(ids)


@given(st.permutations(IDS))
def test_without_dependencies_the_order_of_the_review_stays(ids: list[str]) -> None:
    assert in_order(ids, {}) == ids


def test_a_chunk_is_never_larger_than_asked() -> None:
    assert [len(chunk) for chunk in chunks(range(120), 50)] == [50, 50, 20]
