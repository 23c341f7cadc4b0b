"""A spec uploaded, corrected and uploaded again: what is said about it through every door."""

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from tests.builders.spec import bundle, field, tab
from tests.prefect_api import PrefectApi, prefect_api
from tests.stack import RunningStack

pytestmark = pytest.mark.stack
PAGE = "Page (Content type)"
MINE = "Domains, old = new.csv"


def write(folder: Path, *rows: dict[str, str], name: str = "Fields.csv") -> str:
    path = folder / name
    path.write_bytes(tab("Fields", *rows).content)
    return str(path)


@pytest.fixture(scope="module")
def session_id(stack: RunningStack) -> str:
    made = stack.cli("session", "new", "--site-name", "Upload", "--project-key", "TEST", "--json")
    return str(json.loads(made.stdout)["session"]["id"])


@pytest.fixture(scope="module")
def api(stack: RunningStack) -> Iterator[PrefectApi]:
    with prefect_api(stack) as api:
        yield api


def uploaded(stack: RunningStack, session_id: str, *arguments: str) -> dict[str, Any]:
    result = stack.cli("upload", session_id, *arguments, "--json")
    assert result.returncode == 0, result.stderr
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def artifact(api: PrefectApi, key: str) -> str:
    """The newest artifact whose key begins so, as the UI shows it."""
    query = {"artifacts": {"key": {"like_": f"{key}%"}}, "sort": "CREATED_DESC", "limit": 1}
    found = api.http.post("artifacts/filter", json=query).raise_for_status().json()
    return str(found[0]["data"])


def test_a_corrected_file_replaces_its_predecessor_and_what_it_changes_is_said(
    stack: RunningStack, api: PrefectApi, session_id: str, tmp_path: Path
) -> None:
    (tmp_path / "Bundles.csv").write_bytes(tab("Bundles", bundle("Page")).content)
    (tmp_path / MINE).write_text("Domain,Belongs to,Notes,X\nmain,Page (Content type),x,a\n")
    write(tmp_path, field(PAGE, "Lead"), field(PAGE, "Body", ""))
    first = uploaded(stack, session_id, str(tmp_path))
    assert first["changes"] is None
    corrected = write(tmp_path, field(PAGE, "Body"), field(PAGE, "Link"), name="Fields (1).csv")
    again = uploaded(stack, session_id, corrected, "--as", f"{MINE}=custom:Bundles:Belongs to")
    types = {file["filename"]: file["csv_type"] for file in again["files"]}
    assert types == {"Bundles.csv": "bundles", "Fields.csv": "fields", MINE: "custom:bundles:Belongs to"}
    changes = again["changes"]
    assert [row["name"] for row in changes["removed"] if row["tab"] == "Fields"] == ["Lead"]
    assert [row["name"] for row in changes["added"] if row["tab"] == "Fields"] == ["Link"]
    assert [(row["name"], row["cells"][0]["column"]) for row in changes["changed"]] == [
        ("Body", "Field type")
    ]
    assert "field-type-missing" in [finding["code"] for finding in changes["findings_gone"]]
    report = artifact(api, "spec-report-upload")
    assert "What the last upload changed" in report
    assert f"session report {session_id} --html" in report
    assert artifact(api, "bundles-upload").startswith("data:image/svg+xml")
    page = tmp_path / "report.html"
    assert stack.cli("session", "report", session_id, "--html", str(page)).returncode == 0
    assert "What the last upload changed" in page.read_text()


def test_a_workbook_comes_inline_through_the_api(
    stack: RunningStack, api: PrefectApi, session_id: str
) -> None:
    book = Workbook()
    for row in (["Title", "Machine name", "Description"], ["Footer", "footer", ""]):
        book.active.append(row)
    book.active.title = "Menus"
    out = io.BytesIO()
    book.save(out)
    given = [{"filename": "extra.xlsx", "base64": base64.b64encode(out.getvalue()).decode()}]
    run = api.start("upload-spec", session_id=session_id, requested_by="ci", files=given)
    assert api.end_of(run)[0] == "COMPLETED"
    shown = json.loads(stack.cli("session", "show", session_id, "--json").stdout)
    assert {"extra.xlsx/Menus"} < {file["filename"] for file in shown["files"]}
