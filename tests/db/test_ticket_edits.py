"""Tickets under review: one change at a time, and nothing lost."""

import asyncio
import uuid
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import session_scope
from db.enums import EntityGroup, WrittenBy
from db.errors import Changed, InJira, NotFound, Refused
from db.models import Ticket
from db.repositories.dependencies import DependencyRepository
from db.repositories.intents import IntentRepository, JiraIssue
from db.repositories.readiness import ReadinessRepository
from db.repositories.tickets import TicketChanges, TicketRepository
from tests.builders.database import (
    DIRECTOR,
    adf,
    file_of,
    make_session,
    new_ticket,
    store_tickets,
    validate,
)
from tests.db.ticket_work import assign, content, edit, is_fresh, listed, one, revision, send, versions


async def test_an_edit_changes_text_and_content_together_and_keeps_what_was(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    ticket = await one(engine, session_id)
    await validate(engine, session_id)
    edited = await edit(engine, ticket, {"title": "Better", "criteria": ["One."]}, content("Better"))
    assert (edited.title, edited.criteria, edited.description) == ("Better", ["One."], adf("Better"))
    assert (edited.content_hash, edited.revision) == ("hash of Better", 2)
    assert edited.written_by is WrittenBy.PERSON
    assert edited.updated_at > ticket.updated_at
    assert not await is_fresh(engine, session_id)
    [version] = await versions(engine, ticket)
    assert (version.revision, version.title, version.description) == (1, "Create page", adf("page"))
    assert (version.written_by, version.replaced_by) == (WrittenBy.OFFLINE, DIRECTOR.claimed)


async def test_a_change_that_changes_nothing_does_nothing(engine: AsyncEngine, session_id: uuid.UUID) -> None:
    ticket = await one(engine, session_id)
    await validate(engine, session_id)
    before = await revision(engine, session_id)
    same = await edit(
        engine, ticket, {"title": ticket.title, "criteria": list(ticket.criteria)}, content("page")
    )
    assert (same.revision, same.updated_at) == (ticket.revision, ticket.updated_at)
    assert await is_fresh(engine, session_id)
    assert await revision(engine, session_id) == before
    assert await versions(engine, ticket) == []


async def test_a_changed_text_that_leaves_what_is_sent_as_it_is_does_not_invalidate(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    ticket = await one(engine, session_id)
    await validate(engine, session_id)
    await edit(engine, ticket, {"user_notes": " "}, content("page"))
    assert await is_fresh(engine, session_id)


@pytest.mark.parametrize(
    "changes",
    [
        {"sprint": "Sprint 5"},
        {"assignee": "account-1"},
        {"priority": "High"},
        {"components": ["CMS"]},
        {"labels": ["drupal"]},
        {"issue_type": "Story"},
        {"ready_for_jira": False},
    ],
    ids=lambda changes: next(iter(changes)),
)
async def test_fields_that_are_not_content_do_not_invalidate(
    engine: AsyncEngine, session_id: uuid.UUID, changes: TicketChanges
) -> None:
    ticket = await one(engine, session_id)
    await validate(engine, session_id)
    edited = await edit(engine, ticket, changes)
    assert {name: getattr(edited, name) for name in changes} == changes
    assert edited.revision == ticket.revision
    assert edited.written_by is WrittenBy.OFFLINE
    assert await is_fresh(engine, session_id)


async def test_the_attachment_comes_and_goes_with_the_content(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    ticket = await one(engine, session_id)
    longer = await edit(engine, ticket, {"user_notes": "long"}, content("long", file_of("| table |")))
    assert longer.attachment is not None
    assert (longer.attachment.content, longer.attachment.file_size_bytes) == ("| table |", 9)
    shorter = await edit(engine, longer, {"user_notes": ""}, content("page"))
    assert shorter.attachment is None
    assert (await versions(engine, ticket))[0].attachment_content == "| table |"


async def test_an_edit_of_a_ticket_that_changed_meanwhile_is_refused(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    ticket = await one(engine, session_id)
    await edit(engine, ticket, {"title": "First"}, content("First"))
    with pytest.raises(Changed, match='"First" was changed since you read it'):
        await edit(engine, ticket, {"story": "Second"}, content("Second"))


async def test_of_two_edits_at_once_none_is_lost_unnoticed(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    ticket = await one(engine, session_id)
    outcomes = await asyncio.gather(
        *(edit(engine, ticket, {"title": name}, content(name)) for name in "abcd"), return_exceptions=True
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Changed"] * 3 + ["Ticket"]
    [winner] = [outcome.title for outcome in outcomes if isinstance(outcome, Ticket)]
    assert (await listed(engine, session_id))[0].title == winner


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"title": "x" * 300}, "1 to 255 characters; this one has 300"),
        ({"title": ""}, "1 to 255"),
        ({"user_notes": "a\x00b"}, "NUL"),
        ({"criteria": ["a\x00b"]}, "NUL"),
        ({"story": "\ud83d"}, "half of a character"),
        ({"plan": {}}, "cannot be changed: plan"),
        ({"jira_ticket_key": "X-1"}, "cannot be changed: jira_ticket_key"),
    ],
)
async def test_what_cannot_be_stored_is_refused_in_words(
    engine: AsyncEngine, session_id: uuid.UUID, changes: TicketChanges, message: str
) -> None:
    ticket = await one(engine, session_id)
    with pytest.raises(Refused, match=message):
        await edit(engine, ticket, changes, content("x"))


async def test_any_other_text_is_kept_as_it_is(engine: AsyncEngine, session_id: uuid.UUID) -> None:
    ticket = await one(engine, session_id)
    wild = "<script>alert(1)</script> 😀 \u202eright to left\u202c \x07 @mention 'quote' $1 :name %s \\u0000"
    title = "\U0001f600" * 255
    edited = await edit(
        engine,
        ticket,
        {"title": title, "story": wild, "user_notes": wild * 800, "criteria": [wild]},
        content(wild),
    )
    assert (edited.title, edited.story, edited.criteria) == (title, wild, [wild])
    assert edited.user_notes == wild * 800


async def test_a_ticket_of_another_session_is_not_found(engine: AsyncEngine, session_id: uuid.UUID) -> None:
    ticket = await one(engine, session_id)
    other = await make_session(engine)
    async with session_scope(engine) as session:
        tickets = TicketRepository(session)
        with pytest.raises(NotFound):
            await tickets.edit(ticket.id, other, {"sprint": "1"}, revision=1, actor=DIRECTOR)
        with pytest.raises(NotFound):
            await tickets.assign(other, [ticket.id], {"sprint": "1"}, actor=DIRECTOR)
        with pytest.raises(NotFound):
            await tickets.get(ticket.id, other)
        with pytest.raises(NotFound):
            await tickets.get(uuid.uuid4())


async def test_a_ticket_in_jira_refuses_edits_and_names_the_issue(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    ticket = await one(engine, session_id)
    await send(engine, ticket, "LAKE-7")
    with pytest.raises(InJira, match='"Create page" is in Jira as LAKE-7'):
        await edit(engine, ticket, {"title": "Late"}, content("Late"))
    with pytest.raises(InJira, match="LAKE-7"):
        await assign(engine, session_id, [ticket.id], {"sprint": "Sprint 5"})


async def test_a_ticket_that_may_be_in_jira_refuses_edits_while_others_stay_editable(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    await store_tickets(engine, session_id, "page", "other")
    ticket, other = await listed(engine, session_id)
    await send(engine, ticket)
    with pytest.raises(InJira, match='"Create page" was sent to Jira and may be there'):
        await edit(engine, ticket, {"title": "Late"}, content("Late"))
    await edit(engine, other, {"title": "Fine"}, content("Fine"))
    page, changed = await listed(engine, session_id)
    assert page.validated_hash == page.content_hash, "only what was edited goes stale"
    assert changed.validated_hash != changed.content_hash


async def test_locked_tickets_are_left_alone_by_everything_but_a_person(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    ticket = await one(engine, session_id)
    async with session_scope(engine) as session:
        await TicketRepository(session).set_locked(session_id, [ticket.id], True, actor=DIRECTOR)
    with pytest.raises(Refused, match="locked"):
        await edit(engine, ticket, {"story": "new", "written_by": WrittenBy.MODEL}, content("new"))
    edited = await edit(engine, ticket, {"story": "mine"}, content("mine"))
    assert edited.locked
    async with session_scope(engine) as session:
        await TicketRepository(session).set_locked(session_id, [ticket.id], False, actor=DIRECTOR)
    rewritten = await edit(engine, edited, {"story": "new", "written_by": WrittenBy.MODEL}, content("new"))
    assert rewritten.written_by is WrittenBy.MODEL


async def test_the_unedited_share_counts_tickets_whose_text_no_person_changed(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    async def share() -> float:
        async with session_scope(engine) as session:
            return await TicketRepository(session).unedited_share(session_id)

    assert await share() == 0.0
    await store_tickets(engine, session_id, "a", "b", "c", "d")
    assert await share() == 1.0
    [first, second, *_] = await listed(engine, session_id)
    await edit(engine, first, {"user_notes": "mind the gap"}, content("gap"))
    await assign(engine, session_id, [second.id], {"sprint": "1"})
    assert await share() == 0.75


async def test_a_dependency_that_a_person_adds_or_takes_away_is_an_edit_of_its_ticket(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    ids = await store_tickets(engine, session_id, "a", new_ticket("b", depends_on=["a"]), "c", "d")
    a, b, c = ids["a"], ids["b"], ids["c"]
    async with session_scope(engine) as session:
        dependencies, tickets = DependencyRepository(session), TicketRepository(session)
        assert await tickets.unedited_share(session_id) == 1
        await dependencies.link(session_id, c, a, actor=DIRECTOR)
        await dependencies.unlink(session_id, b, a, actor=DIRECTOR)
        assert await tickets.unedited_share(session_id) == 0.5
        [group] = (await ReadinessRepository(session).standing(session_id)).groups
        assert group.edited == 2
        await dependencies.unlink(session_id, c, a, actor=DIRECTOR)
        await dependencies.link(session_id, b, a, actor=DIRECTOR)
        assert await tickets.unedited_share(session_id) == 1


async def test_once_there_are_issues_the_unedited_share_is_that_of_what_was_exported(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    await store_tickets(engine, session_id, "a", "b", "c")
    [first, second, _] = await listed(engine, session_id)
    await edit(engine, first, {"story": "mine"}, content("mine"))
    async with session_scope(engine) as session:
        issues = [JiraIssue(t.id, f"L-{t.key}", f"https://jira/L-{t.key}") for t in (first, second)]
        await IntentRepository(session).resolve(session_id, issues, actor=DIRECTOR)
        assert await TicketRepository(session).unedited_share(session_id) == 0.5


# Many at once


async def test_assigning_says_which_tickets_really_changed(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    ids = await store_tickets(engine, session_id, "a", "b", "c")
    assert await assign(engine, session_id, [ids["a"]], {"sprint": "Sprint 5"}) == [ids["a"]]
    changed = await assign(engine, session_id, list(ids.values()), {"sprint": "Sprint 5"})
    assert set(changed) == {ids["b"], ids["c"]}
    assert {ticket.sprint for ticket in await listed(engine, session_id)} == {"Sprint 5"}


async def test_assigning_refuses_content(engine: AsyncEngine, session_id: uuid.UUID) -> None:
    ids = await store_tickets(engine, session_id, "a")
    values: Any = {"title": "x"}
    with pytest.raises(Refused, match="cannot be changed: title"):
        await assign(engine, session_id, list(ids.values()), values)


async def test_ordering_within_a_group_leaves_the_others_where_they_are(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    views = {"entity_group": EntityGroup.VIEWS}
    ids = await store_tickets(
        engine,
        session_id,
        new_ticket("a", position=0),
        new_ticket("v", position=1, **views),
        new_ticket("b", position=2),
        new_ticket("c", position=3),
    )
    async with session_scope(engine) as session:
        await TicketRepository(session).order(session_id, [ids["c"], ids["a"], ids["b"]], actor=DIRECTOR)
    assert [ticket.key for ticket in await listed(engine, session_id)] == ["c", "v", "a", "b"]
    async with session_scope(engine) as session:
        tickets = TicketRepository(session)
        with pytest.raises(Refused, match="not of one group"):
            await tickets.order(session_id, [ids["a"], ids["v"]], actor=DIRECTOR)
        with pytest.raises(Refused, match="twice"):
            await tickets.order(session_id, [ids["a"], ids["a"]], actor=DIRECTOR)
