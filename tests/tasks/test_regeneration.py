"""Tickets written anew: what a person wrote stays or goes as they say, and every version can be had back."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from db.actor import Actor
from db.engine import session_scope
from db.enums import EntityGroup, TaskType, WrittenBy
from db.models import MAX_RETRIES, Ticket
from db.repositories.background import TaskRepository
from db.repositories.readiness import ReadinessRepository
from db.repositories.tickets import TicketRepository
from db.repositories.validations import ValidationRepository
from tasks import review
from tasks.core.errors import UserFixable
from tasks.core.tickets.model import PlannedTicket, Prose
from tasks.core.tickets.written import Written
from tasks.readiness import obstacles
from tasks.regeneration import Regenerated, Result, chosen_tickets, regenerate_one, said
from tasks.review_versions import restore_version, versions_of
from tests.builders.database import DIRECTOR, validate
from tests.builders.reviewing import reviewable

NEW = Prose(
    title="Written anew", story="As an editor, I want it so that it is.", criteria=("New one.", "New two.")
)


async def write(_ticket: PlannedTicket) -> Written:
    """A writer that always says the same."""
    return Written(prose=NEW.model_copy(update={"written_by": WrittenBy.MODEL}), prompt_version="7")


class Desk:
    """One ticket under review."""

    def __init__(self, engine: AsyncEngine, session_id: UUID, ticket_id: UUID) -> None:
        self.engine, self.session_id, self.ticket_id = engine, session_id, ticket_id

    async def ticket(self) -> Ticket:
        async with session_scope(self.engine) as session:
            return await TicketRepository(session).get(self.ticket_id)

    async def edit(self, **changes: object) -> None:
        await review.edit_ticket(self.engine, self.session_id, self.ticket_id, changes, DIRECTOR)  # type: ignore[arg-type]

    async def regenerate(self, replace_edits: bool = False) -> Regenerated:
        return await regenerate_one(
            self.engine, await self.ticket(), write, DIRECTOR, replace_edits=replace_edits
        )

    async def restore(self, version: int) -> Ticket:
        return await restore_version(self.engine, self.session_id, self.ticket_id, version, DIRECTOR)


@pytest.fixture
async def desk(engine: AsyncEngine) -> Desk:
    session_id = await reviewable(engine)
    first, *_ = await chosen_tickets(engine, session_id)
    return Desk(engine, session_id, first.id)


async def test_a_ticket_is_written_anew_and_has_to_be_validated_again(
    desk: Desk, engine: AsyncEngine
) -> None:
    await validate(engine, desk.session_id)
    done = await desk.regenerate()
    ticket = await desk.ticket()
    assert (done.result, ticket.title, ticket.written_by) == (
        Result.REWRITTEN,
        "Written anew",
        WrittenBy.MODEL,
    )
    assert "New one." in str(ticket.description)
    async with session_scope(engine) as session:
        assert not await ValidationRepository(session).is_fresh(desk.session_id)


async def test_the_same_text_again_changes_nothing(desk: Desk, engine: AsyncEngine) -> None:
    await desk.regenerate()
    await validate(engine, desk.session_id)
    assert (await desk.regenerate()).result is Result.UNCHANGED
    async with session_scope(engine) as session:
        assert await ValidationRepository(session).is_fresh(desk.session_id)


async def test_what_a_person_changed_is_kept_and_the_rest_is_new(desk: Desk) -> None:
    await desk.edit(title="My own title", user_notes="Mine.")
    done = await desk.regenerate()
    ticket = await desk.ticket()
    assert done.kept == ("title",)
    assert (ticket.title, ticket.user_notes, ticket.criteria) == (
        "My own title",
        "Mine.",
        ["New one.", "New two."],
    )
    assert ticket.written_by is WrittenBy.PERSON


async def test_on_request_it_is_replaced_and_still_readable(desk: Desk) -> None:
    await desk.edit(title="My own title")
    await desk.regenerate(replace_edits=True)
    now, earlier = await versions_of(desk.engine, desk.session_id, desk.ticket_id)
    assert (now.title, now.written_by) == ("Written anew", WrittenBy.MODEL)
    assert "My own title" in [version.title for version in earlier]


async def test_a_locked_ticket_is_left_alone(desk: Desk) -> None:
    async with session_scope(desk.engine) as session:
        await TicketRepository(session).set_locked(desk.session_id, [desk.ticket_id], True, actor=DIRECTOR)
    before = await desk.ticket()
    assert (await desk.regenerate(replace_edits=True)).result is Result.LOCKED
    assert (await desk.ticket()).content_hash == before.content_hash


async def test_a_ticket_locked_while_it_is_written_is_left_alone(desk: Desk) -> None:
    async def slow(ticket: PlannedTicket) -> Written:
        async with session_scope(desk.engine) as session:
            await TicketRepository(session).set_locked(
                desk.session_id, [desk.ticket_id], True, actor=DIRECTOR
            )
        return await write(ticket)

    done = await regenerate_one(desk.engine, await desk.ticket(), slow, DIRECTOR, replace_edits=True)
    assert done.result is Result.LOCKED


async def test_an_edit_made_while_it_is_written_is_kept(desk: Desk) -> None:
    async def slow(ticket: PlannedTicket) -> Written:
        await desk.edit(title="Meanwhile")
        return await write(ticket)

    done = await regenerate_one(desk.engine, await desk.ticket(), slow, Actor("Eli"))
    assert ((await desk.ticket()).title, done.kept) == ("Meanwhile", ("title",))


async def test_every_version_can_be_restored(desk: Desk) -> None:
    before = await desk.ticket()
    await desk.edit(title="My own title", story="Mine.", criteria=["Mine."], user_notes="Mine.")
    await desk.regenerate(replace_edits=True)
    restored = await desk.restore(before.revision)
    assert (restored.title, restored.story, restored.criteria) == (
        before.title,
        before.story,
        before.criteria,
    )
    assert (restored.content_hash, restored.written_by) == (before.content_hash, WrittenBy.OFFLINE)
    assert (await desk.restore(before.revision + 1)).title == "My own title"


async def test_a_text_that_is_changed_back_is_unedited(desk: Desk, engine: AsyncEngine) -> None:
    before = await desk.ticket()
    await desk.edit(title="Mine", user_notes="Mine.")
    await desk.edit(title=before.title)
    assert (await desk.ticket()).written_by is WrittenBy.PERSON
    await desk.edit(user_notes="")
    assert (await desk.ticket()).written_by is WrittenBy.OFFLINE
    async with session_scope(engine) as session:
        assert await TicketRepository(session).unedited_share(desk.session_id) == 1


async def test_a_locked_ticket_can_be_restored_by_a_person(desk: Desk) -> None:
    first = await desk.ticket()
    await desk.edit(title="Mine")
    async with session_scope(desk.engine) as session:
        await TicketRepository(session).set_locked(desk.session_id, [desk.ticket_id], True, actor=DIRECTOR)
    assert (await desk.restore(first.revision)).title == first.title


async def test_an_unknown_version_is_refused_with_those_there_are(desk: Desk) -> None:
    await desk.edit(title="Mine")
    with pytest.raises(UserFixable) as refused:
        await desk.restore(99)
    assert refused.value.actions == ("It has: 1.",)


async def test_a_group_is_chosen_and_an_unknown_ticket_is_refused(desk: Desk) -> None:
    media = await chosen_tickets(desk.engine, desk.session_id, group=EntityGroup.MEDIA)
    assert [ticket.entity_group for ticket in media] == [EntityGroup.MEDIA]
    with pytest.raises(UserFixable, match="no ticket"):
        await chosen_tickets(desk.engine, desk.session_id, [UUID(int=7)])


async def test_a_link_is_said_in_the_text_and_taken_out_again(desk: Desk, engine: AsyncEngine) -> None:
    one, two, *_ = await chosen_tickets(engine, desk.session_id)
    before = one.content_hash
    wanted = [(one.id, two.id), (two.id, one.id)]
    pair = wanted[0] if await linked(desk, *wanted[0]) else wanted[1]
    async with session_scope(engine) as session:
        ticket = await TicketRepository(session).get(pair[0])
    assert "Build after" in str(ticket.description)
    await review.set_dependency(engine, desk.session_id, *pair, DIRECTOR, wanted=False)
    async with session_scope(engine) as session:
        assert before in {
            t.content_hash for t in await TicketRepository(session).list_tickets(desk.session_id)
        }


async def linked(desk: Desk, one: UUID, other: UUID) -> bool:
    return await review.set_dependency(desk.engine, desk.session_id, one, other, DIRECTOR, wanted=True)


async def test_a_long_text_moves_the_table_to_a_file_and_back(desk: Desk) -> None:
    await desk.edit(user_notes="word " * 6_000)
    assert (await desk.ticket()).attachment is not None
    await desk.edit(user_notes="")
    assert (await desk.ticket()).attachment is None


@given(st.lists(st.sampled_from(list(Result)), max_size=5), st.booleans())
def test_what_became_of_them_is_said_in_a_sentence(results: list[Result], unheard: bool) -> None:
    told = said([Regenerated(ticket_id="x", title="x", result=result) for result in results], unheard=unheard)
    assert all(result.value in told for result in results)
    assert ("cannot follow" in told) is unheard


# Readiness


async def codes(engine: AsyncEngine, session_id: UUID) -> list[str]:
    async with session_scope(engine) as session:
        return [one.code for one in obstacles(await ReadinessRepository(session).standing(session_id))]


async def test_readiness_names_everything_in_the_way(desk: Desk, engine: AsyncEngine) -> None:
    assert await codes(engine, desk.session_id) == ["validation", "approval"]
    await desk.edit(ready_for_jira=False)
    assert await codes(engine, desk.session_id) == ["not-ready", "validation", "approval"]
    await desk.edit(ready_for_jira=True)
    await validate(engine, desk.session_id)
    assert await codes(engine, desk.session_id) == ["approval"]


async def test_readiness_says_that_an_administrator_has_to_look(desk: Desk, engine: AsyncEngine) -> None:
    for number in range(MAX_RETRIES):
        async with session_scope(engine) as session:
            tasks, run = TaskRepository(session), f"run-{number}"
            attempt = await tasks.claim(desk.session_id, TaskType.EXPORT, run, actor=DIRECTOR)
            await tasks.fail(desk.session_id, run, attempt, context={}, actor=DIRECTOR)
    assert await codes(engine, desk.session_id) == ["retries-used-up", "validation", "approval"]


async def test_only_a_validation_of_all_opens_the_gate(desk: Desk, engine: AsyncEngine) -> None:
    ticket = await desk.ticket()
    async with session_scope(engine) as session:
        await ValidationRepository(session).finish_chosen(
            desk.session_id, read={ticket.id: ticket.content_hash}, results={}, actor=DIRECTOR
        )
    assert "validation" in await codes(engine, desk.session_id)


async def test_a_chosen_ticket_that_fails_closes_the_gate(desk: Desk, engine: AsyncEngine) -> None:
    await validate(engine, desk.session_id)
    ticket = await desk.ticket()
    read = {ticket.id: ticket.content_hash}
    async with session_scope(engine) as session:
        await ValidationRepository(session).finish_chosen(
            desk.session_id, read=read, results={ticket.id: ["wrong"]}, actor=DIRECTOR
        )
        standing = await ReadinessRepository(session).standing(desk.session_id)
    assert standing.failing == {ticket.id: ["wrong"]}
    assert not standing.fresh


async def test_what_changed_meanwhile_is_not_judged(desk: Desk, engine: AsyncEngine) -> None:
    await validate(engine, desk.session_id)
    async with session_scope(engine) as session:
        await ValidationRepository(session).finish_chosen(
            desk.session_id, read={desk.ticket_id: "old"}, results={desk.ticket_id: ["wrong"]}, actor=DIRECTOR
        )
        assert await ValidationRepository(session).is_fresh(desk.session_id)
