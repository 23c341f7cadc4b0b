"""A session and the files of its form are opened in one step: a run that is killed right after it loses neither."""

import json
import signal
from typing import Any

import pytest

from tests.own_runs import start, waiting_run
from tests.prefect_api import prefect_api
from tests.stack import RunningStack
from tests.trouble import FILES

pytestmark = pytest.mark.stack
SITE = "Killed when opened"
AFTER_OPENING = ("flows/session.py", "if await stage_of(session_id) is SessionStage.SITE_INFO_COLLECTION:")


def test_a_run_killed_after_opening_keeps_the_files_and_run_again_goes_on_with_its_session(
    stack: RunningStack,
) -> None:
    with prefect_api(stack) as api:
        form = {"site_name": SITE, "jira_project_key": "TEST", "files": FILES, "requested_by": "trouble"}
        run = waiting_run(api, "prepare-session", **form)
        assert start(stack, api, run, "tests.killed_run", *AFTER_OPENING).wait(60) == -signal.SIGKILL
        (opened,) = sessions(stack)
        shown = json.loads(stack.cli("session", "show", opened["id"], "--json").stdout)
        assert [file["filename"] for file in shown["files"]] == ["Roles.csv"]
        assert start(stack, api, run).wait(120) == 0  # what Retry in the UI does
        assert api.end_of(run)[0] == "COMPLETED"
    (same,) = sessions(stack)
    assert (same["id"], same["stage"]) == (opened["id"], "review")


def sessions(stack: RunningStack) -> list[dict[str, Any]]:
    listed = json.loads(stack.cli("session", "list", "--all", "--json").stdout)["sessions"]
    return [session for session in listed if session["site_name"] == SITE]
