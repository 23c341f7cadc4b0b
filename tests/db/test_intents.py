"""No content is sent that was not validated, nothing is sent twice unasked, and what is known is kept once."""

import asyncio
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import session_scope
from db.enums import IntentStatus, TaskType
from db.errors import CancelRequested, InJira, NotFound, NotValidated, StaleAttempt
from db.fence import Fence
from db.models import SendIntent, Ticket
from db.repositories.background import TaskRepository
from db.repositories.delivery import DeliveryRepository
from db.repositories.intents import IntentRepository, JiraIssue
from db.repositories.sessions import SessionRepository
from db.repositories.tickets import Content, NewAttachment, TicketRepository
from tests.builders.database import DIRECTOR, FLOW, adf, make_session, new_ticket, store_tickets, validate

FENCE = Fence("run-1", 1)


@pytest.fixture
async def session_id(engine: AsyncEngine) -> uuid.UUID:
    """A session with three validated tickets, and a run that holds it."""
    session_id = await make_session(engine)
    await store_tickets(engine, session_id, "a", "b", "c")
    await validate(engine, session_id)
    await claim(engine, session_id)
    return session_id


async def claim(engine: AsyncEngine, session_id: uuid.UUID) -> int:
    async with session_scope(engine) as session:
        return await TaskRepository(session).claim(session_id, TaskType.EXPORT, "run-1", actor=FLOW)


async def tickets(engine: AsyncEngine, session_id: uuid.UUID) -> dict[str, Ticket]:
    async with session_scope(engine) as session:
        return {t.key: t for t in await TicketRepository(session).list_tickets(session_id)}


async def open_intents(
    engine: AsyncEngine,
    session_id: uuid.UUID,
    keys: str = "abc",
    *,
    fence: Fence = FENCE,
    again: bool = False,
) -> list[SendIntent]:
    items = [(t.id, t.content_hash) for key, t in (await tickets(engine, session_id)).items() if key in keys]
    async with session_scope(engine) as session:
        return await IntentRepository(session).open_intents(session_id, fence, items, again=again, actor=FLOW)


async def resolve(
    engine: AsyncEngine,
    session_id: uuid.UUID,
    issue_id: str | None = None,
    content_hash: str | None = None,
    **issues: str,
) -> list[JiraIssue]:
    known = await tickets(engine, session_id)
    found = [
        JiraIssue(
            known[key].id,
            issue,
            f"https://jira/{issue}",
            issue_id or issue.rpartition("-")[2],
            content_hash,
        )
        for key, issue in issues.items()
    ]
    async with session_scope(engine) as session:
        return await IntentRepository(session).resolve(session_id, found, actor=FLOW)


async def refuse(engine: AsyncEngine, session_id: uuid.UUID, key: str, fence: Fence = FENCE) -> None:
    reasons = {(await tickets(engine, session_id))[key].id: "Jira does not know it"}
    async with session_scope(engine) as session:
        await IntentRepository(session).refuse(session_id, fence, reasons, actor=FLOW)


async def unresolved(engine: AsyncEngine, session_id: uuid.UUID) -> list[SendIntent]:
    async with session_scope(engine) as session:
        return await IntentRepository(session).unresolved(session_id)


async def retitle(engine: AsyncEngine, session_id: uuid.UUID, key: str) -> None:
    ticket = (await tickets(engine, session_id))[key]
    content = Content(description=adf("new"), content_hash="new hash")
    async with session_scope(engine) as session:
        await TicketRepository(session).edit(
            ticket.id, session_id, {"title": "New"}, revision=ticket.revision, content=content, actor=DIRECTOR
        )


# Opened only when everything is right


async def test_intents_carry_attempt_hash_time_and_run(engine: AsyncEngine, session_id: uuid.UUID) -> None:
    opened = await open_intents(engine, session_id)
    assert [intent.attempt for intent in opened] == [1, 1, 1]
    assert {intent.content_hash for intent in opened} == {"hash of a", "hash of b", "hash of c"}
    assert {(intent.task_id, intent.task_attempt) for intent in opened} == {("run-1", 1)}
    assert all(intent.opened_at is not None for intent in opened)
    assert len(await unresolved(engine, session_id)) == 3


async def test_one_ticket_that_changed_since_its_validation_stops_all_of_the_request(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    await retitle(engine, session_id, "b")
    with pytest.raises(NotValidated, match='"New" changed since it was validated'):
        await open_intents(engine, session_id)
    assert await unresolved(engine, session_id) == []
    assert len(await open_intents(engine, session_id, "ac")) == 2, "the others go on"


async def test_the_hash_of_what_would_be_sent_has_to_be_the_validated_one(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    ticket = (await tickets(engine, session_id))["a"]
    async with session_scope(engine) as session:
        with pytest.raises(NotValidated):
            await IntentRepository(session).open_intents(
                session_id, FENCE, [(ticket.id, "something older")], actor=FLOW
            )


async def test_a_ticket_that_never_passed_is_not_sent(engine: AsyncEngine, session_id: uuid.UUID) -> None:
    other = await make_session(engine)
    await store_tickets(engine, other, "a")
    await claim(engine, other)
    with pytest.raises(NotValidated):
        await open_intents(engine, other)


async def test_a_run_that_was_taken_over_sends_nothing(engine: AsyncEngine, session_id: uuid.UUID) -> None:
    assert await claim(engine, session_id) == 2
    with pytest.raises(StaleAttempt):
        await open_intents(engine, session_id)
    assert len(await open_intents(engine, session_id, fence=Fence("run-1", 2))) == 3


async def test_nothing_is_sent_once_a_person_asked_to_stop(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    async with session_scope(engine) as session:
        await SessionRepository(session).request_cancel(session_id, actor=DIRECTOR)
    with pytest.raises(CancelRequested):
        await open_intents(engine, session_id)


async def test_a_ticket_of_another_session_is_not_sent(engine: AsyncEngine, session_id: uuid.UUID) -> None:
    other = await make_session(engine)
    await store_tickets(engine, other, "x")
    ticket = (await tickets(engine, other))["x"]
    async with session_scope(engine) as session:
        with pytest.raises(NotFound):
            await IntentRepository(session).open_intents(
                session_id, FENCE, [(ticket.id, ticket.content_hash)], actor=FLOW
            )


@pytest.mark.parametrize("first", ["edit", "intent"])
async def test_an_edit_and_an_intent_at_once_never_both_succeed(
    engine: AsyncEngine, session_id: uuid.UUID, first: str
) -> None:
    works = [retitle(engine, session_id, "a"), open_intents(engine, session_id, "a")]
    outcomes = await asyncio.gather(*(works if first == "edit" else reversed(works)), return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, NotValidated | InJira)]
    assert len(refused) == 1
    sent = [outcome for outcome in outcomes if isinstance(outcome, list)]
    ticket = (await tickets(engine, session_id))["a"]
    assert ticket.content_hash == ("hash of a" if sent else "new hash")


async def test_of_two_that_open_the_same_intent_at_once_one_is_refused(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    outcomes = await asyncio.gather(
        open_intents(engine, session_id), open_intents(engine, session_id), return_exceptions=True
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["InJira", "list"]


# What became of it


async def test_an_open_intent_is_not_opened_again_before_jira_was_asked(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    await open_intents(engine, session_id, "a")
    with pytest.raises(InJira, match="ask there first"):
        await open_intents(engine, session_id, "a")
    [second] = await open_intents(engine, session_id, "a", again=True)
    assert second.attempt == 2
    assert [intent.attempt for intent in await unresolved(engine, session_id)] == [2]


async def test_issues_are_stored_with_their_tickets_once(engine: AsyncEngine, session_id: uuid.UUID) -> None:
    await open_intents(engine, session_id)
    for _ in range(2):
        assert await resolve(engine, session_id, a="LAKE-1", b="LAKE-2") == []
    known = await tickets(engine, session_id)
    assert [known[key].jira_ticket_key for key in "abc"] == ["LAKE-1", "LAKE-2", None]
    assert known["a"].jira_ticket_url == "https://jira/LAKE-1"
    assert known["a"].jira_issue_id == "1"
    assert [intent.ticket_id for intent in await unresolved(engine, session_id)] == [known["c"].id]
    with pytest.raises(InJira, match="is in Jira as LAKE-1"):
        await open_intents(engine, session_id, "a")


async def test_a_second_issue_of_a_ticket_is_named_as_surplus(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    await open_intents(engine, session_id, "a")
    await resolve(engine, session_id, a="LAKE-1")
    [surplus] = await resolve(engine, session_id, a="LAKE-9")
    assert surplus.key == "LAKE-9"
    assert (await tickets(engine, session_id))["a"].jira_ticket_key == "LAKE-1"


async def test_the_same_issue_under_another_key_is_no_second_one(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    await open_intents(engine, session_id, "a")
    await resolve(engine, session_id, a="LAKE-1")
    assert await resolve(engine, session_id, issue_id="1", a="MOVED-4") == []


async def test_an_issue_is_not_stored_with_a_ticket_that_has_another_text_by_now(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    await open_intents(engine, session_id, "a")
    await refuse(engine, session_id, "a")
    await retitle(engine, session_id, "a")
    with pytest.raises(NotValidated, match='"New" changed'):
        await resolve(engine, session_id, content_hash="hash of a", a="LAKE-1")
    assert await resolve(engine, session_id, content_hash="new hash", a="LAKE-1") == []


async def test_the_file_of_a_ticket_that_does_not_stand_as_validated_is_not_sent(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    await store_tickets(engine, session_id, new_ticket("d", attachment=NewAttachment("d.md", "# D")))
    file = (await tickets(engine, session_id))["d"].attachment
    assert file is not None
    async with session_scope(engine) as session:
        with pytest.raises(NotValidated):
            await DeliveryRepository(session).upload_starts(session_id, file.id, actor=FLOW)
    await validate(engine, session_id)
    async with session_scope(engine) as session:
        await DeliveryRepository(session).upload_starts(session_id, file.id, actor=FLOW)


async def test_an_issue_found_late_is_adopted_although_the_intent_was_given_up(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    await open_intents(engine, session_id, "a")
    await refuse(engine, session_id, "a")
    assert await resolve(engine, session_id, a="LAKE-1") == []
    assert (await tickets(engine, session_id))["a"].jira_ticket_key == "LAKE-1"


async def test_one_issue_cannot_be_two_tickets(engine: AsyncEngine, session_id: uuid.UUID) -> None:
    await open_intents(engine, session_id)
    with pytest.raises(IntegrityError, match="uq_tickets_issue"):
        await resolve(engine, session_id, a="LAKE-1", b="LAKE-1")


async def test_a_refused_ticket_can_be_edited_and_sent_again(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    await open_intents(engine, session_id, "a")
    await refuse(engine, session_id, "a")
    assert await unresolved(engine, session_id) == []
    await retitle(engine, session_id, "a")
    await validate(engine, session_id)
    [intent] = await open_intents(engine, session_id, "a")
    assert (intent.attempt, intent.content_hash) == (2, "new hash")


async def test_only_the_run_that_holds_the_session_says_that_nothing_was_created(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    await open_intents(engine, session_id, "a")
    await claim(engine, session_id)
    with pytest.raises(StaleAttempt):
        await refuse(engine, session_id, "a")
    await refuse(engine, session_id, "a", Fence("run-1", 2))
    assert await unresolved(engine, session_id) == []


async def test_a_late_answer_of_a_run_that_was_taken_over_is_still_worth_keeping(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    await open_intents(engine, session_id, "a")
    await claim(engine, session_id)
    assert await resolve(engine, session_id, a="LAKE-1") == []
    assert await unresolved(engine, session_id) == []


async def test_an_uncertain_request_stays_open_and_is_searched_for_later(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    [intent] = await open_intents(engine, session_id, "a")
    async with session_scope(engine) as session:
        intents = IntentRepository(session)
        await intents.uncertain(
            session_id,
            [intent.ticket_id],
            "The connection was dropped.",
            search_again_after=timedelta(minutes=30),
            actor=FLOW,
        )
        waited = await intents.seconds_since(session_id, [intent.ticket_id])
    assert 0 < waited < 30
    [unknown] = await unresolved(engine, session_id)
    assert (unknown.status, unknown.reason) == (IntentStatus.OPEN, "The connection was dropped.")
    assert unknown.search_again_at is not None
    assert unknown.search_again_at - unknown.opened_at > timedelta(minutes=29)


async def test_the_database_itself_allows_one_open_intent_per_ticket(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    await open_intents(engine, session_id, "a")
    twice = text(
        "INSERT INTO send_intents (session_id, ticket_id, attempt, content_hash, task_id, task_attempt)"
        " SELECT session_id, ticket_id, 7, content_hash, task_id, task_attempt FROM send_intents"
    )
    async with session_scope(engine) as session:
        with pytest.raises(IntegrityError, match="uq_send_intents_one_open"):
            await session.execute(twice)
