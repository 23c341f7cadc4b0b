"""A form that waits while everything is stopped and started again: database, Prefect, workers."""

import tempfile
from pathlib import Path

import pytest

from tests.prefect_api import prefect_api
from tests.reviewed_session import ReviewedSession, begin
from tests.stack import run_stack

pytestmark = [pytest.mark.stack, pytest.mark.long]


def test_a_form_is_answered_after_everything_was_restarted(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="dt-stack-", ignore_cleanup_errors=True) as folder:
        home = Path(folder) / "home"
        with run_stack(home) as stack:
            session = begin(stack, tmp_path, "Restarted")
            with prefect_api(stack) as prefect:
                run = prefect.start("review-tickets", session_id=session.id, requested_by="Dana")
                assert "review round 1" in prefect.form(run, 1)
        with run_stack(home) as again, prefect_api(again) as prefect:
            session = ReviewedSession(again, session.id)
            assert "review round 1" in prefect.form(run, 1)
            assert prefect.answer(run, decision="approve", requested_by="Dana") == "ACCEPT"
            assert prefect.end_of(run)[0] == "COMPLETED"
            session.cli("session", "watch")
            assert session.status() == ("completed", "completed")
            assert all(ticket["jira_key"] for ticket in session.tickets())
