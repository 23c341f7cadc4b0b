"""What the project offers, and what is said where it does not offer enough."""

import uuid
from typing import Any

import pytest

from blocks.jira_answers import CreateField, LinkType, ProjectContext
from db.repositories.delivery import PendingLink
from tasks.core.errors import AdminRequired, UserFixable
from tasks.core.settings import JiraSettings
from tasks.core.tickets.payload import Outgoing, Target
from tasks.export_links import link_fixes
from tasks.export_target import (
    choose_link_type,
    make_target,
    require_permissions,
    require_screens,
    screen_field,
)

SESSION = uuid.UUID(int=7)
TICKET = Outgoing(ticket_id="1", title="One", description={}, content_hash="h")


def field(field_id: str, **values: Any) -> CreateField:
    return CreateField.model_validate({"fieldId": field_id, "name": field_id.title(), **values})


NEEDED = (field("summary", required=True), field("description"), field("labels"))


def context(*more: CreateField, without: str = "", **values: Any) -> ProjectContext:
    screen = tuple(each for each in (*NEEDED, *more) if each.field_id != without)
    given: dict[str, Any] = {
        "site": "https://example.atlassian.net",
        "key": "LAKE",
        "name": "Lakeside",
        "account_id": "me",
        "account_name": "Me",
        "permissions": {"CREATE_ISSUES": True, "ASSIGN_ISSUES": True},
        "sprints": [{"id": 41, "name": "Sprint 7"}],
        "members": [{"accountId": "account-dana", "displayName": "Dana"}],
        "issue_types": [{"id": "1", "name": "Task"}],
        "create_fields": {"Task": screen},
    }
    return ProjectContext.model_validate({**given, **values})


def target(
    of: ProjectContext, settings: JiraSettings | None = None, link_type: str | None = "Blocks"
) -> Target:
    return make_target(SESSION, of, settings or JiraSettings(), link_type)


def test_sprints_and_people_are_known_by_name_and_by_id() -> None:
    made = target(context())
    assert made.sprints == {"sprint 7": 41, "41": 41}
    assert made.people == {"dana": "account-dana", "account-dana": "account-dana"}


def test_allowed_values_are_known_by_name_and_by_id_and_sent_by_id() -> None:
    values = [{"id": "2", "name": "High"}, {"id": "9", "value": "Red"}]
    assert screen_field(field("priority", allowedValues=values)).allowed == {
        "high": {"id": "2"},
        "2": {"id": "2"},
        "red": {"id": "9"},
        "9": {"id": "9"},
    }
    assert screen_field(field("assignee")).allowed is None


@pytest.mark.parametrize("missing", ["summary", "description", "labels"])
def test_a_screen_without_what_we_cannot_do_without_is_refused(missing: str) -> None:
    with pytest.raises(AdminRequired, match=missing):
        require_screens(target(context(without=missing)), [])


def test_a_screen_that_requires_what_nobody_fills_is_refused() -> None:
    with pytest.raises(AdminRequired, match="Cost"):
        require_screens(target(context(field("cost", required=True))), [TICKET])
    require_screens(target(context(field("cost", required=True, hasDefaultValue=True))), [TICKET])


def test_an_issue_type_that_the_project_lacks_is_refused_with_those_it_has() -> None:
    with pytest.raises(UserFixable, match="Epic") as caught:
        require_screens(target(context(), JiraSettings(issue_type="Epic")), [])
    assert "Task" in caught.value.actions[0]


@pytest.mark.parametrize(
    ("links", "attachments", "missing"), [(True, False, "LINK_ISSUES"), (False, True, "CREATE_ATTACHMENTS")]
)
def test_a_permission_is_asked_for_only_where_it_is_needed(
    links: bool, attachments: bool, missing: str
) -> None:
    require_permissions(context(), links=False, attachments=False)
    with pytest.raises(AdminRequired, match=missing):
        require_permissions(context(), links=links, attachments=attachments)


@pytest.mark.parametrize(
    ("wanted", "offered", "chosen"),
    [
        ("Blocks", ["Relates", "Blocks"], "Blocks"),
        ("blocks", ["Blocks"], "Blocks"),
        ("Depends", ["Blocks", "Relates"], "Blocks"),
        ("Blocks", ["Cloners", "Relates"], "Relates"),
        ("Blocks", ["Cloners"], None),
        ("Blocks", [], None),
    ],
)
def test_links_fall_back_to_the_nearest_kind(wanted: str, offered: list[str], chosen: str | None) -> None:
    kinds = [LinkType(id=name, name=name) for name in offered]
    assert choose_link_type(wanted, kinds) == chosen


@pytest.mark.parametrize(("used", "says"), [("Relates", "change Relates to it"), (None, "link them by hand")])
def test_a_link_of_another_kind_is_a_manual_fix_that_names_both_issues(used: str | None, says: str) -> None:
    link = PendingLink(uuid.UUID(int=1), uuid.UUID(int=2), "LAKE-2", "LAKE-1")
    assert link_fixes(target(context()), [link]) == {}
    [(fix,)] = link_fixes(target(context(), link_type=used), [link]).values()
    assert fix.wanted == "LAKE-1 Blocks LAKE-2"
    assert says in fix.action
