"""Commands of the review that came later: files, versions, regeneration, the picture, decisions."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import session_scope
from db.repositories.audit import AuditRepository
from tests.builders.reviewing import know_project, reviewable
from tests.deployments.cli.conftest import Cli, InDatabase


@pytest.fixture
def session(database: InDatabase[UUID]) -> UUID:
    """A session under review with three tickets."""
    return database(reviewable)


@pytest.fixture
def page(cli: Cli, session: UUID) -> str:
    """The id of one of them."""
    listed = cli("tickets", "list", session, "--json").document["tickets"]
    return str(next(one["id"] for one in listed if "Page" in one["title"]))


def test_tickets_are_pulled_changed_and_pushed(cli: Cli, session: UUID, page: str, tmp_path: Path) -> None:
    assert cli("tickets", "pull", session, tmp_path / "t", "--json").document["pulled"]["tickets"] == 3
    file = tmp_path / "t" / f"{page}.md"
    file.write_text(file.read_text().replace("# Notes\n", "# Notes\n\nMind the gap.\n", 1))
    shown = cli("tickets", "push", session, tmp_path / "t", "--dry-run", "--json").document
    assert (shown["applied"], shown["changes"][0]["changes"]) == (False, {"notes": "Mind the gap."})
    assert shown["changes"][0]["before"] == {"notes": ""}
    assert cli("tickets", "push", session, tmp_path / "t", "--json").document["applied"]
    assert "Mind the gap." in cli("tickets", "show", session, page).out


def test_a_conflict_ends_with_10_and_names_the_field(
    cli: Cli, session: UUID, page: str, tmp_path: Path
) -> None:
    cli("tickets", "pull", session, tmp_path / "t")
    file = tmp_path / "t" / f"{page}.md"
    file.write_text(file.read_text().replace("title: '", "title: 'My ", 1))
    cli("tickets", "edit", session, page, "--title", "Theirs")
    result = cli("tickets", "push", session, tmp_path / "t", "--json")
    assert result.exit_code == 10
    assert "title: “Theirs” there" in result.document["error"]["actions"][0]


def test_versions_are_shown_and_restored(cli: Cli, session: UUID, page: str) -> None:
    cli("tickets", "edit", session, page, "--title", "Mine", "--requested-by", "Dana")
    versions = cli("tickets", "versions", session, page, "--json").document["versions"]
    assert [(one["version"], one["replaced_by"]) for one in versions] == [(2, None), (1, "Dana")]
    restored = cli("tickets", "restore", session, page, "--version", 1, "--json").document["ticket"]
    assert (restored["title"], restored["version"]) == (versions[1]["title"], 3)
    assert cli("tickets", "restore", session, page, "--version", 9).exit_code == 10
    assert "Mine" in cli("tickets", "versions", session, page).out


def test_regenerating_says_what_became_of_each_ticket(cli: Cli, session: UUID, page: str) -> None:
    cli("tickets", "edit", session, page, "--title", "Mine")
    kept = cli("tickets", "regenerate", session, page, "-i", "Shorter.", "--json").document
    assert kept["tickets"][0]["kept"] == ["title"]
    assert "cannot follow an instruction" in kept["message"]
    done = cli("tickets", "regenerate", session, page, "--replace-edits", "--json").document
    assert (done["tickets"][0]["result"], "Page" in done["tickets"][0]["title"]) == ("rewritten", True)


def test_locked_tickets_are_left_alone(cli: Cli, session: UUID) -> None:
    listed = cli("tickets", "list", session, "--group", "content", "--json").document["tickets"]
    cli("tickets", "lock", session, *(one["id"] for one in listed))
    done = cli("tickets", "regenerate", session, "--group", "content", "--json").document["tickets"]
    assert {one["result"] for one in done} == {"locked, left alone"}


@pytest.mark.parametrize("arguments", [(), ("--group", "content", "TICKET")])
def test_regenerating_wants_tickets_or_a_group(
    cli: Cli, session: UUID, page: str, arguments: tuple[str, ...]
) -> None:
    given = [page if one == "TICKET" else one for one in arguments]
    assert cli("tickets", "regenerate", session, *given).exit_code == 2


def test_the_picture_is_drawn_as_svg_and_as_mermaid(cli: Cli, session: UUID, tmp_path: Path) -> None:
    assert cli("tickets", "picture", session, tmp_path / "p.svg").exit_code == 0
    assert (tmp_path / "p.svg").read_text().startswith("<svg ")
    drawn = cli("tickets", "picture", session, "--json").document
    assert drawn["mermaid"].startswith("flowchart TB")
    assert sum(map(len, drawn["waves"])) == 3


def test_readiness_is_said_with_what_to_do(cli: Cli, session: UUID, page: str) -> None:
    cli("tickets", "edit", session, page, "--not-ready")
    readiness = cli("review", session, "--json").document["readiness"]
    assert [one["code"] for one in readiness["obstacles"]] == ["not-ready", "validation", "approval"]
    assert all(one["action"] for one in readiness["obstacles"])


def test_an_approval_here_is_for_the_tickets_as_they_are(cli: Cli, session: UUID, page: str) -> None:
    cli("review", session, "--approve")
    assert "approval" not in codes(cli, session)
    cli("tickets", "edit", session, page, "--title", "Changed since")
    assert "approval" in codes(cli, session)


def codes(cli: Cli, session: UUID) -> list[str]:
    return [one["code"] for one in cli("review", session, "--json").document["readiness"]["obstacles"]]


def test_another_decision_is_kept(cli: Cli, session: UUID) -> None:
    decided = cli("review", session, "--decision", "change", "--requested-by", "Eli", "--json").document[
        "review"
    ]
    assert (decided["decision"], decided["decided_by"]) == ("change", "Eli")
    assert cli("review", session, "--approve", "--decision", "change").exit_code == 2


BAD = [
    ("--title", "x" * 300, "255"),
    ("--title", "bell \x07", "U+0007"),
    ("--notes", "word " * 8_000, "shorten the notes"),
    ("--notes", "nul \x00", ""),
    ("--label", "two words", "label"),
    ("--label", "x" * 256, "label"),
    ("--sprint", "Sprint 99", "sprint"),
    ("--assignee", "Nobody", "assignee"),
    ("--issue-type", "Saga", "issue type"),
]


@pytest.mark.parametrize(("option", "value", "told"), BAD, ids=[f"{o} {t}" for o, _, t in BAD])
def test_bad_input_is_refused_and_changes_nothing(
    cli: Cli, database: InDatabase[Any], session: UUID, page: str, option: str, value: str, told: str
) -> None:
    database(lambda engine: know_project(engine, session))
    before = cli("tickets", "show", session, page, "--json").document
    result = cli("tickets", "edit", session, page, option, value)
    assert result.exit_code == 10
    assert told in result.err
    assert cli("tickets", "show", session, page, "--json").document == before


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        "@dana [~accountid:1]",
        "🚀👩‍👩‍👧",
        "\u202eשלום",
    ],
)
def test_strange_text_is_kept_and_can_do_nothing(cli: Cli, session: UUID, page: str, text: str) -> None:
    for option in ("--title", "--story", "--criterion", "--notes"):
        assert cli("tickets", "edit", session, page, option, text).exit_code == 0
    shown = cli("tickets", "show", session, page, "--json").document["ticket"]
    assert (shown["title"], shown["story"], shown["notes"]) == (text, text, text)
    assert "'link'" not in str(shown["description"])
    assert "'mention'" not in str(shown["description"])


def test_every_operation_leaves_its_trail(
    cli: Cli, database: InDatabase[Any], session: UUID, page: str, tmp_path: Path
) -> None:
    cli("tickets", "edit", session, page, "--title", "Mine", "--requested-by", "Dana")
    cli("tickets", "restore", session, page, "--version", 1, "--requested-by", "Eli")
    cli("review", session, "--approve", "--requested-by", "Fay")

    async def trail(engine: AsyncEngine) -> set[tuple[str, str]]:
        async with session_scope(engine) as scope:
            return {
                (one.event_type, one.claimed_actor) for one in await AuditRepository(scope).trail(session)
            }

    wanted = {("ticket.edited", "Dana"), ("ticket.edited", "Eli"), ("review.decided", "Fay")}
    assert database(trail) >= wanted


@pytest.mark.parametrize("name", ["nowhere/p.svg", "p.png", "p"])
def test_a_picture_that_cannot_be_written_says_why(
    cli: Cli, session: UUID, tmp_path: Path, name: str
) -> None:
    result = cli("tickets", "picture", session, tmp_path / name, "--json")
    assert (result.exit_code, result.document["error"]["code"]) == (10, "picture-file")
