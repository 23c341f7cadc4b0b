"""The issues outlive the process; the process starts and works fast."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.deployments.jira_sandbox.builders import API, attach, create, document, fields, link, read
from tests.jira_sandbox import JiraSandbox


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGKILL])
def test_everything_survives_the_end_of_the_process(
    own_jira_sandbox: JiraSandbox, sign: signal.Signals
) -> None:
    with own_jira_sandbox.client() as http:
        first = create(http, description=document("kept"), labels=["a"])["key"]
        second = create(http)["key"]
        attach(http, first, content=b"kept")
        http.put(f"{API}/issue/{first}/properties/ours", json=1)
        link(http, first, second)
        before, stored = read(http, first), own_jira_sandbox.issues()
    own_jira_sandbox.stop(sign)
    own_jira_sandbox.start()
    with own_jira_sandbox.client() as http:
        assert read(http, first) == before
        assert own_jira_sandbox.issues() == stored
        assert create(http)["key"] == "LAKE-3"
        (item,) = before["attachment"]
        assert http.get(item["content"], follow_redirects=True).content == b"kept"


def test_an_answered_write_survives_a_kill_at_that_moment(own_jira_sandbox: JiraSandbox) -> None:
    for count in range(1, 4):
        with own_jira_sandbox.client() as http:
            create(http)
        own_jira_sandbox.kill()
        own_jira_sandbox.start()
        assert len(own_jira_sandbox.issues()) == count


def test_sigterm_ends_it_while_answers_are_held_back(own_jira_sandbox: JiraSandbox) -> None:
    own_jira_sandbox.fault("slow", seconds=60)
    with own_jira_sandbox.client() as http:
        http.timeout = 0.1
        with pytest.raises(Exception, match="timed out"):
            create(http)
    start = time.monotonic()
    own_jira_sandbox.stop()
    assert time.monotonic() - start < 5


def test_it_answers_within_a_second_and_a_half(tmp_path: Path) -> None:
    sandbox = JiraSandbox(tmp_path)
    sandbox.start()
    try:
        assert sandbox.process
        times = psutil.Process(sandbox.process.pid).cpu_times()
        assert times.user + times.system < 1.5
    finally:
        sandbox.stop()


def test_fifty_issues_of_50_kilobytes_take_less_than_half_a_second(own_jira_sandbox: JiraSandbox) -> None:
    update = {"fields": fields(description=large_document())}
    assert own_jira_sandbox.process
    process = psutil.Process(own_jira_sandbox.process.pid)
    with own_jira_sandbox.client() as http:
        before = process.cpu_times()
        answer = http.post(f"{API}/issue/bulk", json={"issueUpdates": [update] * 50})
        after = process.cpu_times()
    assert len(answer.json()["issues"]) == 50
    assert after.user + after.system - before.user - before.system < 0.5


def large_document() -> dict[str, Any]:
    """A table of about 50 kB of JSON."""
    cell = {"type": "tableCell", "attrs": {}, "content": document("some words")["content"]}
    row = {"type": "tableRow", "content": [cell] * 8}
    table = {"type": "doc", "version": 1, "content": [{"type": "table", "content": [row] * 48}]}
    assert 45_000 < len(json.dumps(table)) < 60_000
    return table


@pytest.mark.parametrize(
    "options",
    [
        ["--project", "lower"],
        ["--login", "no-token"],
        ["--login", "a@b:c:emperor"],
        ["--state", "/proc/none/x"],
    ],
)
def test_wrong_options_give_one_clear_line(tmp_path: Path, options: list[str]) -> None:
    command = [
        sys.executable,
        "-m",
        "deployments.jira_sandbox",
        "--state",
        str(tmp_path / "jira.sqlite"),
        *options,
    ]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert ended.stderr.strip()


def test_projects_and_logins_come_from_the_command_line(tmp_path: Path) -> None:
    sandbox = JiraSandbox(
        tmp_path, logins=("boss@example.com:boss:admin", "x@example.com:x:BROWSE_PROJECTS+LINK_ISSUES")
    )
    sandbox.start()
    try:
        for email, token, allowed in (("boss@example.com", "boss", True), ("x@example.com", "x", False)):
            with sandbox.client(email, token) as http:
                params = {"permissions": "ADMINISTER_PROJECTS"}
                held = http.get(f"{API}/mypermissions", params=params).json()["permissions"]
                assert held["ADMINISTER_PROJECTS"]["havePermission"] is allowed
    finally:
        sandbox.stop()
