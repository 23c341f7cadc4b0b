"""Whole sessions, from files to Jira: the command line, Prefect, Postgres and the Jira sandbox as they really are."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import jsonschema_rs
import pytest

from db.enums import TaskStatus, TaskType
from db.repositories.audit import AuditRepository
from db.repositories.background import TaskRepository
from tests.end_to_end import LAKESIDE, SCHEMA, UWEC, jira_of, repositories
from tests.fact_lock import assert_fact_lock, rows_by_code
from tests.stack import RunningStack

STAGE_FLOWS = (
    "collect-site-info",
    "upload-spec",
    "generate-tickets",
    "validate-tickets",
    "revalidation-gate",
    "export-tickets",
)

pytestmark = pytest.mark.stack


class Delivered:
    """One spec that went all the way, and what Jira received."""

    def __init__(self, stack: RunningStack, folder: Path, site: str, project: str) -> None:
        self.folder = folder
        arguments = (str(folder), "--site-name", site, "--project-key", project)
        self.result = stack.cli("run", *arguments, "--yes", "--again", "--json")
        assert self.result.returncode == 0, self.result.stderr
        self.document = json.loads(self.result.stdout)
        with jira_of(stack) as jira:
            self.issues = {ticket["jira_key"]: jira.issue(ticket["jira_key"]) for ticket in self.tickets}
            self.files = {key: jira.attachment(fields) for key, fields in self.issues.items()}
            self.found = jira.keys_with_label(self._session_label())

    @property
    def session_id(self) -> UUID:
        """The session."""
        return UUID(self.document["session"]["id"])

    @property
    def tickets(self) -> list[dict[str, Any]]:
        """The tickets as `run --json` prints them."""
        return list(self.document["tickets"])

    def _session_label(self) -> str:
        labels = [set(fields["labels"]) for fields in self.issues.values()]
        (label,) = set.intersection(*labels)
        return str(label)


@pytest.fixture(scope="module", params=["lakeside", "uwec"])
def delivered(request: pytest.FixtureRequest, stack: RunningStack) -> Iterator[Delivered]:
    if request.param == "lakeside":
        yield Delivered(stack, LAKESIDE, "Lakeside College", "LAKE")
    elif UWEC.is_dir():
        yield Delivered(stack, UWEC, "UWEC", "UWEC")
    else:
        pytest.skip("the real spec stands beside the project in CI only")


def test_the_session_is_completed(delivered: Delivered) -> None:
    session = delivered.document["session"]
    assert (session["stage"], session["status"], session["waiting_for"]) == ("completed", "completed", None)


def test_the_document_says_all_that_scripts_rely_on(delivered: Delivered) -> None:
    assert set(delivered.document) >= {
        "session", "files", "scope", "findings", "tickets", "held", "manual_fixes", "cost", "unedited_share", "timings",
    }  # fmt: skip
    assert set(delivered.tickets[0]) >= {
        "id", "title", "entity_group", "sources", "depends_on", "written_by", "jira_key", "jira_url", "attachment",
    }  # fmt: skip


def test_nothing_in_the_spec_blocks(delivered: Delivered) -> None:
    assert [finding for finding in delivered.document["findings"] if finding["severity"] == "blocking"] == []


def test_there_are_as_many_issues_as_tickets(delivered: Delivered) -> None:
    assert sorted(delivered.found) == sorted(ticket["jira_key"] for ticket in delivered.tickets)


def test_every_row_to_build_is_in_exactly_one_ticket_or_held(delivered: Delivered) -> None:
    in_tickets = [
        (source["file"], record)
        for ticket in delivered.tickets
        for source in ticket["sources"]
        for record in source["records"]
    ]
    held = {(row["file"], row["record"]) for row in delivered.document["held"]}
    codes = rows_by_code(delivered.folder)
    assert len(in_tickets) == len(set(in_tickets))
    assert set(in_tickets) | held >= codes["a"]
    assert not set(in_tickets) & held
    assert not set(in_tickets) & codes.get("d", set())


def test_the_fact_lock_holds_cell_by_cell(delivered: Delivered) -> None:
    assert_fact_lock(
        delivered.folder,
        [
            (
                ticket["sources"],
                delivered.issues[ticket["jira_key"]]["description"],
                delivered.files[ticket["jira_key"]],
            )
            for ticket in delivered.tickets
        ],
    )


def test_every_description_is_a_valid_atlassian_document(delivered: Delivered) -> None:
    if not SCHEMA.is_file():
        pytest.skip("Atlassian's schema stands beside the project in CI only")
    validator = jsonschema_rs.validator_for(json.loads(SCHEMA.read_text()))
    invalid = [
        key for key, fields in delivered.issues.items() if not validator.is_valid(fields["description"])
    ]
    assert invalid == []


def test_what_must_be_built_first_blocks_its_issue(delivered: Delivered) -> None:
    keys = {ticket["id"]: ticket["jira_key"] for ticket in delivered.tickets}
    for ticket in delivered.tickets:
        links = delivered.issues[ticket["jira_key"]]["issuelinks"]
        blockers = {link["inwardIssue"]["key"] for link in links if "inwardIssue" in link}
        assert blockers == {keys[needed] for needed in ticket["depends_on"]}, ticket["title"]


def test_an_attachment_is_where_the_document_says_so(delivered: Delivered) -> None:
    for ticket in delivered.tickets:
        assert (ticket["attachment"] is None) == (delivered.files[ticket["jira_key"]] is None), ticket[
            "title"
        ]
    assert any(delivered.files.values()), "the spec has a bundle whose table is too long for a description"


def test_the_real_spec_makes_about_135_tickets_and_waits_with_a_held_bundle(delivered: Delivered) -> None:
    if delivered.folder != UWEC:
        pytest.skip("of the real spec only")
    assert 125 <= len(delivered.tickets) <= 145
    approved = rows_by_code(UWEC)["a"]
    waiting = {(row["file"], row["record"]) for row in delivered.document["held"]} & approved
    assert len(waiting) == 4
    assert {file for file, _ in waiting} == {"UWEC_Fields.csv"}


async def test_every_background_run_has_its_row(delivered: Delivered, stack: RunningStack) -> None:
    async with repositories(stack) as session:
        runs = await TaskRepository(session).history(delivered.session_id)
    assert [(run.task_type, run.status, run.attempt) for run in runs] == [
        (TaskType.PROCESSING, TaskStatus.COMPLETED, 1),
        (TaskType.ADF_VALIDATION, TaskStatus.COMPLETED, 1),
        (TaskType.EXPORT, TaskStatus.COMPLETED, 1),
    ]


async def test_every_flow_leaves_who_did_what_in_which_run(delivered: Delivered, stack: RunningStack) -> None:
    async with repositories(stack) as session:
        trail = await AuditRepository(session).trail(delivered.session_id)
        runs = {run.task_id for run in await TaskRepository(session).history(delivered.session_id)}
    for flow in STAGE_FLOWS:
        entries = [entry for entry in trail if entry.event_type in (f"{flow}.started", f"{flow}.completed")]
        assert [entry.event_type for entry in entries] == [f"{flow}.started", f"{flow}.completed"]
        assert len({entry.request_id for entry in entries}) == 1
        assert all(entry.claimed_actor and entry.entity_id == str(delivered.session_id) for entry in entries)
    assert runs <= {entry.request_id for entry in trail}


def test_the_same_spec_again_is_refused(delivered: Delivered, stack: RunningStack) -> None:
    site, key = delivered.document["session"]["site_name"], delivered.document["session"]["jira_project_key"]
    again = stack.cli(
        "run", str(delivered.folder), "--site-name", site, "--project-key", key, "--yes", "--json"
    )
    assert again.returncode == 10
    assert "--again" in json.loads(again.stdout)["error"]["actions"][0]


@pytest.fixture(scope="module")
def session_id(stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("spec")
    (folder / "Roles.csv").write_text(
        "ID,Name,Machine name,X,Dev,QA,Notes\n"
        ",Chief Editor,chief_editor,a,,,Publishes everything.\n"
        ",Intern,intern,a,,,Drafts only.\n"
    )
    result = stack.cli("run", str(folder), "--site-name", "Reviewed", "--project-key", "TEST", "--json")
    document = json.loads(result.stdout)
    assert (result.returncode, document["session"]["waiting_for"]) == (0, "review"), result.stderr
    return str(document["session"]["id"])


class TestReviewedByAPerson:
    """A session that stops at the review, is edited after its validation, and goes on."""

    def test_an_edit_after_validation_stops_the_export(self, stack: RunningStack, session_id: str) -> None:
        assert stack.cli("validate", session_id, "--json").returncode == 0
        tickets = json.loads(stack.cli("tickets", "list", session_id, "--json").stdout)["tickets"]
        edited = stack.cli(
            "tickets",
            "edit",
            session_id,
            tickets[0]["id"],
            "--title",
            "Add the role Chief Editor",
            "--json",
        )
        assert edited.returncode == 0, edited.stdout
        export = stack.cli("export", session_id, "--json")
        assert export.returncode == 10
        assert "Validation required" in json.loads(export.stdout)["error"]["message"]

    def test_validating_again_lets_it_pass(self, stack: RunningStack, session_id: str) -> None:
        assert stack.cli("validate", session_id, "--json").returncode == 0
        export = stack.cli("export", session_id, "--json")
        document = json.loads(export.stdout)
        assert (export.returncode, document["session"]["stage"]) == (0, "completed"), export.stderr
        with jira_of(stack) as jira:
            summaries = [jira.issue(ticket["jira_key"])["summary"] for ticket in document["tickets"]]
        assert "Add the role Chief Editor" in summaries

    def test_exporting_again_creates_nothing_twice(self, stack: RunningStack, session_id: str) -> None:
        before = json.loads(stack.cli("session", "show", session_id, "--json").stdout)["tickets"]
        stack.cli("export", session_id, "--json")
        after = json.loads(stack.cli("session", "show", session_id, "--json").stdout)["tickets"]
        assert [ticket["jira_key"] for ticket in after] == [ticket["jira_key"] for ticket in before]
