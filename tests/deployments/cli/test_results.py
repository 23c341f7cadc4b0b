"""A session as files: the spec's own with their keys, and the tickets without any Jira."""

import csv
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import session_scope
from db.repositories.files import FileRepository
from tests.builders.database import DIRECTOR, make_session, new_ticket, store_tickets
from tests.builders.reviewing import reviewable
from tests.deployments.cli.conftest import Cli, InDatabase

BUNDLES = b"\xef\xbb\xbfID;Name;Machine name\r\n;A;a\r\n;B;b\r\n;C;c\r\n"
FILLED = b"\xef\xbb\xbfID;Name;Machine name\r\nLAKE-1;A;a\r\nLAKE-1, LAKE-2;B;b\r\n;C;c\r\n"


@pytest.fixture
def exported(database: InDatabase[UUID]) -> UUID:
    """Two tickets in Jira: one of two merged rows, one that shares a row with it; a third one is not."""

    async def make(engine: AsyncEngine) -> UUID:
        session_id = await make_session(engine)
        async with session_scope(engine) as session:
            files = FileRepository(session)
            await files.add(session_id, "Bundles.csv", BUNDLES, actor=DIRECTOR)
            await files.add(session_id, "book.xlsx/Roles", b"Name,Machine name\nA,a\n", actor=DIRECTOR)
        rows = {"a": [2, 3], "b": [3], "c": [4]}
        await store_tickets(
            engine, session_id,
            *(new_ticket(key, csv_source_files=[{"file": "Bundles.csv", "records": of}]) for key, of in rows.items()),
        )  # fmt: skip
        async with session_scope(engine) as session:
            for key, issue in (("a", "LAKE-1"), ("b", "LAKE-2")):
                sent = "UPDATE tickets SET jira_ticket_key = :i, jira_ticket_url = :i "
                sent += "WHERE key = :k AND session_id = :s"
                await session.execute(text(sent), {"i": issue, "k": key, "s": session_id})
        return session_id

    return database(make)


def test_the_files_come_back_with_their_keys_and_not_a_byte_else_changed(
    cli: Cli, exported: UUID, tmp_path: Path
) -> None:
    result = cli("session", "results", exported, tmp_path / "out", "--json")
    assert result.exit_code == 0
    assert (tmp_path / "out" / "Bundles.csv").read_bytes() == FILLED
    assert (tmp_path / "out" / "book.xlsx - Roles.csv").read_bytes() == b"Name,Machine name\nA,a\n"
    bundles, roles = result.document["results"]
    assert (bundles["rows"], bundles["said"]) == (2, "")
    assert roles["said"] == "it has no ID column"
    assert "no ID column" in result.err


def test_files_of_somebody_else_are_not_overwritten_unasked(cli: Cli, exported: UUID, tmp_path: Path) -> None:
    (tmp_path / "Bundles.csv").write_bytes(BUNDLES)
    refused = cli("session", "results", exported, tmp_path)
    assert refused.exit_code == 10
    assert "--overwrite" in refused.err
    assert (tmp_path / "Bundles.csv").read_bytes() == BUNDLES
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".csv"] == ["Bundles.csv"]
    assert cli("session", "results", exported, tmp_path, "--overwrite").exit_code == 0
    assert cli("session", "results", exported, tmp_path).exit_code == 0, "the same content again is fine"
    assert (tmp_path / "Bundles.csv").read_bytes() == FILLED


def test_a_session_that_is_not_in_jira_has_no_keys_to_write(
    cli: Cli, database: InDatabase[UUID], tmp_path: Path
) -> None:
    result = cli("session", "results", database(reviewable), tmp_path / "out")
    assert result.exit_code == 10
    assert "No ticket of this session is in Jira yet" in result.err


def test_the_document_says_which_links_were_made(cli: Cli, database: InDatabase[Any], exported: UUID) -> None:
    async def depend(engine: AsyncEngine) -> None:
        async with session_scope(engine) as session:
            await session.execute(
                text(
                    "INSERT INTO ticket_dependencies SELECT b.id, a.id, now() FROM tickets a, tickets b "
                    "WHERE a.key = 'a' AND b.key = 'b' AND a.session_id = :s AND b.session_id = :s"
                ),
                {"s": exported},
            )

    database(depend)
    links = cli("session", "show", exported, "--json").document["links"]
    assert links == [{"issue": "LAKE-2", "waits_for": "LAKE-1", "linked": True}]


@pytest.mark.parametrize(
    ("form", "name"), [("csv", "jira-import.csv"), ("markdown", "README.md"), ("html", "tickets.html")]
)
def test_tickets_are_written_without_any_jira(
    cli: Cli, database: InDatabase[UUID], tmp_path: Path, form: str, name: str
) -> None:
    session = database(reviewable)
    result = cli("tickets", "write", session, tmp_path / form, "--format", form, "--json")
    assert result.exit_code == 0, result.err
    assert result.document["written"]["files"][0] == name
    assert {str(path.relative_to(tmp_path / form)) for path in (tmp_path / form).rglob("*") if path.is_file()} == set(
        result.document["written"]["files"]
    )  # fmt: skip
    if form == "csv":
        with (tmp_path / form / name).open(newline="") as file:
            assert len(list(csv.reader(file))) == 4


def test_a_folder_that_cannot_be_written_is_said(
    cli: Cli, database: InDatabase[UUID], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    result = cli("tickets", "write", database(reviewable), tmp_path / "file" / "x", "--format", "html")
    assert result.exit_code == 10
    assert "cannot be written" in result.err
    assert cli("tickets", "write", "00000000", tmp_path, "--format", "pdf").exit_code == 2
