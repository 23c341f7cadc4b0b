"""Sessions through Prefect's REST API: docs/api.md is run as it stands, and what is refused is refused clearly."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from db.enums import SessionStage, TaskStatus
from tests.prefect_api import PrefectApi, prefect_api
from tests.stack import RunningStack
from tests.trouble import Trouble, at_review, at_the_beginning

pytestmark = pytest.mark.stack
DOCUMENT = (Path(__file__).parents[1] / "docs" / "api.md").read_text()
NOBODY = "00000000-0000-4000-8000-000000000000"


def examples(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def api(stack: RunningStack) -> Iterator[PrefectApi]:
    with prefect_api(stack) as api:
        yield api


@pytest.fixture(scope="module")
def reviewed(stack: RunningStack, api: PrefectApi) -> Trouble:
    return Trouble(stack, api, at_review(stack, 2))


def environment(stack: RunningStack, **more: str) -> dict[str, str]:
    return {**os.environ, **stack.connection.environment(), "API": stack.connection.prefect_api_url, **more}


def test_the_examples_work_as_they_stand_and_who_listens_hears_of_it(stack: RunningStack) -> None:
    (listening,) = examples("python")
    listener = subprocess.Popen(
        [sys.executable, "-c", listening],
        env=environment(stack, UNTIL="the end of the test"),
        stdout=subprocess.PIPE,
        text=True,
    )
    script = "\n".join(["set -euo pipefail", *examples("bash")])
    done = subprocess.run(
        ["bash", "-c", script],
        env=environment(stack),
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    time.sleep(3)
    listener.terminate()
    assert listener.stdout
    heard = listener.stdout.read()
    listener.wait(20)
    listener.stdout.close()
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[0] == "COMPLETED"
    assert "COMPLETED" in done.stdout.splitlines()[2:]
    assert "export-tickets" in heard
    told = [line for line in heard.splitlines() if line.startswith("drupal-tickets.session.progress")]
    assert any("tickets written" in line and "Lakeside by API" in line for line in told), heard
    assert any("issues created" in line for line in told), heard


def test_watching_follows_the_event_stream_of_a_run_that_somebody_else_started(
    stack: RunningStack, api: PrefectApi
) -> None:
    watched = Trouble(stack, api, at_review(stack, 4))
    run = watched.start("deliver-session")
    seen = watched.watch(run, "Following Prefect's event stream.")
    assert seen.returncode == 0, seen.stdout + seen.stderr
    # The last events come after the end.
    told = r"^(tickets checked|issues created): \d+ of \d+ \("
    assert re.search(told, seen.stderr, re.MULTILINE), seen.stderr
    assert json.loads(seen.stdout)["session"]["stage"] == "completed"
    assert api.end_of(run)[0] == "COMPLETED"


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"session_id": ["a", "list"]},
        {"session_id": None},
        {"session_id": "x", "surprise": 1, "requested_by": 5},
        {"session_id": NOBODY, "requested_by": " "},
        {"session_id": NOBODY, "requested_by": "x" * 256},
    ],
    ids=["nothing", "a list", "null", "a number for a name", "nobody", "no name"],
)
def test_what_does_not_fit_the_form_makes_no_run(api: PrefectApi, wrong: dict[str, object]) -> None:
    with pytest.raises(httpx.HTTPStatusError) as refused:
        api.start("deliver-session", **wrong)
    assert refused.value.response.status_code == 409
    assert refused.value.response.json()["detail"]


def test_an_id_that_is_no_id_ends_the_run_and_says_so(api: PrefectApi) -> None:
    state, message = api.end_of(api.start("deliver-session", session_id="x", requested_by="a test"))
    assert state == "FAILED"
    assert "session_id" in message


@pytest.mark.parametrize("deployment", ["deliver-session", "export-tickets", "prepare-session"])
def test_an_unknown_session_ends_the_run_and_says_so(api: PrefectApi, deployment: str) -> None:
    unknown = str(uuid4())
    state, message = api.end_of(api.start(deployment, session_id=unknown, requested_by="a test"))
    assert state == "FAILED"
    assert f"There is no session {unknown}" in message


@pytest.mark.parametrize("deployment", ["validate-tickets", "export-tickets", "deliver-session"])
def test_a_stage_whose_turn_has_not_come(stack: RunningStack, api: PrefectApi, deployment: str) -> None:
    early = Trouble(stack, api, at_the_beginning(stack))
    state, message = api.end_of(early.start(deployment))
    assert (state, early.record().current_stage) == ("FAILED", SessionStage.SITE_INFO_COLLECTION), message
    assert "comes later" in message
    assert early.nothing_runs()


@pytest.mark.parametrize("deployment", ["collect-site-info", "upload-spec", "generate-tickets"])
def test_a_stage_that_is_over(reviewed: Trouble, deployment: str) -> None:
    before = [ticket.id for ticket in reviewed.tickets()]
    state, message = reviewed.api.end_of(reviewed.start(deployment))
    assert state == "FAILED"
    assert "Traceback" not in message
    assert (reviewed.record().current_stage, [ticket.id for ticket in reviewed.tickets()]) == (
        SessionStage.REVIEW,
        before,
    )
    assert reviewed.nothing_runs()


def test_the_same_key_twice_is_one_run(reviewed: Trouble) -> None:
    deployment = reviewed.api.http.get("deployments/name/validate-tickets/validate-tickets").json()["id"]
    body = {
        "idempotency_key": f"{reviewed.id}:twice",
        "parameters": {"session_id": str(reviewed.id), "requested_by": "a test"},
    }
    path = f"deployments/{deployment}/create_flow_run"
    runs = {reviewed.api.http.post(path, json=body).raise_for_status().json()["id"] for _ in range(3)}
    (run,) = runs
    assert reviewed.api.end_of(run)[0] == "COMPLETED"
    assert [row.status for row in reviewed.rows() if row.task_id == run] == [TaskStatus.COMPLETED]


def test_without_a_token_nothing_is_started(stack: RunningStack) -> None:
    answer = httpx.post(
        f"{stack.connection.prefect_api_url}/deployments/{uuid4()}/create_flow_run", json={}, trust_env=False
    )
    assert answer.status_code == 403
