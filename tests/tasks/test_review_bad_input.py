"""Whatever people type into the review is refused in plain words or kept to the letter, and is safe in Jira."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from db.actor import LONGEST_NAME, Actor
from db.engine import session_scope
from db.enums import ReviewDecision, SessionStage
from db.errors import NotFound
from db.repositories.audit import AuditRepository
from db.repositories.reviews import ReviewRepository
from db.repositories.rollback import RollbackRepository
from db.repositories.tickets import TicketRepository
from db.repositories.validations import ValidationRepository
from tasks import review
from tasks.checking import check
from tasks.core.errors import UserFixable
from tasks.regeneration import chosen_tickets
from tasks.review_files import pull, push
from tasks.review_versions import restore_version, versions_of
from tests.builders.database import DIRECTOR
from tests.builders.reviewing import know_project, reviewable
from tests.tasks.reviewers import Reviewers

TEXTS = {
    "300 characters": "x" * 300,
    "40,000 characters": "word " * 8_000,
    "bell": "ring \x07 ring",
    "escape": "\x1b[31mred\x1b[0m",
    "nul": "nul \x00",
    "half a character": "\ud83d",
    "script": "<script>alert(1)</script> <img src=x onerror=alert(1)>",
    "javascript link": "[click](javascript:alert(1)) <javascript:alert(1)> [x](data:text/html,x)",
    "mention": "@dana [~accountid:5b10] @[Dana](user:1)",
    "emoji": "🚀 👩‍👩‍👧 :smile:",
    "right to left": "\u202eright to left\u202c שלום مرحبا",
    "formula": "=HYPERLINK(1)",
    "line breaks": "one\r\ntwo\u2028three\x85four",
    "nothing": " \t ",
}
SEVERAL = ("criteria", "labels", "components")
TYPED = (*SEVERAL, "title", "story", "user_notes", "sprint", "assignee", "issue_type", "priority")


@pytest.fixture
async def reviewers(engine: AsyncEngine, tmp_path: Path) -> Reviewers:
    reviewers = Reviewers(engine, tmp_path)
    await reviewers.begin()
    return reviewers


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
async def test_a_text_is_refused_in_words_or_kept_and_safe(reviewers: Reviewers, text: str) -> None:
    for typed in TYPED:
        before = await reviewers.ticket(0)
        refused = await reviewers.attempt("Dana", "edit", 0, {typed: [text] if typed in SEVERAL else text})
        after = await reviewers.ticket(0)
        assert not refused or getattr(after, typed) == getattr(before, typed), typed
        assert refused.isprintable(), f"the refusal of {typed} itself would harm a terminal"
        assert_safe(after.description)
    await reviewers.check()


def assert_safe(description: dict[str, Any]) -> None:
    """No live link but to the web and to mail; nobody is called by a text."""
    document = json.dumps(description)
    assert '"type": "mention"' not in document
    assert '"href": "javascript' not in document.lower()
    assert '"href": "data' not in document.lower()


async def test_what_the_project_does_not_have_is_refused_and_named_safely(reviewers: Reviewers) -> None:
    await know_project(reviewers.engine, reviewers.session_id)
    ids = [(await reviewers.ticket(0)).id]
    for text in filter(str.strip, TEXTS.values()):
        with pytest.raises(UserFixable, match=r"no sprint|cannot be shown") as refused:
            await review.assign_tickets(
                reviewers.engine, reviewers.session_id, ids, {"sprint": text}, DIRECTOR
            )
        assert len(refused.value.message) < 200
        assert refused.value.message.isprintable(), text
    assert (await reviewers.ticket(0)).sprint is None


async def test_a_file_with_any_text_is_refused_or_kept_and_safe(reviewers: Reviewers) -> None:
    for text in TEXTS.values():
        await reviewers.attempt("Dana", "pull", 1, 0)
        file = min((reviewers.folder / "Dana").glob("*.md"))
        changed = file.read_text().replace("# Notes\n", f"# Notes\n\n{text}\n", 1)
        file.write_bytes(changed.encode("utf-8", "surrogatepass"))
        await reviewers.attempt("Dana", "push", 0, 0)
        for ticket in await reviewers.tickets():
            assert_safe(ticket.description)
    await reviewers.check()


async def test_a_decision_keeps_any_name_and_note(reviewers: Reviewers) -> None:
    for text in TEXTS.values():
        stored = text.replace("\x00", "\ufffd").replace("\ud83d", "\ufffd")
        async with session_scope(reviewers.engine) as session:
            row = await ReviewRepository(session).decide(
                reviewers.session_id,
                ReviewDecision.CHANGE,
                actor=Actor(text),
                note=text,
                request={"instruction": text},
            )
            assert (row.decided_by, row.note, row.request) == (
                stored[:LONGEST_NAME],
                stored,
                {"instruction": stored},
            )
            trail = await AuditRepository(session).trail(reviewers.session_id)
        assert trail[-1].claimed_actor == stored[:LONGEST_NAME]


@dataclass
class Ids:
    """Where an operation is tried: a session, one of its tickets, and a ticket that is not its own."""

    engine: AsyncEngine
    session_id: UUID
    own: UUID
    foreign: UUID
    folder: Path


async def repository(ids: Ids, work: Callable[[TicketRepository], Awaitable[Any]]) -> Any:
    async with session_scope(ids.engine) as session:
        return await work(TicketRepository(session))


async def linked(ids: Ids, first: UUID, second: UUID, *, wanted: bool) -> None:
    await review.set_dependency(ids.engine, ids.session_id, first, second, DIRECTOR, wanted=wanted)


# What is done with a ticket that is not of the session.
OPERATIONS: dict[str, Callable[[Ids], Awaitable[Any]]] = {
    "edit": lambda i: review.edit_ticket(i.engine, i.session_id, i.foreign, {"title": "Mine"}, DIRECTOR),
    "assign": lambda i: review.assign_tickets(
        i.engine, i.session_id, [i.own, i.foreign], {"sprint": "5"}, DIRECTOR
    ),
    "lock": lambda i: repository(
        i, lambda tickets: tickets.set_locked(i.session_id, [i.own, i.foreign], True, actor=DIRECTOR)
    ),
    "order": lambda i: repository(
        i, lambda tickets: tickets.order(i.session_id, [i.foreign, i.own], actor=DIRECTOR)
    ),
    "place": lambda i: review.place_ticket(
        i.engine, i.session_id, i.foreign, i.own, DIRECTOR, after=True
    ),
    "place beside": lambda i: review.place_ticket(
        i.engine, i.session_id, i.own, i.foreign, DIRECTOR, after=True
    ),
    "link": lambda i: linked(i, i.own, i.foreign, wanted=True),
    "link the other way": lambda i: linked(i, i.foreign, i.own, wanted=True),
    "unlink": lambda i: linked(i, i.own, i.foreign, wanted=False),
    "versions": lambda i: versions_of(i.engine, i.session_id, i.foreign),
    "restore": lambda i: restore_version(i.engine, i.session_id, i.foreign, 1, DIRECTOR),
    "regenerate": lambda i: chosen_tickets(i.engine, i.session_id, [i.own, i.foreign]),
    "validate": lambda i: check(i.engine, i.session_id, DIRECTOR, [i.own, i.foreign]),
    "push": lambda i: push(i.engine, i.session_id, i.folder, DIRECTOR),
}  # fmt: skip


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_a_ticket_that_is_not_of_the_session_is_refused_and_nothing_changes(
    engine: AsyncEngine, tmp_path: Path, operation: str
) -> None:
    session_id, other = await reviewable(engine), await reviewable(engine)
    async with session_scope(engine) as session:
        own = (await TicketRepository(session).list_tickets(session_id))[0].id
        foreign = (await TicketRepository(session).list_tickets(other))[0].id
    await pull(engine, other, tmp_path)
    before = await everything(engine, session_id, other)
    for not_ours in (foreign, uuid4()):
        with pytest.raises((NotFound, UserFixable), match=r"[Tt]here is no|not in the group"):
            await OPERATIONS[operation](Ids(engine, session_id, own, not_ours, tmp_path))
    assert await everything(engine, session_id, other) == before


async def everything(engine: AsyncEngine, *sessions: UUID) -> Any:
    async with session_scope(engine) as session:
        tickets = [t for one in sessions for t in await TicketRepository(session).list_tickets(one)]
        trail = [len(await AuditRepository(session).trail(one)) for one in sessions]
    return trail, [(t.id, t.title, t.revision, t.user_order, t.sprint, t.locked) for t in tickets]


OF_A_SESSION: dict[str, Callable[[Any, UUID], Awaitable[Any]]] = {
    "decide": lambda s, i: ReviewRepository(s).decide(i, ReviewDecision.APPROVE, actor=DIRECTOR),
    "open a round": lambda s, i: ReviewRepository(s).open_round(i, "run", actor=DIRECTOR),
    "start a validation": lambda s, i: ValidationRepository(s).start(i, actor=DIRECTOR),
    "invalidate": lambda s, i: ValidationRepository(s).invalidate(i),
    "roll back": lambda s, i: RollbackRepository(s).roll_back(i, SessionStage.UPLOAD, actor=DIRECTOR),
    "replace all": lambda s, i: TicketRepository(s).replace_all(i, [], actor=DIRECTOR),
    "edit nothing": lambda s, i: TicketRepository(s).edit_many(i, [], actor=DIRECTOR),
    "order nothing": lambda s, i: TicketRepository(s).order(i, [], actor=DIRECTOR),
}


async def test_an_unknown_session_is_refused(engine: AsyncEngine) -> None:
    for operation in OF_A_SESSION.values():
        with pytest.raises(NotFound, match="There is no session"):
            async with session_scope(engine) as session:
                await operation(session, uuid4())
