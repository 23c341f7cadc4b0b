"""Whole sessions, from files to Jira: the command line, Prefect, Postgres and the Jira sandbox as they really are."""

import base64
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import jsonschema_rs
import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncSession

from blocks.jira import JiraCredentials
from db.engine import create_engine, session_scope
from db.enums import TaskStatus, TaskType
from db.repositories.audit import AuditRepository
from db.repositories.background import TaskRepository
from tests.fact_lock import assert_fact_lock, rows_by_code
from tests.jira_sandbox import EMAIL, TOKEN
from tests.stack import RunningStack, free_port

ROOT = Path(__file__).parents[1]
LAKESIDE = ROOT / "examples" / "lakeside"
UWEC = ROOT.parent / "shared" / "data" / "uwec"
SCHEMA = ROOT.parent / "shared" / "jira" / "adf-schema.json"

STAGE_FLOWS = (
    "collect-site-info",
    "upload-spec",
    "generate-tickets",
    "validate-tickets",
    "revalidation-gate",
    "export-tickets",
)

pytestmark = pytest.mark.stack


class Jira:
    """A reader of the sandbox over bare HTTP."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    def issue(self, key: str) -> dict[str, Any]:
        """Description, links, labels and attachments of an issue."""
        answer = self.http.get(f"/rest/api/3/issue/{key}")
        answer.raise_for_status()
        return dict(answer.json()["fields"])

    def keys_with_label(self, label: str) -> list[str]:
        """All issues that carry a label."""
        query = {"jql": f'labels = "{label}"', "fields": ["key"], "maxResults": 5000}
        answer = self.http.post("/rest/api/3/search/jql", json=query)
        answer.raise_for_status()
        return [issue["key"] for issue in answer.json()["issues"]]

    def attachment(self, fields: dict[str, Any]) -> str | None:
        """The text of the one attachment, or None."""
        assert len(fields["attachment"]) <= 1
        if not fields["attachment"]:
            return None
        return self.http.get(fields["attachment"][0]["content"], follow_redirects=True).text


@asynccontextmanager
async def repositories(stack: RunningStack) -> AsyncIterator[AsyncSession]:
    """The application's database, as the stack's flows left it."""
    engine = create_engine(stack.connection.database_url, pooled=False)
    async with session_scope(engine) as session:
        yield session
    await engine.dispose()


@contextmanager
def jira_of(stack: RunningStack) -> Iterator[Jira]:
    """The Jira that the stack's sessions export to."""
    with httpx.Client(base_url=stack.connection.jira_url, auth=(EMAIL, TOKEN), timeout=30) as http:
        yield Jira(http)


class Delivered:
    """One spec that went all the way, and what Jira received."""

    def __init__(self, stack: RunningStack, folder: Path, site: str, project: str) -> None:
        self.folder = folder
        arguments = (str(folder), "--site-name", site, "--project-key", project)
        self.result = stack.cli("run", *arguments, "--yes", "--json")
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


@contextmanager
def permissions_revoked(stack: RunningStack, *names: str) -> Iterator[None]:
    """The login keeps its token and loses these permissions."""
    with httpx.Client(base_url=f"{stack.connection.jira_url}/_sandbox") as control:
        control.patch("/settings", json={"revoked_permissions": list(names)}).raise_for_status()
        try:
            yield
        finally:
            control.patch("/settings", json={"revoked_permissions": []}).raise_for_status()


def jira_block(stack: RunningStack, name: str, url: str, token: str) -> str:
    """Another Jira block on the Prefect server of the stack."""
    with temporary_settings({PREFECT_API_URL: stack.connection.prefect_api_url}):
        JiraCredentials(url=url, email=EMAIL, api_token=SecretStr(token)).save(name, overwrite=True)
    return name


HEADER = "ID,Name,Machine name,X,Dev,QA,Description,Type\n"
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def write_spec(folder: Path) -> None:
    """One bundle, named after the folder: the same spec for the same project would resume its session."""
    (folder / "Bundles.csv").write_text(f"{HEADER},{folder.name},page,a,,,A page.,Content type\n")


class TestBadInput:
    """Each gives one clear message, the right exit code, and no traceback."""

    def run(
        self, stack: RunningStack, *arguments: str, project: str = "TEST", **environment: str
    ) -> tuple[int, dict[str, Any]]:
        result = stack.cli(
            "run",
            *arguments,
            "--site-name",
            "Bad",
            "--project-key",
            project,
            "--yes",
            "--json",
            **environment,
        )
        assert "Traceback" not in result.stdout + result.stderr
        error = json.loads(result.stdout)["error"]
        assert error["message"]
        assert error["exit_code"] == result.returncode
        return result.returncode, json.loads(result.stdout)

    def assert_recorded(self, stack: RunningStack, document: dict[str, Any]) -> None:
        listed = json.loads(stack.cli("session", "errors", document["session"]["id"], "--json").stdout)
        assert document["error"]["message"] in [error["message"] for error in listed["errors"]]

    def test_a_missing_folder(self, stack: RunningStack, tmp_path: Path) -> None:
        assert self.run(stack, str(tmp_path / "nowhere"))[0] == 10

    def test_too_many_files(self, stack: RunningStack, tmp_path: Path) -> None:
        for number in range(26):
            (tmp_path / f"Bundles{number}.csv").write_text(HEADER)
        assert self.run(stack, str(tmp_path))[0] == 10

    def test_a_file_of_three_megabytes(self, stack: RunningStack, tmp_path: Path) -> None:
        (tmp_path / "Bundles.csv").write_text(HEADER + ",Page,page,a,,,x,Content type\n" * 110_000)
        assert self.run(stack, str(tmp_path))[0] == 10

    @pytest.mark.parametrize(
        ("name", "content"),
        [("Bundles.csv", b""), ("Bundles.csv", PIXEL), ("Shopping.csv", b"Milk,Eggs\n2,12\n")],
        ids=["empty", "binary", "no known header"],
    )
    def test_a_file_that_is_no_tab_of_a_spec(
        self, stack: RunningStack, tmp_path: Path, name: str, content: bytes
    ) -> None:
        (tmp_path / name).write_bytes(content)
        code, document = self.run(stack, str(tmp_path))
        assert code == 10
        assert name in document["error"]["message"]
        self.assert_recorded(stack, document)

    def test_a_project_that_does_not_exist(self, stack: RunningStack, tmp_path: Path) -> None:
        write_spec(tmp_path)
        code, document = self.run(stack, str(tmp_path), project="NOWHERE")
        assert code == 10
        assert "NOWHERE" in document["error"]["message"]
        self.assert_recorded(stack, document)

    def test_a_token_that_may_not_create_issues(self, stack: RunningStack, tmp_path: Path) -> None:
        write_spec(tmp_path)
        with permissions_revoked(stack, "CREATE_ISSUES"):
            code, document = self.run(stack, str(tmp_path))
        assert code == 20
        assert "create issues" in document["error"]["message"]
        self.assert_recorded(stack, document)

    def test_a_token_that_is_wrong(self, stack: RunningStack, tmp_path: Path) -> None:
        write_spec(tmp_path)
        block = jira_block(stack, "wrong-token", stack.connection.jira_url, "not-the-token")
        code, document = self.run(stack, str(tmp_path), "--jira-site", block)
        assert code == 20
        assert "not-the-token" not in json.dumps(document)
        self.assert_recorded(stack, document)

    def test_a_session_that_began_with_another_login(self, stack: RunningStack, tmp_path: Path) -> None:
        write_spec(tmp_path)
        first = stack.cli("run", str(tmp_path), "--site-name", "Bad", "--project-key", "TEST", "--json")
        assert first.returncode == 0, first.stderr
        block = jira_block(stack, "other-login", stack.connection.jira_url, TOKEN)
        code, document = self.run(stack, str(tmp_path), "--jira-site", block)
        assert (code, document["error"]["code"]) == (10, "other-login")

    def test_jira_that_does_not_answer(self, stack: RunningStack, tmp_path: Path) -> None:
        write_spec(tmp_path)
        block = jira_block(stack, "jira-away", f"http://127.0.0.1:{free_port()}", TOKEN)
        code, document = self.run(stack, str(tmp_path), "--jira-site", block)
        assert code == 30
        self.assert_recorded(stack, document)

    def test_a_database_that_does_not_answer(self, stack: RunningStack, tmp_path: Path) -> None:
        write_spec(tmp_path)
        home = str(tmp_path / "home")
        away = "postgresql://nobody@127.0.0.1:9/none"
        code, _ = self.run(stack, str(tmp_path), DRUPAL_TICKETS_HOME=home, DATABASE_URL=away)
        assert code == 30
