"""jira.md 4, and every way to fail that the sandbox knows: rate limits, lost outcomes, late writes, slow answers."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.deployments.jira_sandbox.builders import API, create, fields, link
from tests.jira_sandbox import JiraSandbox


def post(http: httpx.Client, summary: str = "Build the page") -> httpx.Response:
    return http.post(f"{API}/issue", json={"fields": fields(summary)})


def test_fact_4_a_burst_is_answered_with_429_and_its_headers(http: httpx.Client) -> None:
    # At once, since the allowance of the burst grows with time.
    with ThreadPoolExecutor(16) as callers:
        answers = [*callers.map(lambda _: http.get(f"{API}/myself"), range(400))]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert any(answer.headers.get("X-RateLimit-NearLimit") == "true" for answer in answers)
    headers = refused[0].headers
    assert (headers["Retry-After"], headers["X-RateLimit-Remaining"]) == ("1", "0")
    assert headers["RateLimit-Reason"] == "jira-burst-based"
    assert headers["X-RateLimit-Reset"].endswith("Z")
    assert http.get(f"{API}/project/LAKE").status_code == 200, "each endpoint has a bucket of its own"


def test_fact_4_one_issue_takes_20_writes_in_2_seconds(http: httpx.Client, jira_sandbox: JiraSandbox) -> None:
    first, second = create(http)["key"], create(http)["key"]
    path = f"{API}/issue/{first}/properties"
    answers = [http.put(f"{path}/p{n}", json=n) for n in range(21)]
    assert [answer.status_code for answer in answers] == [201] * 20 + [429]
    assert answers[-1].headers["RateLimit-Reason"] == "jira-per-issue-on-write"
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 2
    assert link(http, first, second).status_code == 429
    assert http.put(f"{API}/issue/{second}/properties/p", json=1).status_code == 201
    jira_sandbox.settings(rate_limits=False)
    assert link(http, first, second).status_code == 201


def test_fact_4_a_429_may_carry_no_retry_after(http: httpx.Client, jira_sandbox: JiraSandbox) -> None:
    jira_sandbox.fault("status", status=429, retry_after=1847, times=1)
    assert post(http).headers["Retry-After"] == "1847"
    jira_sandbox.fault("status", status=429, times=1)
    answer = post(http)
    assert answer.status_code == 429
    assert not {"retry-after", "ratelimit-reason"} & set(answer.headers)
    assert jira_sandbox.issues() == []


@pytest.mark.parametrize("status", [401, 403, 500, 502, 503, 504])
def test_a_status_has_no_effect(http: httpx.Client, jira_sandbox: JiraSandbox, status: int) -> None:
    jira_sandbox.fault("status", status=status, retry_after=7)
    answer = post(http)
    assert (answer.status_code, answer.headers["Retry-After"]) == (status, "7")
    assert jira_sandbox.issues() == []


def test_a_dropped_connection_has_no_effect(http: httpx.Client, jira_sandbox: JiraSandbox) -> None:
    jira_sandbox.fault("drop", times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        post(http)
    assert jira_sandbox.issues() == []
    assert post(http).status_code == 201


def test_a_lost_outcome_has_its_effect(http: httpx.Client, jira_sandbox: JiraSandbox) -> None:
    jira_sandbox.fault("lost", times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        post(http)
    jira_sandbox.fault("lost", times=1, status=504)
    assert post(http).status_code == 504
    assert len(jira_sandbox.issues()) == 2
    (dropped, failed) = jira_sandbox.journal("POST")
    assert (dropped["status"], dropped["applied"], dropped["applied_status"]) == (None, True, 201)
    assert (failed["status"], failed["applied"], failed["fault"]) == (504, True, "lost")


def test_a_garbled_answer_has_the_right_status_and_no_json(
    http: httpx.Client, jira_sandbox: JiraSandbox
) -> None:
    jira_sandbox.fault("garbled")
    answer = post(http)
    assert (answer.status_code, answer.text[:9]) == (201, "<!DOCTYPE")
    assert len(jira_sandbox.issues()) == 1


def test_a_cut_answer_ends_in_the_middle(http: httpx.Client, jira_sandbox: JiraSandbox) -> None:
    jira_sandbox.fault("cut")
    with pytest.raises(httpx.RemoteProtocolError):
        post(http)
    assert len(jira_sandbox.issues()) == 1


@pytest.mark.parametrize("status", [None, 503])
def test_a_late_write_takes_effect_after_the_caller_gave_up(
    http: httpx.Client, jira_sandbox: JiraSandbox, status: int | None
) -> None:
    jira_sandbox.fault("late", seconds=0.3, status=status, times=1)
    if status is None:
        with pytest.raises(httpx.RemoteProtocolError):
            post(http)
    else:
        assert post(http).status_code == status
    assert jira_sandbox.issues() == []
    time.sleep(0.5)
    assert len(jira_sandbox.issues()) == 1
    assert jira_sandbox.journal("POST")[0]["applied"]


@pytest.mark.parametrize(("kind", "made"), [("slow", 0), ("slow_answer", 1)])
def test_a_slow_call_outlasts_its_caller(jira_sandbox: JiraSandbox, kind: str, made: int) -> None:
    jira_sandbox.fault(kind, seconds=0.5, times=1)
    with jira_sandbox.client() as http:
        http.timeout = 0.2
        with pytest.raises(httpx.ReadTimeout):
            post(http)
    assert len(jira_sandbox.issues()) == made
    time.sleep(0.5)
    assert len(jira_sandbox.issues()) == 1


def test_a_delay_can_be_drawn_from_a_range(http: httpx.Client, jira_sandbox: JiraSandbox) -> None:
    jira_sandbox.fault("slow", least=0.0, seconds=0.2, times=4)
    for _ in range(4):
        assert post(http).status_code == 201
    times = [entry["seconds"] for entry in jira_sandbox.journal("POST")]
    assert all(seconds < 0.3 for seconds in times)
    assert max(times) - min(times) > 0.01


def test_latency_is_added_to_every_call(http: httpx.Client, jira_sandbox: JiraSandbox) -> None:
    jira_sandbox.settings(latency=0.2)
    start = time.monotonic()
    assert post(http).status_code == 201
    assert time.monotonic() - start >= 0.2


def test_a_bulk_call_fails_in_part(http: httpx.Client, jira_sandbox: JiraSandbox) -> None:
    jira_sandbox.fault("partial", elements=[1], field="assignee", message="No.", times=1)
    updates = [{"fields": fields(str(n))} for n in range(3)]
    answer = http.post(f"{API}/issue/bulk", json={"issueUpdates": updates})
    assert answer.status_code == 201
    (error,) = answer.json()["errors"]
    assert (error["failedElementNumber"], error["elementErrors"]["errors"]) == (1, {"assignee": "No."})
    assert [issue["fields"]["summary"] for issue in jira_sandbox.issues()] == ["0", "2"]
    jira_sandbox.fault("partial", share=1.0)
    assert http.post(f"{API}/issue/bulk", json={"issueUpdates": updates}).status_code == 400


def outcomes(http: httpx.Client, count: int) -> list[int]:
    return [post(http).status_code for _ in range(count)]


def test_a_rate_strikes_the_same_calls_for_the_same_seed(
    http: httpx.Client, jira_sandbox: JiraSandbox
) -> None:
    jira_sandbox.settings(rate_limits=False)
    runs = []
    for seed in (7, 7, 8):
        jira_sandbox.clear_faults()
        jira_sandbox.fault("status", status=500, rate=0.3, seed=seed)
        runs.append(outcomes(http, 40))
    assert runs[0] == runs[1] != runs[2]
    assert 4 <= runs[0].count(500) <= 20


def test_a_fault_can_be_aimed_and_counted(http: httpx.Client, jira_sandbox: JiraSandbox) -> None:
    jira_sandbox.fault("status", status=500, method="POST", path="/issue$", skip=1, times=2)
    assert outcomes(http, 4) == [201, 500, 500, 201]
    assert http.get(f"{API}/myself").status_code == 200
    assert [(rule["seen"], rule["struck"]) for rule in jira_sandbox.faults()] == [(4, 2)]


def test_the_first_fault_that_comes_up_strikes(http: httpx.Client, jira_sandbox: JiraSandbox) -> None:
    jira_sandbox.fault("status", status=500, times=1)
    second = jira_sandbox.fault("status", status=503)
    assert outcomes(http, 2) == [500, 503]
    jira_sandbox.call("DELETE", f"/faults/{second}")
    assert outcomes(http, 1) == [201]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/faults", {"kind": "explode"}),
        ("/faults", {"kind": "status", "rate": 2}),
        ("/faults", {"kind": "status", "path": "("}),
        ("/faults", {"kind": "status", "colour": "red"}),
        ("/faults", [1]),
        ("/settings", {"search_lag": -1}),
        ("/settings", {"colour": "red"}),
        ("/settings", []),
        ("/projects", {"key": "lower"}),
    ],
)
def test_control_calls_that_make_no_sense_are_refused(
    jira_sandbox: JiraSandbox, path: str, body: Any
) -> None:
    method = "PATCH" if path == "/settings" else "POST"
    assert jira_sandbox.control.request(method, path, json=body).status_code == 400


def test_the_journal_records_requests_and_answers_without_credentials(
    http: httpx.Client, jira_sandbox: JiraSandbox
) -> None:
    made = create(http)
    (entry,) = jira_sandbox.journal()
    assert (entry["method"], entry["path"], entry["status"]) == ("POST", f"{API}/issue", 201)
    assert entry["request_body"] == {"fields": fields()}
    assert entry["response_body"] == made
    assert entry["login"] == jira_sandbox.email
    assert entry["request_headers"]["authorization"] == "Basic ..."
    assert jira_sandbox.journal(after=entry["seq"]) == []
    http.get("/")
    assert len(jira_sandbox.journal()) == 1, "pages and control calls are not Jira calls"


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Content-Type": "text/plain"}])
def test_no_page_in_a_browser_reaches_the_control_api(
    jira_sandbox: JiraSandbox, headers: dict[str, str]
) -> None:
    answer = jira_sandbox.control.post("/reset", content=b"{}", headers=headers)
    assert answer.status_code == 404


def test_projects_can_be_added(http: httpx.Client, jira_sandbox: JiraSandbox) -> None:
    jira_sandbox.add_project("NEW1", "New project")
    assert http.get(f"{API}/project/NEW1").json()["name"] == "New project"
