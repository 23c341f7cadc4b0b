"""jira.md 1, 2, 3, 6, 7, 11, 17, 18: creating issues, and what Jira refuses."""

from typing import Any

import httpx
import pytest

from tests.deployments.jira_sandbox.builders import API, create, document, fields, read, refusal
from tests.jira_sandbox import CREATOR, NOBODY, VIEWER, JiraSandbox


def bulk(http: httpx.Client, *updates: dict[str, Any]) -> httpx.Response:
    return http.post(f"{API}/issue/bulk", json={"issueUpdates": [{"fields": update} for update in updates]})


def test_fact_1_bulk_create_answers_201_with_errors_when_any_issue_was_made(http: httpx.Client) -> None:
    answer = bulk(http, fields("one"), fields("two\nlines"), fields("three"))

    assert answer.status_code == 201
    body = answer.json()
    assert [issue["key"] for issue in body["issues"]] == ["LAKE-1", "LAKE-2"]
    summary = {"summary": "The summary is invalid because it contains newline characters."}
    assert body["errors"] == [
        {"status": 400, "elementErrors": {"errorMessages": [], "errors": summary}, "failedElementNumber": 1}
    ]
    assert read(http, "LAKE-2")["summary"] == "three"


def test_fact_1_bulk_create_answers_400_in_the_same_shape_when_all_fail(http: httpx.Client) -> None:
    answer = bulk(http, fields(""), fields("x" * 256))

    assert answer.status_code == 400
    assert answer.json()["issues"] == []
    assert [error["failedElementNumber"] for error in answer.json()["errors"]] == [0, 1]


def test_fact_1_bulk_create_takes_50_and_refuses_51(http: httpx.Client) -> None:
    assert len(bulk(http, *[fields(str(n)) for n in range(50)]).json()["issues"]) == 50
    answer = bulk(http, *[fields(str(n)) for n in range(51)])
    assert answer.status_code == 400
    assert (answer.json()["issues"], len(answer.json()["errors"])) == ([], 51)


@pytest.mark.parametrize("body", [[], [{"fields": {}}], {}, {"issueUpdates": []}, {"issueUpdates": {}}, 7])
def test_fact_1_a_body_that_is_no_bulk_request_is_refused(http: httpx.Client, body: Any) -> None:
    assert http.post(f"{API}/issue/bulk", json=body).status_code == 400


def test_fact_1_an_element_that_is_no_object_fails_alone(http: httpx.Client) -> None:
    answer = http.post(f"{API}/issue/bulk", json={"issueUpdates": [7, {"fields": fields()}]})
    assert (answer.status_code, len(answer.json()["issues"]), len(answer.json()["errors"])) == (201, 1, 1)


def test_fact_2_create_answers_id_key_and_self_as_strings(
    http: httpx.Client, jira_sandbox: JiraSandbox
) -> None:
    made = create(http)
    assert made == {"id": made["id"], "key": "LAKE-1", "self": f"{jira_sandbox.url}{API}/issue/{made['id']}"}
    assert made["id"].isdigit()


def test_fact_3_an_unknown_project_is_404_with_its_message(http: httpx.Client) -> None:
    answer = http.get(f"{API}/project/VULN")
    assert answer.status_code == 404
    assert answer.json() == {"errorMessages": ["No project could be found with key 'VULN'."], "errors": {}}
    assert refusal(http, project={"key": "VULN"})["errors"] == {"project": "valid project is required"}


def test_fact_3_documents_that_are_none_or_invalid_are_refused(http: httpx.Client) -> None:
    wrong_kind = "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
    assert refusal(http, description="text") == {"errorMessages": [], "errors": {"description": wrong_kind}}
    broken = document("x") | {"content": [{"type": "paragraph", "content": [{"type": "bogus"}]}]}
    assert refusal(http, description=broken) == {"errorMessages": ["INVALID_INPUT"], "errors": {}}


@pytest.mark.parametrize("body", [b"", b"{", b'{"fields": NaN}', b"\xff", b"[" * 100_000, b'"\\ud800"'])
def test_fact_3_a_body_that_is_not_json_is_refused(http: httpx.Client, body: bytes) -> None:
    answer = http.post(f"{API}/issue", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert "parsing JSON" in answer.json()["errorMessages"][0]


def test_fact_3_a_body_must_say_that_it_is_json(http: httpx.Client) -> None:
    for path in ("/issue", "/issue/bulk", "/search/jql"):
        assert http.post(f"{API}{path}", content=b"{}").status_code == 415


def test_fact_3_a_document_nested_beyond_reason_is_refused(http: httpx.Client) -> None:
    node: dict[str, Any] = {"type": "paragraph"}
    for _ in range(300):
        node = {"type": "blockquote", "content": [node]}
    assert refusal(http, description={"type": "doc", "version": 1, "content": [node]})["errorMessages"]


def test_fact_3_every_refused_field_is_named_at_once(http: httpx.Client) -> None:
    errors = refusal(http, summary="", labels=["a b"], priority={"name": "Urgent"}, unknown=1)["errors"]
    assert set(errors) == {"summary", "labels", "priority", "unknown"}
    assert (
        errors["unknown"] == "Field 'unknown' cannot be set. It is not on the appropriate screen, or unknown."
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("issuetype", {"name": "Saga"}),
        ("issuetype", None),
        ("components", [{"name": "Nowhere"}]),
        ("components", {"name": "Content"}),
        ("priority", "High"),
        ("parent", {"key": "LAKE-99"}),
        ("duedate", "tomorrow"),
        ("customfield_10016", "five"),
        ("labels", "one"),
        ("summary", ["one"]),
    ],
)
def test_fact_3_a_value_that_the_field_cannot_hold_is_refused(
    http: httpx.Client, field: str, value: Any
) -> None:
    assert set(refusal(http, **{field: value})["errors"]) == {field}


def test_fact_6_text_of_32767_is_taken_and_32768_refused(http: httpx.Client) -> None:
    key = create(http, description=document("x" * 32_767))["key"]
    assert read(http, key)["description"] == document("x" * 32_767)
    too_long = {"errorMessages": [], "errors": {"description": "CONTENT_LIMIT_EXCEEDED"}}
    assert refusal(http, description=document("x" * 32_768)) == too_long
    assert refusal(http, description=document("😀" * 16_384)) == too_long


def test_fact_6_the_other_way_of_counting_can_be_switched_on(
    http: httpx.Client, jira_sandbox: JiraSandbox
) -> None:
    description = document(*["x"] * 1000)
    create(http, description=description)
    jira_sandbox.settings(description_counts=["json"])
    assert refusal(http, description=description)["errors"] == {"description": "CONTENT_LIMIT_EXCEEDED"}
    create(http, description=document("x"))


def test_fact_6_an_edit_is_held_to_the_limit_too(http: httpx.Client) -> None:
    key = create(http)["key"]
    answer = http.put(f"{API}/issue/{key}", json={"fields": {"description": document("x" * 32_768)}})
    assert (answer.status_code, answer.json()["errors"]) == (400, {"description": "CONTENT_LIMIT_EXCEEDED"})


def test_fact_7_a_summary_has_one_line_of_255_characters(http: httpx.Client) -> None:
    create(http, summary="x" * 255)
    assert refusal(http, summary="x" * 256)["errors"] == {"summary": "Summary can't exceed 255 characters."}
    newline = "The summary is invalid because it contains newline characters."
    assert refusal(http, summary="one\ntwo")["errors"] == {"summary": newline}
    missing = {"summary": "You must specify a summary of the issue."}
    assert refusal(http, summary=None)["errors"] == missing
    answer = http.post(
        f"{API}/issue", json={"fields": {"project": {"key": "LAKE"}, "issuetype": {"name": "Task"}}}
    )
    assert answer.json()["errors"] == missing


def test_fact_11_a_repeated_create_makes_a_second_issue(http: httpx.Client) -> None:
    assert create(http)["key"] == "LAKE-1"
    assert create(http)["key"] == "LAKE-2"


def test_fact_17_labels_are_plain_strings_without_spaces(http: httpx.Client) -> None:
    key = create(http, labels=["drupal", "session-1", "x" * 255])["key"]
    assert set(read(http, key)["labels"]) == {"drupal", "session-1", "x" * 255}
    spaces = {"labels": "The label 'two words' contains spaces which is invalid."}
    assert refusal(http, labels=["two words"])["errors"] == spaces
    assert "labels" in refusal(http, labels=["x" * 256])["errors"]
    assert "labels" in refusal(http, labels=[""])["errors"]


def test_fact_18_a_file_cannot_be_shown_by_an_attachment_id(http: httpx.Client) -> None:
    media = {"type": "media", "attrs": {"type": "file", "id": "10000", "collection": ""}}
    shown = document("x") | {"content": [{"type": "mediaSingle", "content": [media]}]}
    assert refusal(http, description=shown)["errorMessages"] == ["ATTACHMENT_VALIDATION_ERROR"]


def test_numbers_are_not_used_twice(http: httpx.Client) -> None:
    create(http)
    assert http.delete(f"{API}/issue/{create(http)['key']}").status_code == 204
    assert create(http)["key"] == "LAKE-3"


def test_edit_changes_fields_and_answers_204(http: httpx.Client) -> None:
    key = create(http, labels=["a", "b"], components=[{"name": "Content"}])["key"]
    changes = {"fields": {"summary": "New"}, "update": {"labels": [{"remove": "a"}, {"add": "c"}]}}
    answer = http.put(f"{API}/issue/{key}", json=changes)
    assert (answer.status_code, answer.content) == (204, b"")
    after = read(http, key)
    assert (after["summary"], after["labels"]) == ("New", ["b", "c"])
    assert [component["name"] for component in after["components"]] == ["Content"]


def test_a_field_stands_in_fields_or_in_update_but_not_in_both(http: httpx.Client) -> None:
    request = {"fields": fields(labels=["a"]), "update": {"labels": [{"add": "b"}]}}
    answer = http.post(f"{API}/issue", json=request)
    assert (answer.status_code, set(answer.json()["errors"])) == (400, {"labels"})


def test_an_issue_is_found_by_key_in_any_case_and_by_id(http: httpx.Client) -> None:
    made = create(http)
    for name in (made["key"], made["key"].lower(), made["id"]):
        assert http.get(f"{API}/issue/{name}").json()["id"] == made["id"]
    missing = http.get(f"{API}/issue/LAKE-99")
    assert missing.status_code == 404
    assert missing.json()["errorMessages"] == [
        "Issue does not exist or you do not have permission to see it."
    ]


def test_parents_are_one_level_above(http: httpx.Client) -> None:
    epic = create(http, issuetype={"name": "Epic"})["key"]
    story = create(http, issuetype={"name": "Story"}, parent={"key": epic})["key"]
    create(http, issuetype={"name": "Sub-task"}, parent={"key": story})
    assert read(http, story)["parent"]["key"] == epic
    assert len(read(http, story)["subtasks"]) == 1
    assert "parent" in refusal(http, parent={"key": story})["errors"]
    assert "parent" in refusal(http, issuetype={"name": "Sub-task"})["errors"]
    assert http.delete(f"{API}/issue/{story}").status_code == 400
    assert http.delete(f"{API}/issue/{story}?deleteSubtasks=true").status_code == 204


def test_bulkfetch_answers_in_order_of_ids_and_names_what_is_missing(http: httpx.Client) -> None:
    keys = [create(http, str(n))["key"] for n in range(3)]
    wanted = [*reversed(keys), "LAKE-99", keys[0].lower()]
    answer = http.post(
        f"{API}/issue/bulkfetch", json={"issueIdsOrKeys": wanted, "fields": ["summary"]}
    ).json()
    assert [issue["key"] for issue in answer["issues"]] == keys
    assert answer["issues"][0]["fields"] == {"summary": "0"}
    assert [error["id"] for error in answer["issueErrors"]] == ["LAKE-99"]
    for wrong in ([], ["LAKE-1"] * 101, "LAKE-1", None):
        assert http.post(f"{API}/issue/bulkfetch", json={"issueIdsOrKeys": wrong}).status_code == 400


def test_who_may_not_create_is_told_so(jira_sandbox: JiraSandbox) -> None:
    with jira_sandbox.client(*VIEWER) as http:
        assert http.get(f"{API}/project/LAKE").status_code == 200
        denied = ["You do not have permission to create issues in this project."]
        assert refusal(http)["errorMessages"] == denied
    with jira_sandbox.client(*NOBODY) as http:
        assert http.get(f"{API}/project/LAKE").status_code == 404
        assert refusal(http)["errors"] == {"project": "valid project is required"}


def test_fields_that_the_caller_may_not_set_are_not_on_the_screen(jira_sandbox: JiraSandbox) -> None:
    with jira_sandbox.client(*CREATOR) as http:
        create(http)
        assert "assignee" in refusal(http, assignee=None)["errors"]


def test_fields_can_be_taken_off_the_screen_and_required(
    http: httpx.Client, jira_sandbox: JiraSandbox
) -> None:
    jira_sandbox.settings(missing_fields=["labels"], required_fields=["customfield_10016"])
    assert set(refusal(http, labels=["a"])["errors"]) == {"labels", "customfield_10016"}
    create(http, customfield_10016=3)
