"""`jira login` on the whole stack: a person agrees in the browser, and commands act in their name until logout."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.jira_sandbox import EMAIL, JiraSandbox
from tests.stack import RunningStack, free_port

pytestmark = pytest.mark.stack


def log_in(stack: RunningStack, folder: Path, block: str, query: str) -> tuple[int, str, str]:
    """The command in a process, the consent in a browser; exit code, page and standard error."""
    said = folder / "login.err"
    with said.open("w") as err:
        command = subprocess.Popen(
            [
                Path(sys.executable).with_name("drupal-tickets"), "jira", "login", "--jira-site", block,
                "--url", stack.connection.jira_url, "--no-browser", "--timeout", "60",
            ],
            env={**stack.environment, "JIRA_OAUTH_PORT": str(free_port())},
            stdout=subprocess.DEVNULL,
            stderr=err,
        )  # fmt: skip
        while (address := re.search(r"http\S+/authorize\?\S+", said.read_text())) is None:
            assert command.poll() is None, said.read_text()
            time.sleep(0.1)
        page = httpx.get(f"{address[0]}&{query}", follow_redirects=True, verify=False)
        return command.wait(30), page.text, said.read_text()


def logins_of_a_session(stack: RunningStack, folder: Path) -> set[str]:
    """How the workers logged in to make the issues of a whole session, with tokens that last two seconds."""
    (folder / "Roles.csv").write_text(
        "ID,Name,Machine name,X,Dev,QA,Notes\n"
        ",Chief Editor,chief_editor,a,,,Publishes.\n,Intern,intern,a,,,Drafts.\n"
    )
    sandbox = JiraSandbox(folder, port=urlsplit(stack.connection.jira_url).port or 0)
    sandbox.join()
    before = max((call["seq"] for call in sandbox.journal()), default=0)
    sandbox.settings(access_token_seconds=62)  # renewed a minute before the end
    command = ("run", str(folder / "Roles.csv"), "--site-name", "OAuth", "--project-key", "LAKE")
    ran = stack.cli(*command, "--jira-site", "acme", "--yes", "--json")
    sandbox.settings(access_token_seconds=3600)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert len({ticket["jira_key"] for ticket in json.loads(ran.stdout)["tickets"]} - {None}) == 2
    calls = [call for call in sandbox.journal(after=before) if call["path"].startswith("/ex/jira/")]
    sandbox.control.close()
    assert any(call["path"].endswith("/issue/bulk") and call["status"] == 201 for call in calls)
    return {call["request_headers"]["authorization"] for call in calls}


def test_who_agrees_is_logged_in_until_they_log_out(stack: RunningStack, tmp_path: Path) -> None:
    code, page, said = log_in(stack, tmp_path, "acme", f"as={EMAIL}")
    assert code == 0, said
    assert "You are logged in" in page
    checked = stack.cli("jira", "check", "--site", "acme", "--project-key", "LAKE", "--json")
    assert checked.returncode == 0, checked.stderr
    assert '"login": "oauth"' in checked.stdout
    assert '"missing_permissions": []' in checked.stdout
    assert logins_of_a_session(stack, tmp_path) == {"Bearer ..."}
    assert stack.cli("jira", "logout", "--site", "acme").returncode == 0
    after = stack.cli("jira", "check", "--site", "acme")
    assert after.returncode == 20
    assert "drupal-tickets jira login --jira-site acme" in after.stderr


def test_who_says_no_changes_nothing(stack: RunningStack, tmp_path: Path) -> None:
    code, page, said = log_in(stack, tmp_path, "nobody", "deny=1")
    assert code == 40, said
    assert "Nothing was granted" in page
    assert stack.cli("jira", "check", "--site", "nobody").returncode == 20
