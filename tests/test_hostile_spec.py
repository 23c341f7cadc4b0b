"""A spec whose every cell attacks whoever reads it: Prefect's UI, a terminal, a browser, a spreadsheet."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from markdown_it import MarkdownIt

from tests.stack import RunningStack

pytestmark = pytest.mark.stack

MARKUP = "<script>alert(1)</script><img src=https://evil.example/i onerror=alert(2)>"
LINKS = "[press](javascript:alert(3)) ![x](https://evil.example/p) https://evil.example/q www.evil.example"
TERMINAL = "\x1b]0;title\x07\x1b[2J\x1b[31mred\u202egnp"
FORMULA = '=HYPERLINK("https://evil.example","press")'
TABLE = "| a | b |`code` **bold** # head"
ATTACKS = (MARKUP, LINKS, TERMINAL, FORMULA, TABLE)
# What a browser would fetch or run.
ALIVE = re.compile(r"<(script|img|iframe|svg|a\s[^>]*href=.(?!#|/[^/]|http://127\.0\.0\.1))", re.IGNORECASE)
OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")


@pytest.fixture(scope="module")
def session_id(stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A session at its review whose spec, site name, description and person are hostile."""
    folder = tmp_path_factory.mktemp("hostile")
    with (folder / "Roles.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["Name", "Machine name", "X", "Notes"])
        for number, attack in enumerate(ATTACKS):
            rows.writerow([f"{attack} {number}", f"role_{number}", "a", attack])
        rows.writerow(
            [MARKUP, LINKS, "a", "a machine name that is none, so there is a finding that quotes it"]
        )
    given = ("--site-name", f"{MARKUP} {TERMINAL}", "--site-description", LINKS, "--project-key", "DEMO")
    done = stack.cli("run", str(folder), *given, "--requested-by", f"{MARKUP}{TERMINAL}", "--json")
    assert "session" in json.loads(done.stdout), done.stderr
    return str(json.loads(done.stdout)["session"]["id"])


def artifacts(stack: RunningStack, session_id: str) -> list[dict[str, Any]]:
    with httpx.Client(base_url=stack.connection.prefect_api_url, trust_env=False, timeout=30) as client:
        token = client.get("csrf-token", params={"client": "test"}).json()["token"]
        client.headers.update({"Prefect-Csrf-Client": "test", "Prefect-Csrf-Token": token})
        wanted = {"artifacts": {"key": {"like_": f"%{session_id[:8]}%"}}}
        return list(client.post("artifacts/filter", json=wanted).raise_for_status().json())


def pages_of(artifact: dict[str, Any]) -> list[str]:
    """The Markdown that the UI renders of an artifact; it renders the cells of tables as well."""
    data, description = artifact["data"], [artifact["description"] or ""]
    if artifact["type"] == "markdown":
        return [*description, data]
    if artifact["type"] == "table":
        return [*description, *(str(cell) for row in json.loads(data) for cell in row.values())]
    return description


def test_the_prefect_ui_shows_it_and_does_nothing_with_it(stack: RunningStack, session_id: str) -> None:
    found = artifacts(stack, session_id)
    assert len(found) >= 2
    pages = [page for artifact in found for page in pages_of(artifact)]
    assert any("evil" in page for page in pages)
    render = MarkdownIt("commonmark").enable("table").render
    assert not [page for page in pages if ALIVE.search(render(page))]
    # The UI makes links of bare addresses as well.
    assert not [page for page in pages if re.search(r"https?://evil|www\.evil", page)]


@pytest.mark.parametrize(
    "command",
    [
        ("session", "show"),
        ("session", "show", "--timeline"),
        ("session", "report"),
        ("session", "errors"),
        ("tickets", "list"),
    ],
    ids=" ".join,
)
def test_a_terminal_shows_it_and_obeys_nothing(
    stack: RunningStack, session_id: str, command: tuple[str, ...]
) -> None:
    words, options = command[:2], command[2:]
    done = stack.cli(*words, session_id, *options)
    assert done.returncode == 0, done.stderr
    assert not OBEYED.search(done.stdout + done.stderr)


def test_every_ticket_is_shown_harmlessly(stack: RunningStack, session_id: str) -> None:
    tickets = json.loads(stack.cli("tickets", "list", session_id, "--json").stdout)["tickets"]
    assert tickets
    for ticket in tickets[:3]:
        shown = stack.cli("tickets", "show", session_id, ticket["id"])
        assert shown.returncode == 0, shown.stderr
        assert not OBEYED.search(shown.stdout)


def test_the_page_for_the_client_runs_nothing(stack: RunningStack, session_id: str, tmp_path: Path) -> None:
    page, markdown = tmp_path / "report.html", tmp_path / "report.md"
    done = stack.cli("session", "report", session_id, "--html", str(page), "--markdown", str(markdown))
    assert done.returncode == 0, done.stderr
    assert not ALIVE.search(page.read_text())
    assert not ALIVE.search(MarkdownIt("commonmark").enable("table").render(markdown.read_text()))


def test_a_spreadsheet_calculates_nothing(stack: RunningStack, session_id: str, tmp_path: Path) -> None:
    done = stack.cli("tickets", "pull", session_id, str(tmp_path / "pulled"))
    assert done.returncode == 0, done.stderr
    sheets = list((tmp_path / "pulled").rglob("*.csv"))
    assert sheets
    for sheet in sheets:
        for row in csv.reader(io.StringIO(sheet.read_text(encoding="utf-8-sig"))):
            assert not [cell for cell in row if cell[:1] in set("=+-@\t\r")]
