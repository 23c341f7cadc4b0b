"""The session in figures, as the Prefect UI shows it, and names that files are written under."""

from datetime import UTC, datetime, timedelta

import pytest

from db.models import AuditLogEntry, Ticket
from db.repositories.links import IssueLink
from tasks.export_results import figures
from tasks.timings import running_time, timings
from tasks.written_folder import LONGEST_NAME, file_names


def entry(event: str, milliseconds: int = 0, run: str = "run", ago: float = 0) -> AuditLogEntry:
    return AuditLogEntry(
        event_type=event,
        execution_time_ms=milliseconds,
        request_id=run,
        created_at=datetime.now(UTC) - timedelta(seconds=ago),
    )


def test_stages_are_timed_over_all_their_runs_and_the_one_at_work_until_now() -> None:
    trail = [
        entry("upload-spec.completed", 1500),
        entry("export-tickets.failed", 2000, "first"),
        entry("export-tickets.started", 0, "second", ago=3),
        entry("cleanup-sessions.completed", 9000),
    ]
    assert timings(trail) == {"upload": 1.5, "jira_export": 2.0}
    assert running_time(trail, "second")["jira_export"] == pytest.approx(5, abs=1)
    assert running_time(trail, "third") == {}


def test_the_figures_say_what_is_in_jira_and_what_needs_a_hand() -> None:
    tickets = [
        Ticket(jira_ticket_key="LAKE-1", manual_fixes=[{"field": "sprint"}]),
        Ticket(jira_ticket_key=None, manual_fixes=[]),
    ]
    links = [IssueLink("LAKE-1", "LAKE-2", True), IssueLink("LAKE-1", "LAKE-3", False)]
    page = figures(tickets, links, 0.8, {"upload": 1.25})
    for line in (
        "| In Jira | 1 |",
        "| Links | 1 |",
        "| Needs a hand | 1 |",
        "| Unedited | 80% |",
        "| Seconds of upload | 1.2 |",
    ):
        assert line in page


def test_names_of_files_are_safe_and_none_stands_twice() -> None:
    wanted = [
        "Bundles.csv",
        "../../etc/passwd",
        "book.xlsx/A:B",
        "bundles.CSV",
        "x" * 300,
        "..",
        "a\x00b.csv",
    ]
    names = file_names(wanted, suffix=".csv")
    assert names[:4] == ["Bundles.csv", "- .. - etc - passwd.csv", "book.xlsx - A_B.csv", "bundles (2).csv"]
    assert all(len(name) <= LONGEST_NAME + 10 and "/" not in name and "\x00" not in name for name in names)
    assert len({name.casefold() for name in names}) == len(names)
