"""Commands that read and edit tickets, against real Postgres."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import session_scope
from db.enums import EntityGroup
from db.repositories.audit import AuditRepository
from db.repositories.tickets import TicketRepository
from db.repositories.validations import ValidationRepository
from tests.builders.database import validate
from tests.builders.reviewing import know_project, reviewable
from tests.deployments.cli.conftest import Cli, InDatabase


@pytest.fixture
def session(database: InDatabase[UUID]) -> UUID:
    """A session under review with three tickets."""
    return database(reviewable)


@pytest.fixture
def titled(cli: Cli, session: UUID) -> dict[str, str]:
    """The ids of the tickets by a word of their titles."""
    listed = cli("tickets", "list", session, "--json").document["tickets"]
    return {
        word: one["id"] for one in listed for word in ("Article", "Page", "Image") if word in one["title"]
    }


def test_tickets_are_listed_by_group_with_everything_a_reviewer_sets(cli: Cli, session: UUID) -> None:
    listed = cli("tickets", "list", session, "--json").document["tickets"]
    assert [one["entity_group"] for one in listed] == ["Content", "Content", "Media"]
    assert set(listed[0]) >= {
        "id", "title", "sources", "depends_on", "written_by", "jira_key", "jira_url", "attachment", "ready",
        "locked", "sprint", "assignee", "labels",
    }  # fmt: skip


def test_a_list_can_be_of_one_group(cli: Cli, session: UUID) -> None:
    listed = cli("tickets", "list", session, "--group", "media", "--json").document["tickets"]
    assert len(listed) == 1


def test_people_get_a_table(cli: Cli, session: UUID) -> None:
    result = cli("tickets", "list", session)
    assert result.exit_code == 0
    assert "Article" in result.out


def test_a_ticket_is_shown_with_its_text_and_its_sources(
    cli: Cli, session: UUID, titled: dict[str, str]
) -> None:
    shown = cli("tickets", "show", session, titled["Article"], "--json").document["ticket"]
    assert "## Configuration" in shown["markdown"]
    assert {source["file"] for source in shown["sources"]} == {"Bundles.csv", "Fields.csv"}
    assert "Bundles.csv" in cli("tickets", "show", session, titled["Article"][:8]).out


def test_an_edited_title_is_kept_with_who_wrote_it(cli: Cli, session: UUID, titled: dict[str, str]) -> None:
    done = cli(
        "tickets",
        "edit",
        session,
        titled["Page"],
        "--title",
        "A better title",
        "--requested-by",
        "Dana",
        "--json",
    )
    assert done.document["tickets"][0]["title"] == "A better title"
    assert done.document["tickets"][0]["written_by"] == "person"


def test_an_edit_leaves_an_audit_entry_with_its_actor(
    cli: Cli, database: InDatabase[Any], session: UUID, titled: dict[str, str]
) -> None:
    cli("tickets", "edit", session, titled["Page"], "--notes", "Mind the gap.", "--requested-by", "Dana")

    async def trail(engine: AsyncEngine) -> list[tuple[str, str]]:
        async with session_scope(engine) as scope:
            return [
                (one.event_type, one.claimed_actor) for one in await AuditRepository(scope).trail(session)
            ]

    assert ("ticket.edited", "Dana") in database(trail)


def test_a_changed_text_stands_in_what_would_be_sent(cli: Cli, session: UUID, titled: dict[str, str]) -> None:
    criteria = ("--criterion", "Editors see a preview.", "--criterion", "Robots stay out.")
    cli("tickets", "edit", session, titled["Page"], *criteria, "--notes", "Ask *Eve* first.", "--json")
    shown = cli("tickets", "show", session, titled["Page"], "--json").document["ticket"]
    assert shown["criteria"] == ["Editors see a preview.", "Robots stay out."]
    assert "Robots stay out." in shown["markdown"]
    assert "Notes" in shown["markdown"]


def test_a_change_of_the_text_asks_for_a_new_validation_and_an_assignment_does_not(
    cli: Cli, database: InDatabase[bool], session: UUID, titled: dict[str, str]
) -> None:
    async def fresh(engine: AsyncEngine) -> bool:
        async with session_scope(engine) as scope:
            return await ValidationRepository(scope).is_fresh(session)

    database(lambda engine: validate(engine, session))  # type: ignore[arg-type, return-value]
    cli("tickets", "assign", session, titled["Page"], "--label", "soon")
    assert database(fresh)
    cli("tickets", "edit", session, titled["Page"], "--story", "Another story.")
    assert not database(fresh)


def test_the_same_text_again_changes_nothing(cli: Cli, session: UUID, titled: dict[str, str]) -> None:
    before = cli("tickets", "show", session, titled["Page"], "--json").document["ticket"]
    cli("tickets", "edit", session, titled["Page"], "--title", before["title"])
    assert cli("tickets", "show", session, titled["Page"], "--json").document["ticket"] == before


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--title", "x" * 300, "300 characters"),
        ("--title", "a bell \x07", "U+0007"),
        ("--story", "an escape \x1b[31m", "U+001B"),
        ("--notes", "x" * 40_000, "shorten the notes"),
        ("--title", "", "title"),
    ],
)
def test_a_text_that_jira_would_refuse_is_refused_here(
    cli: Cli, session: UUID, titled: dict[str, str], option: str, value: str, told: str
) -> None:
    result = cli("tickets", "edit", session, titled["Page"], option, value, "--json")
    assert result.exit_code == 10
    assert told in " ".join([result.document["error"]["message"], *result.document["error"]["actions"]])


@pytest.mark.parametrize("value", ["<script>alert(1)</script>", "مرحبا 🎉 @dana", "[x](javascript:alert(1))"])
def test_a_text_that_is_only_odd_is_kept_as_it_is(
    cli: Cli, session: UUID, titled: dict[str, str], value: str
) -> None:
    assert cli("tickets", "edit", session, titled["Page"], "--title", value).exit_code == 0
    assert cli("tickets", "show", session, titled["Page"], "--json").document["ticket"]["title"] == value


def test_a_whole_group_is_assigned_at_once(cli: Cli, database: InDatabase[Any], session: UUID) -> None:
    database(lambda engine: know_project(engine, session))
    done = cli("tickets", "assign", session, "--group", "Content", "--sprint", "sprint 5", "--json")
    assert [one["sprint"] for one in done.document["tickets"]] == ["Sprint 5", "Sprint 5"]
    again = cli("tickets", "assign", session, "--group", "Content", "--sprint", "Sprint 5", "--json")
    assert again.document["tickets"] == []


def test_an_empty_value_takes_it_away(
    cli: Cli, database: InDatabase[Any], session: UUID, titled: dict[str, str]
) -> None:
    database(lambda engine: know_project(engine, session))
    cli("tickets", "edit", session, titled["Page"], "--assignee", "b2", "--label", "one", "--not-ready")
    [one] = cli("tickets", "list", session, "--json").document["tickets"][1:2]
    assert (one["assignee"], one["labels"], one["ready"]) == ("Ben Builder", ["one"], False)
    cli("tickets", "edit", session, titled["Page"], "--assignee", "", "--label", "", "--ready")
    [one] = cli("tickets", "list", session, "--json").document["tickets"][1:2]
    assert (one["assignee"], one["labels"], one["ready"]) == (None, [], True)


def test_what_the_project_does_not_have_is_refused_with_what_it_has(
    cli: Cli, database: InDatabase[Any], session: UUID
) -> None:
    database(lambda engine: know_project(engine, session))
    result = cli("tickets", "assign", session, "--group", "Media", "--assignee", "Ada Amin", "--json")
    assert result.exit_code == 10
    assert "Ada Admin" in result.document["error"]["actions"][0]


def test_a_ticket_is_put_before_another_one_of_its_group(
    cli: Cli, session: UUID, titled: dict[str, str]
) -> None:
    done = cli("tickets", "order", session, titled["Page"], "--before", titled["Article"], "--json")
    assert [one["id"] for one in done.document["tickets"]] == [titled["Page"], titled["Article"]]
    back = cli("tickets", "order", session, titled["Page"], "--after", titled["Article"], "--json")
    assert [one["id"] for one in back.document["tickets"]] == [titled["Article"], titled["Page"]]


def test_a_ticket_stays_in_its_group(cli: Cli, session: UUID, titled: dict[str, str]) -> None:
    assert cli("tickets", "order", session, titled["Image"], "--before", titled["Page"]).exit_code == 10


def test_a_dependency_is_added_and_taken_away(cli: Cli, session: UUID, titled: dict[str, str]) -> None:
    done = cli("tickets", "link", session, titled["Page"], "--on", titled["Image"], "--json")
    assert done.document["tickets"][0]["depends_on"] == [titled["Image"]]
    again = cli("tickets", "link", session, titled["Page"], "--on", titled["Image"])
    assert "so already" in again.err
    gone = cli("tickets", "unlink", session, titled["Page"], "--on", titled["Image"], "--json")
    assert gone.document["tickets"][0]["depends_on"] == []


def test_a_dependency_that_closes_a_cycle_is_refused_with_its_path(
    cli: Cli, session: UUID, titled: dict[str, str]
) -> None:
    result = cli("tickets", "link", session, titled["Image"], "--on", titled["Article"])
    assert result.exit_code == 10
    assert "→" in result.err
    assert cli("tickets", "link", session, titled["Page"], "--on", titled["Page"]).exit_code == 10


def test_a_ticket_is_locked_and_unlocked(cli: Cli, session: UUID, titled: dict[str, str]) -> None:
    assert cli("tickets", "lock", session, titled["Page"], "--json").document["tickets"][0]["locked"]
    off = cli("tickets", "lock", session, titled["Page"], "--off", "--json")
    assert not off.document["tickets"][0]["locked"]


def test_a_ticket_in_jira_refuses_a_change_and_names_the_issue(
    cli: Cli, database: InDatabase[Any], session: UUID, titled: dict[str, str]
) -> None:
    async def send(engine: AsyncEngine) -> None:
        async with session_scope(engine) as scope:
            ticket = await TicketRepository(scope).get(UUID(titled["Page"]))
            ticket.jira_ticket_key, ticket.jira_ticket_url = "LAKE-7", "https://jira.test/browse/LAKE-7"

    database(send)
    result = cli("tickets", "edit", session, titled["Page"], "--title", "Too late")
    assert result.exit_code == 10
    assert "LAKE-7" in result.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("tickets", "show", "{session}", "00000000"),
        ("tickets", "show", "{session}", "{elsewhere}"),
        ("tickets", "edit", "{session}", "{elsewhere}", "--title", "Mine now"),
        ("tickets", "lock", "{session}", "{elsewhere}"),
        ("tickets", "link", "{session}", "{elsewhere}", "--on", "{elsewhere}"),
        ("tickets", "list", "00000000-0000-4000-8000-000000000000"),
        ("tickets", "list", "not an id"),
    ],
)
def test_unknown_ids_and_tickets_of_another_session_are_refused(
    cli: Cli, database: InDatabase[UUID], session: UUID, arguments: tuple[str, ...]
) -> None:
    other = database(reviewable)
    elsewhere = cli("tickets", "list", other, "--json").document["tickets"][0]["id"]
    filled = [argument.format(session=session, elsewhere=elsewhere) for argument in arguments]
    result = cli(*filled, "--json")
    assert result.exit_code == 10
    assert "There is no" in result.document["error"]["message"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("tickets", "edit", "session", "x"),
        ("tickets", "assign", "session", "--sprint", "5"),
        ("tickets", "assign", "session", "x", "--group", "Content", "--sprint", "5"),
        ("tickets", "assign", "session", "x"),
        ("tickets", "order", "session", "x"),
        ("tickets", "order", "session", "x", "--before", "y", "--after", "z"),
        ("tickets", "list", "session", "--group", "Nonsense"),
    ],
)
def test_wrong_usage_of_an_edit_ends_with_2(cli: Cli, arguments: tuple[str, ...]) -> None:
    result = cli(*arguments, "--json")
    assert result.exit_code == 2
    assert result.document["error"]["exit_code"] == 2


def test_groups_are_those_of_the_product() -> None:
    from deployments.cli.ticket_options import Group

    assert [group.value for group in Group] == [group.value for group in EntityGroup]
