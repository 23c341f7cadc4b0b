"""jira.md 8, 9, 10: attachments, entity properties and links."""

import httpx
import pytest

from tests.deployments.jira_sandbox.builders import API, NO_CHECK, attach, create, fields, link, read
from tests.jira_sandbox import CREATOR, VIEWER, JiraSandbox


def test_fact_8_an_upload_answers_200_and_a_list(http: httpx.Client) -> None:
    key = create(http)["key"]
    answer = attach(http, key, "tafel ä.md", b"content")
    assert answer.status_code == 200
    (item,) = answer.json()
    assert (item["filename"], item["size"], item["mimeType"]) == ("tafel ä.md", 7, "text/markdown")
    assert item["created"].endswith("+0000")
    assert [held["id"] for held in read(http, key)["attachment"]] == [item["id"]]


def test_fact_8_without_its_header_the_upload_is_refused(http: httpx.Client) -> None:
    key = create(http)["key"]
    answer = http.post(f"{API}/issue/{key}/attachments", files={"file": ("a.md", b"x")})
    assert (answer.status_code, answer.text) == (403, "XSRF check failed")


def test_fact_8_the_part_must_be_called_file(http: httpx.Client) -> None:
    key = create(http)["key"]
    path = f"{API}/issue/{key}/attachments"
    assert http.post(path, files={"upload": ("a.md", b"x")}, headers=NO_CHECK).json() == []
    assert read(http, key)["attachment"] == []


def test_fact_8_the_limits_of_attachments(http: httpx.Client, jira_sandbox: JiraSandbox) -> None:
    key = create(http)["key"]
    assert http.get(f"{API}/attachment/meta").json() == {"enabled": True, "uploadLimit": 1_000_000_000}
    many = [("file", (f"{n}.md", b"x")) for n in range(61)]
    assert http.post(f"{API}/issue/{key}/attachments", files=many, headers=NO_CHECK).status_code == 413
    jira_sandbox.settings(upload_limit=3, attachments_per_issue=1)
    assert attach(http, key, content=b"four").status_code == 413
    assert attach(http, key, content=b"ok").status_code == 200
    assert attach(http, key, content=b"ok").status_code == 413
    assert attach(http, "LAKE-99").status_code == 404


def test_fact_8_a_file_can_be_read_and_deleted(http: httpx.Client) -> None:
    key = create(http)["key"]
    item = attach(http, key, content=b"<script>").json()[0]
    assert http.get(f"{API}/attachment/{item['id']}").json()["id"] == int(item["id"])
    path = f"{API}/attachment/content/{item['id']}"
    redirected = http.get(path)
    assert redirected.status_code == 303
    assert http.get(redirected.headers["location"]).content == b"<script>"
    direct = http.get(path, params={"redirect": "false"})
    assert (direct.status_code, direct.content) == (200, b"<script>")
    assert http.delete(f"{API}/attachment/{item['id']}").status_code == 204
    assert http.get(f"{API}/attachment/{item['id']}").status_code == 404


def test_fact_8_attachments_need_permission(http: httpx.Client, jira_sandbox: JiraSandbox) -> None:
    key = create(http)["key"]
    with jira_sandbox.client(*VIEWER) as viewer:
        assert attach(viewer, key).status_code == 403
        item = attach(http, key).json()[0]
        assert viewer.delete(f"{API}/attachment/{item['id']}").status_code == 403


def test_fact_8_and_11_a_repeated_upload_makes_a_second_attachment(http: httpx.Client) -> None:
    key = create(http)["key"]
    attach(http, key)
    attach(http, key)
    assert [held["filename"] for held in read(http, key)["attachment"]] == ["table.md", "table.md"]


def test_fact_9_a_property_is_made_with_201_and_changed_with_200_both_empty(http: httpx.Client) -> None:
    path = f"{API}/issue/{create(http)['key']}/properties/ours"
    made, changed = http.put(path, json={"a": 1}), http.put(path, json=[1])
    assert [(made.status_code, made.content), (changed.status_code, changed.content)] == [
        (201, b""),
        (200, b""),
    ]
    assert http.get(path).json() == {"key": "ours", "value": [1]}
    assert [item["key"] for item in http.get(path.removesuffix("/ours")).json()["keys"]] == ["ours"]
    assert http.delete(path).status_code == 204
    assert (http.get(path).status_code, http.delete(path).status_code) == (404, 404)


def test_fact_9_properties_come_with_a_create_and_a_bulk_create(http: httpx.Client) -> None:
    request = {"fields": fields(), "properties": [{"key": "ours", "value": {"ticket": "t1"}}]}
    single = http.post(f"{API}/issue", json=request).json()["key"]
    bulk = http.post(f"{API}/issue/bulk", json={"issueUpdates": [request]}).json()["issues"][0]["key"]
    body = {"issueIdsOrKeys": [single, bulk], "fields": ["key"], "properties": ["ours"]}
    for issue in http.post(f"{API}/issue/bulkfetch", json=body).json()["issues"]:
        assert issue["properties"] == {"ours": {"ticket": "t1"}}


def test_fact_9_keys_have_255_bytes_and_values_32768(http: httpx.Client) -> None:
    path = f"{API}/issue/{create(http)['key']}/properties"
    assert http.put(f"{path}/{'k' * 255}", json="x" * 32_766).status_code == 201
    assert http.put(f"{path}/{'k' * 256}", json=1).status_code == 400
    assert http.put(f"{path}/k", json="x" * 32_767).status_code == 400
    assert (
        http.put(f"{path}/k", content=b"{", headers={"Content-Type": "application/json"}).status_code == 400
    )


def test_fact_10_a_link_answers_201_without_a_body_and_can_be_repeated(http: httpx.Client) -> None:
    first, second = create(http)["key"], create(http)["key"]
    for _ in range(2):
        answer = link(http, first, second)
        assert (answer.status_code, answer.content) == (201, b"")
    assert len(read(http, first)["issuelinks"]) == 1


def test_fact_10_the_inward_issue_is_the_source(http: httpx.Client) -> None:
    blocker, blocked = create(http)["key"], create(http)["key"]
    link(http, blocker, blocked)
    (seen_from_source,), (seen_from_target,) = (read(http, key)["issuelinks"] for key in (blocker, blocked))
    assert seen_from_source["type"]["outward"] == "blocks"
    assert seen_from_source["outwardIssue"]["key"] == blocked
    assert seen_from_target["inwardIssue"]["key"] == blocker
    assert "outwardIssue" not in seen_from_target
    whole = http.get(f"{API}/issueLink/{seen_from_source['id']}").json()
    assert (whole["inwardIssue"]["key"], whole["outwardIssue"]["key"]) == (blocker, blocked)


def test_fact_10_a_new_issue_can_be_the_source_of_a_link(http: httpx.Client) -> None:
    target = create(http)["key"]
    add = {"add": {"type": {"name": "Blocks"}, "outwardIssue": {"key": target}}}
    made = http.post(f"{API}/issue", json={"fields": fields(), "update": {"issuelinks": [add]}}).json()["key"]
    assert read(http, made)["issuelinks"][0]["outwardIssue"]["key"] == target


def test_fact_10_links_inside_one_bulk_call_are_impossible(http: httpx.Client) -> None:
    add = {"add": {"type": {"name": "Blocks"}, "outwardIssue": {"key": "LAKE-2"}}}
    updates = [{"fields": fields(), "update": {"issuelinks": [add]}}, {"fields": fields()}]
    answer = http.post(f"{API}/issue/bulk", json={"issueUpdates": updates}).json()
    assert [error["failedElementNumber"] for error in answer["errors"]] == [0]


def test_fact_10_links_on_create_need_the_field_on_the_screen(
    http: httpx.Client, jira_sandbox: JiraSandbox
) -> None:
    target = create(http)["key"]
    jira_sandbox.settings(missing_fields=["issuelinks"])
    add = {"add": {"type": {"name": "Blocks"}, "outwardIssue": {"key": target}}}
    answer = http.post(f"{API}/issue", json={"fields": fields(), "update": {"issuelinks": [add]}})
    assert (answer.status_code, set(answer.json()["errors"])) == (400, {"issuelinks"})


def test_fact_10_what_cannot_be_linked_is_refused(http: httpx.Client, jira_sandbox: JiraSandbox) -> None:
    first, second = create(http)["key"], create(http)["key"]
    assert link(http, first, "LAKE-99").status_code == 404
    assert link(http, first, second, "Hinders").status_code == 404
    assert link(http, first, first).status_code == 400
    jira_sandbox.settings(links_per_issue=1)
    assert link(http, first, second).status_code == 201
    assert link(http, first, second, "Relates").status_code == 413
    with jira_sandbox.client(*CREATOR) as creator:
        assert link(creator, first, second).status_code == 404


def test_fact_10_a_link_can_be_deleted(http: httpx.Client) -> None:
    first, second = create(http)["key"], create(http)["key"]
    link(http, first, second)
    ident = read(http, first)["issuelinks"][0]["id"]
    assert http.delete(f"{API}/issueLink/{ident}").status_code == 204
    assert http.get(f"{API}/issueLink/{ident}").status_code == 404
    assert http.get(f"{API}/issueLink/none").status_code == 400
    assert read(http, second)["issuelinks"] == []


@pytest.mark.parametrize("suffix", ["", "/properties", "/properties/ours"])
def test_belongings_of_a_missing_issue_are_404(http: httpx.Client, suffix: str) -> None:
    assert http.get(f"{API}/issue/LAKE-99{suffix}").status_code == 404
