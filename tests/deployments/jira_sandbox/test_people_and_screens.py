"""jira.md 3, 12, 14, 15, 16: who asks, sprints, assignees, create screens."""

from typing import Any

import httpx
import pytest

from tests.deployments.jira_sandbox.builders import AGILE, API, create, read, refusal
from tests.jira_sandbox import EMAIL, TOKEN, VIEWER, JiraSandbox

SPRINT = "customfield_10020"


@pytest.mark.parametrize(
    "credentials",
    [None, (EMAIL, "wrong"), ("else@example.com", TOKEN), (EMAIL, ""), ("", TOKEN), (VIEWER[0], TOKEN)],
)
def test_fact_12_wrong_credentials_are_401(jira_sandbox: JiraSandbox, credentials: Any) -> None:
    answer = httpx.get(f"{jira_sandbox.url}{API}/myself", auth=credentials)
    assert answer.status_code == 401
    assert answer.text == "Client must be authenticated to access this resource."


@pytest.mark.parametrize("header", ["Basic", "Basic !!!", "Bearer x", "Basic w6Q="])
def test_fact_12_a_header_that_cannot_be_read_is_401(jira_sandbox: JiraSandbox, header: str) -> None:
    answer = httpx.get(f"{jira_sandbox.url}{API}/myself", headers={"Authorization": header})
    assert answer.status_code == 401


def test_fact_12_the_account_behind_the_token(http: httpx.Client) -> None:
    body = http.get(f"{API}/myself").json()
    assert (body["emailAddress"], body["active"], body["accountType"]) == (EMAIL, True, "atlassian")


def test_fact_12_bad_credentials_can_look_like_an_empty_site(jira_sandbox: JiraSandbox) -> None:
    jira_sandbox.settings(refuse_anonymous=False)
    with jira_sandbox.client(token="wrong") as http:
        assert http.get(f"{API}/project/LAKE").status_code == 404
        answer = http.post(f"{API}/search/jql", json={"jql": "created > -1d"})
        assert (answer.status_code, answer.json()["issues"]) == (200, [])
        assert http.get(f"{API}/myself").status_code == 401


def test_fact_12_a_token_can_be_revoked(http: httpx.Client, jira_sandbox: JiraSandbox) -> None:
    jira_sandbox.settings(revoked_logins=[EMAIL])
    assert http.get(f"{API}/myself").status_code == 401


def test_server_info_is_open(jira_sandbox: JiraSandbox) -> None:
    body = httpx.get(f"{jira_sandbox.url}{API}/serverInfo").json()
    assert (body["deploymentType"], body["baseUrl"]) == ("Cloud", jira_sandbox.url)


def test_fact_3_permissions_must_be_named(http: httpx.Client, jira_sandbox: JiraSandbox) -> None:
    answer = http.get(f"{API}/mypermissions", params={"projectKey": "LAKE"})
    assert answer.status_code == 400
    assert answer.json()["errorMessages"] == ["The 'permissions' query parameter is required."]
    params = {"projectKey": "LAKE", "permissions": "BROWSE_PROJECTS,CREATE_ISSUES"}
    with jira_sandbox.client(*VIEWER) as viewer:
        held = viewer.get(f"{API}/mypermissions", params=params).json()["permissions"]
    assert {key: item["havePermission"] for key, item in held.items()} == {
        "BROWSE_PROJECTS": True,
        "CREATE_ISSUES": False,
    }
    assert http.get(f"{API}/mypermissions", params={"permissions": "FLY"}).status_code == 400
    assert http.get(f"{API}/mypermissions", params=params | {"projectKey": "NOPE"}).status_code == 404


def test_permissions_can_change_while_it_runs(http: httpx.Client, jira_sandbox: JiraSandbox) -> None:
    create(http)
    jira_sandbox.settings(revoked_permissions=["CREATE_ISSUES"])
    assert "permission" in refusal(http)["errorMessages"][0]
    jira_sandbox.settings(revoked_permissions=[], hidden_projects=["LAKE"])
    assert http.get(f"{API}/issue/LAKE-1").status_code == 404


def test_fact_14_a_sprint_is_written_as_a_bare_number_and_read_as_a_list(http: httpx.Client) -> None:
    ident = active_sprint(http)
    key = create(http, customfield_10020=ident)["key"]
    (held,) = read(http, key)[SPRINT]
    assert (held["id"], held["state"]) == (ident, "active")


@pytest.mark.parametrize("value", ["1", [1], [{"id": 1}], {"id": 1}, True, 1.5])
def test_fact_14_anything_but_a_number_is_refused_in_both_channels(http: httpx.Client, value: Any) -> None:
    assert refusal(http, **{SPRINT: value}) == {
        "errorMessages": ["Number value expected as the Sprint id."],
        "errors": {SPRINT: "The Sprint (id) must be a number"},
    }


def test_fact_14_an_unknown_sprint_is_refused(http: httpx.Client) -> None:
    assert set(refusal(http, **{SPRINT: 1})["errors"]) == {SPRINT}


def test_fact_14_the_sprint_field_is_known_by_its_schema(http: httpx.Client) -> None:
    screen = http.get(f"{API}/issue/createmeta/LAKE/issuetypes/10001").json()["fields"]
    custom = "com.pyxis.greenhopper.jira:gh-sprint"
    (by_screen,) = [item for item in screen if item["schema"].get("custom") == custom]
    (by_field,) = [item for item in http.get(f"{API}/field").json() if item["schema"].get("custom") == custom]
    assert by_screen["fieldId"] == by_field["id"] == SPRINT
    assert (by_screen["schema"]["type"], by_screen["schema"]["items"]) == ("array", "json")


def test_fact_14_issues_can_be_moved_to_a_sprint(http: httpx.Client) -> None:
    keys = [create(http)["key"] for _ in range(2)]
    path = f"{AGILE}/sprint/{active_sprint(http)}/issue"
    answer = http.post(path, json={"issues": keys})
    assert (answer.status_code, answer.content) == (204, b"")
    assert read(http, keys[1])[SPRINT][0]["state"] == "active"
    assert http.post(path, json={"issues": ["LAKE-1"] * 51}).status_code == 400
    assert http.post(f"{AGILE}/sprint/1/issue", json={"issues": keys}).status_code == 404


def test_boards_have_pages_and_only_scrum_boards_have_sprints(http: httpx.Client) -> None:
    boards = http.get(f"{AGILE}/board", params={"projectKeyOrId": "LAKE"}).json()
    assert [board["type"] for board in boards["values"]] == ["scrum", "kanban"]
    scrum, kanban = (board["id"] for board in boards["values"])
    assert http.get(f"{AGILE}/board/{scrum}").json()["location"]["projectKey"] == "LAKE"
    assert http.get(f"{AGILE}/board/{kanban}/sprint").status_code == 400
    first = http.get(f"{AGILE}/board/{scrum}/sprint", params={"maxResults": 3}).json()
    assert [sprint["state"] for sprint in first["values"]] == ["closed", "active", "future"]
    assert (first["isLast"], first["total"]) == (False, 4)
    assert http.get(f"{AGILE}/board", params={"projectKeyOrId": "NOPE"}).status_code == 400
    assert http.get(f"{AGILE}/board/1").status_code == 404


def active_sprint(http: httpx.Client) -> int:
    board = http.get(f"{AGILE}/board", params={"projectKeyOrId": "LAKE", "type": "scrum"}).json()["values"][
        0
    ]["id"]
    sprints = http.get(f"{AGILE}/board/{board}/sprint", params={"state": "active"}).json()["values"]
    return int(sprints[0]["id"])


@pytest.mark.parametrize("name", ["accountId", "id"])
def test_fact_15_an_assignee_is_given_by_account_id(http: httpx.Client, name: str) -> None:
    ada = "5b10a2844c20165700ede21a"
    assert read(http, create(http, assignee={name: ada})["key"])["assignee"]["displayName"] == "Ada Palmer"


@pytest.mark.parametrize(
    "assignee",
    [
        {"name": "ada"},
        {"emailAddress": "ada.palmer@example.com"},
        {"accountId": "nobody"},
        {"accountId": "5b10a2844c20165700ede20f"},
        {"accountId": "x" * 129},
        "5b10a2844c20165700ede21a",
    ],
)
def test_fact_15_anybody_else_is_refused(http: httpx.Client, assignee: Any) -> None:
    assert set(refusal(http, assignee=assignee)["errors"]) == {"assignee"}


def test_fact_15_a_short_page_of_assignable_people_is_not_the_last(http: httpx.Client) -> None:
    path = f"{API}/user/assignable/search"
    pages = [http.get(f"{path}?project=LAKE&maxResults=3&startAt={start}").json() for start in (0, 3, 6)]
    assert isinstance(pages[0], list)
    assert [len(page) for page in pages][:2] == [1, 3]
    names = [user["displayName"] for page in pages for user in page]
    assert "Ada Palmer" in names
    assert "Gone Colleague" not in names
    assert http.get(path).status_code == 400
    assert http.get(path, params={"project": "NOPE"}).status_code == 404
    (chen,) = http.get(path, params={"project": "LAKE", "query": "chen"}).json()
    assert chen["displayName"] == "Chen Wei"


def test_fact_16_issue_types_and_create_screens_come_in_pages(http: httpx.Client) -> None:
    path = f"{API}/issue/createmeta/LAKE/issuetypes"
    types = http.get(path, params={"maxResults": 2, "startAt": 1}).json()
    assert [item["name"] for item in types["issueTypes"]] == ["Story", "Task"]
    assert (types["total"], types["startAt"], types["maxResults"]) == (5, 1, 2)
    screen = http.get(f"{path}/10001", params={"maxResults": 1000}).json()
    assert screen["maxResults"] == 200
    ids = {item["fieldId"] for item in screen["fields"]}
    assert {"summary", "labels", "priority", "components", "assignee", "parent", "issuelinks", SPRINT} <= ids
    assert {item["fieldId"] for item in screen["fields"] if item["required"]} >= {"summary", "project"}
    assert http.get(f"{path}/99").status_code == 400
    assert http.get(f"{API}/issue/createmeta/NOPE/issuetypes").status_code == 400


def test_fact_16_only_fields_on_the_create_screen_can_be_set(
    http: httpx.Client, jira_sandbox: JiraSandbox
) -> None:
    jira_sandbox.settings(missing_fields=["labels"])
    screen = http.get(f"{API}/issue/createmeta/LAKE/issuetypes/10002").json()["fields"]
    assert "labels" not in {item["fieldId"] for item in screen}
    assert set(refusal(http, labels=["a"])["errors"]) == {"labels"}


def test_priorities_link_types_and_the_project(http: httpx.Client) -> None:
    assert http.get(f"{API}/priority").json()[0]["name"] == "Highest"
    types = http.get(f"{API}/issueLinkType").json()["issueLinkTypes"]
    assert {"Blocks", "Relates"} <= {item["name"] for item in types}
    project = http.get(f"{API}/project/LAKE").json()
    assert (project["name"], project["style"]) == ("Lakeside College", "classic")
    assert len(http.get(f"{API}/project/LAKE/components").json()) == 3


def test_what_does_not_exist_is_said_in_jiras_way(http: httpx.Client) -> None:
    assert http.get(f"{API}/nothing").json()["errorMessages"]
    assert http.delete(f"{API}/myself").status_code == 405
