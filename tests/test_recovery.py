"""Sessions that were interrupted: listed, resumed, and nothing in Jira twice."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end import LAKESIDE, jira_of
from tests.stack import RunningStack

pytestmark = pytest.mark.stack


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param("Checking the Jira project", marks=pytest.mark.long),
        pytest.param("Writing tickets", marks=pytest.mark.long),
        "Creating issues in Jira",
    ],
)
def test_a_session_interrupted_at_any_stage_is_listed_and_resumed(
    stack: RunningStack, tmp_path: Path, seen: str
) -> None:
    spec = tmp_path / "spec"
    shutil.copytree(LAKESIDE, spec)
    (spec / "Roles of this test.csv").write_text(f"Name,Machine name,X\n{seen},a_role,a\n")
    interrupt_when(stack, seen, "run", str(spec), "--site-name", seen, "--project-key", "DEMO", "--yes")

    listed = json.loads(stack.cli("session", "list", "--json").stdout)["sessions"]
    (session,) = [session for session in listed if session["site_name"] == seen]
    resumed = stack.cli("session", "resume", session["id"], "--yes", "--json")
    document = json.loads(resumed.stdout)
    assert (resumed.returncode, document["session"]["stage"]) == (0, "completed"), resumed.stderr
    with jira_of(stack) as jira:
        labels = set(jira.issue(document["tickets"][0]["jira_key"])["labels"])
        issues = {key for label in labels for key in jira.keys_with_label(label)}
    assert issues == {ticket["jira_key"] for ticket in document["tickets"]}


def interrupt_when(stack: RunningStack, seen: str, *arguments: str) -> None:
    """Run a command and press Ctrl-C as soon as it says something; it must end as interrupted."""
    command = [str(Path(sys.executable).with_name("drupal-tickets")), *arguments]
    with subprocess.Popen(command, env=stack.environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        for line in process.stderr:
            if seen in line:
                process.send_signal(signal.SIGINT)
                break
        process.stderr.read()
        assert process.wait(60) in (0, 40)
