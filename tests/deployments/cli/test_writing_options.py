"""Who writes a session, in which style and for how much: said on the command line, and changed later."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import session_scope
from db.enums import TaskType
from db.models import Session
from db.repositories.background import TaskRepository
from db.repositories.sessions import SessionRepository
from tests.builders.database import FLOW, make_session
from tests.builders.spec import LAKESIDE
from tests.deployments.cli.conftest import Cli, InDatabase


@pytest.fixture
def session(database: InDatabase[UUID]) -> UUID:
    return database(make_session)


def stored(database: InDatabase[Session], session: UUID) -> dict[str, Any]:
    async def read(engine: AsyncEngine) -> Session:
        async with session_scope(engine) as scope:
            return await SessionRepository(scope).get(session)

    return database(read).settings


def begin_processing(database: InDatabase[None], session: UUID) -> None:
    async def claim(engine: AsyncEngine) -> None:
        async with session_scope(engine) as scope:
            await TaskRepository(scope).claim(session, TaskType.PROCESSING, "run", actor=FLOW)

    database(claim)


def test_the_whole_house_style_can_be_set(cli: Cli, database: InDatabase[Any], session: UUID) -> None:
    style = ("--language", "de", "--criteria", "given_when_then", "--voice", "marketing editors")
    terms = ("--term", "program=a course of study", "--term", "unit=a faculty")
    writer = (
        "--provider",
        "openai",
        "--model",
        "gpt-5-mini",
        "--on-budget",
        "stop",
        "--instruction",
        "Be brief.",
    )
    shown = cli("session", "set", session, *style, *terms, *writer, "--budget", "7.5", "--json")
    assert shown.exit_code == 0
    settings = stored(database, session)
    assert settings["budget_usd"] == "7.5"
    assert settings["writing"] == {
        "provider": "openai",
        "model": "gpt-5-mini",
        "on_budget": "stop",
        "language": "de",
        "criteria_format": "given_when_then",
        "voice": "marketing editors",
        "glossary": {"program": "a course of study", "unit": "a faculty"},
        "instruction": "Be brief.",
    }


def test_what_is_not_named_stays(cli: Cli, database: InDatabase[Any], session: UUID) -> None:
    cli("session", "set", session, "--voice", "editors", "--term", "a=b")
    cli("session", "set", session, "--term", "c=d", "--voice", "")
    writing = stored(database, session)["writing"]
    assert (writing["voice"], writing["glossary"]) == ("", {"a": "b", "c": "d"})


def test_provider_and_model_stay_once_processing_has_begun(
    cli: Cli, database: InDatabase[Any], session: UUID
) -> None:
    assert cli("session", "set", session, "--provider", "anthropic").exit_code == 0
    begin_processing(database, session)
    for change in (("--provider", "offline"), ("--model", "another")):
        refused = cli("session", "set", session, *change, "--json")
        assert refused.exit_code == 10
        assert "Provider and model stay as they are" in refused.document["error"]["message"]
    assert cli("session", "set", session, "--budget", "9", "--provider", "anthropic").exit_code == 0
    settings = stored(database, session)
    assert (settings["budget_usd"], settings["writing"]["provider"]) == ("9", "anthropic")


@pytest.mark.parametrize(
    "wrong",
    [
        ("--language", "xx"),
        ("--criteria", "haiku"),
        ("--on-budget", "borrow"),
        ("--provider", "somebody"),
        ("--term", "nothing"),
        ("--budget", "many"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_is_wrong_usage(
    cli: Cli, database: InDatabase[Any], session: UUID, wrong: tuple[str, ...]
) -> None:
    before = stored(database, session)
    result = cli("session", "set", session, *wrong)
    assert result.exit_code == 2
    assert wrong[0] in result.err
    assert stored(database, session) == before


def test_nothing_to_change_is_said(cli: Cli, database: InDatabase[Any], session: UUID) -> None:
    assert cli("session", "set", session).exit_code == 10


def test_what_a_spec_costs_depends_on_who_writes_it(cli: Cli, database: InDatabase[Any]) -> None:
    def cost(*more: str) -> dict[str, Any]:
        part: dict[str, Any] = cli("cost", LAKESIDE, "--site-name", "Lakeside", *more, "--json").document[
            "cost"
        ]
        return part

    free, claude, other = cost(), cost("--provider", "anthropic"), cost("--provider", "openai")
    assert (free["estimate_usd"], free["writer"]) == (0, "offline")
    assert free["with_a_key"]["estimate_usd"] == claude["estimate_usd"] > 0
    assert (other["writer"], other["model"]) == ("openai", "gpt-5-mini")
    assert cost("--provider", "offline")["ceiling_usd"] == 0
    wordy = cost("--provider", "anthropic", "--instruction", "Be careful. " * 150)
    assert wordy["estimate_usd"] > claude["estimate_usd"]
    assert claude["spent_usd"] == 0
