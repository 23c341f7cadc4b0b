"""Every repository method that changes something, called once; by name, for the tests of the audit trail."""

import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db.actor import Actor
from db.enums import (
    ErrorCategory,
    ErrorSeverity,
    FileValidationStatus,
    JiraUploadStatus,
    ReviewDecision,
    SessionStage,
    SessionStatus,
    TaskType,
)
from db.fence import Fence
from db.repositories.background import TaskRepository
from db.repositories.delivery import DeliveryRepository
from db.repositories.dependencies import DependencyRepository
from db.repositories.errors import ErrorRepository
from db.repositories.exports import ExportedRow, ExportRepository
from db.repositories.files import FileRepository
from db.repositories.intents import IntentRepository, JiraIssue
from db.repositories.lost_reviews import LostReviewRepository
from db.repositories.projects import ProjectRepository
from db.repositories.retention import RetentionRepository
from db.repositories.reviews import ReviewRepository
from db.repositories.rollback import RollbackRepository
from db.repositories.sessions import SessionRepository
from db.repositories.tickets import Edit, TicketRepository
from db.repositories.tokens import TokenRepository
from db.repositories.validations import ValidationRepository
from db.repositories.writing import WritingRepository
from tests.builders.database import new_ticket
from tests.db.full_session import store_project, store_token

ACTOR = Actor("Dana", "account-1", "run-7", "192.0.2.1", "drupal-tickets/1")
FENCE = Fence("run-7", 1)


class Given:
    """A session with two tickets and a claimed export, inside one transaction."""

    def __init__(self, session: AsyncSession, session_id: uuid.UUID) -> None:
        self.session, self.id = session, session_id
        self.tickets: dict[str, uuid.UUID] = {}
        self.read_at: Any = None

    async def prepare(self, *, claimed: bool, intent: bool) -> None:
        tickets, validations = TicketRepository(self.session), ValidationRepository(self.session)
        made = [new_ticket("a"), new_ticket("b", position=1)]
        self.tickets = await tickets.replace_all(self.id, made, actor=ACTOR)
        self.read_at = await validations.start(self.id, actor=ACTOR)
        hashes = {self.tickets[key]: f"hash of {key}" for key in "ab"}
        await validations.finish(
            self.id, read_at=self.read_at, passed=True, results={}, hashes=hashes, actor=ACTOR
        )
        if claimed:
            await TaskRepository(self.session).claim(self.id, TaskType.EXPORT, "run-7", actor=ACTOR)
        if intent:
            await self.intents.open_intents(self.id, FENCE, [self.item], actor=ACTOR)

    @property
    def a(self) -> uuid.UUID:
        return self.tickets["a"]

    @property
    def b(self) -> uuid.UUID:
        return self.tickets["b"]

    @property
    def item(self) -> tuple[uuid.UUID, str]:
        return self.a, "hash of a"

    @property
    def sessions(self) -> SessionRepository:
        return SessionRepository(self.session)

    @property
    def tasks(self) -> TaskRepository:
        return TaskRepository(self.session)

    @property
    def intents(self) -> IntentRepository:
        return IntentRepository(self.session)

    async def file(self) -> uuid.UUID:
        return (await FileRepository(self.session).add(self.id, "a.csv", b"x", actor=ACTOR)).id

    async def record_error(self) -> None:
        await ErrorRepository(self.session).record(
            self.id,
            category=ErrorCategory.TEMPORARY,
            severity=ErrorSeverity.BLOCKING,
            stage=SessionStage.UPLOAD,
            code="x",
            message="Jira is away.",
            actor=ACTOR,
        )

    async def store_parsed(self) -> None:
        await FileRepository(self.session).store_parsed(
            await self.file(),
            csv_type="bundles",
            parsed={},
            row_count=0,
            status=FileValidationStatus.VALID,
            actor=ACTOR,
        )


SITE, UPLOAD = SessionStage.SITE_INFO_COLLECTION, SessionStage.UPLOAD
Writer = Callable[[Given], Awaitable[Any]]


async def cancel_then_clear(g: Given) -> None:
    await g.sessions.request_cancel(g.id, actor=ACTOR)
    await g.sessions.clear_cancel(g.id, actor=ACTOR)


async def roll_back(g: Given) -> None:
    await g.sessions.move(g.id, SITE, UPLOAD, actor=ACTOR)
    await g.sessions.move(g.id, UPLOAD, SessionStage.PROCESSING, actor=ACTOR)
    await RollbackRepository(g.session).roll_back(g.id, UPLOAD, actor=ACTOR)


async def clean_up(g: Given) -> None:
    for statement in (
        "UPDATE sessions SET updated_at = now() - interval '9 days'",
        "UPDATE audit_log SET created_at = now() - interval '9 days'",
    ):
        await g.session.execute(text(statement))
    await RetentionRepository(g.session).remove_sessions(timedelta(days=7), 10, actor=ACTOR)


async def link_then_unlink(g: Given) -> None:
    await DependencyRepository(g.session).link(g.id, g.b, g.a, actor=ACTOR)
    await DependencyRepository(g.session).unlink(g.id, g.b, g.a, actor=ACTOR)


async def store_then_forget(g: Given) -> None:
    await store_token(TokenRepository(g.session))
    await TokenRepository(g.session).forget("account-1", "https://jira", actor=ACTOR)


async def open_then_close_review(g: Given) -> None:
    waiting = await ReviewRepository(g.session).open_round(g.id, "run-7", actor=ACTOR)
    await LostReviewRepository(g.session).close(waiting.id, "Its run has ended.", actor=ACTOR)


async def fail_then_reset(g: Given) -> None:
    await g.tasks.fail(g.id, "run-7", 1, context={"code": "x"}, actor=ACTOR)
    await g.tasks.reset_retries(g.id, actor=ACTOR)


# Per method: what is done, the event it leaves, and what must be there before (claimed export, open intent).
WRITERS: dict[str, tuple[Writer, str, str]] = {
    "SessionRepository.create": (
        lambda g: g.sessions.create(site_name="L", jira_project_key="L", actor=ACTOR),
        "session.created",
        "",
    ),
    "SessionRepository.move": (
        lambda g: g.sessions.move(g.id, SITE, UPLOAD, actor=ACTOR),
        "session.moved",
        "",
    ),
    "SessionRepository.set_status": (
        lambda g: g.sessions.set_status(g.id, SessionStatus.FAILED, actor=ACTOR),
        "session.status_changed",
        "",
    ),
    "SessionRepository.bind_account": (
        lambda g: g.sessions.bind_account(g.id, "https://jira", "u", "U", actor=ACTOR),
        "session.account_bound",
        "",
    ),
    "SessionRepository.store_spec_report": (
        lambda g: g.sessions.store_spec_report(g.id, findings=[], scope_counts={}, held=[], actor=ACTOR),
        "session.spec_checked",
        "",
    ),
    "SessionRepository.store_plan": (
        lambda g: g.sessions.store_plan(g.id, held=[], given_way=[], actor=ACTOR),
        "session.planned",
        "",
    ),
    "SessionRepository.record_spec": (
        lambda g: g.sessions.record_spec(g.id, "hash", actor=ACTOR),
        "session.spec_given",
        "",
    ),
    "SessionRepository.update_settings": (
        lambda g: g.sessions.update_settings(g.id, {"budget_usd": "1"}, actor=ACTOR),
        "session.settings_changed",
        "",
    ),
    "SessionStops.request_cancel": (
        lambda g: g.sessions.request_cancel(g.id, actor=ACTOR),
        "session.cancel_requested",
        "",
    ),
    "SessionStops.clear_cancel": (cancel_then_clear, "session.cancel_cleared", ""),
    "SessionStops.close": (lambda g: g.sessions.close(g.id, actor=ACTOR), "session.closed", ""),
    "SessionStops.delete": (lambda g: g.sessions.delete(g.id, actor=ACTOR), "session.deleted", ""),
    "RetentionRepository.remove_sessions": (clean_up, "session.deleted", ""),
    "RollbackRepository.roll_back": (roll_back, "session.rolled_back", ""),
    "TaskRepository.queue": (
        lambda g: g.tasks.queue(g.id, TaskType.EXPORT, actor=ACTOR),
        "run.queued",
        "",
    ),
    "TaskRepository.claim": (
        lambda g: g.tasks.claim(g.id, TaskType.EXPORT, "run-7", actor=ACTOR),
        "run.started",
        "",
    ),
    "TaskRepository.complete": (
        lambda g: g.tasks.complete(g.id, "run-7", 1, actor=ACTOR),
        "run.completed",
        "claimed",
    ),
    "TaskRepository.fail": (
        lambda g: g.tasks.fail(g.id, "run-7", 1, context={"code": "x"}, actor=ACTOR),
        "run.failed",
        "claimed",
    ),
    "TaskRepository.cancel": (
        lambda g: g.tasks.cancel(g.id, "run-7", 1, actor=ACTOR),
        "run.cancelled",
        "claimed",
    ),
    "TaskRepository.reset_retries": (fail_then_reset, "run.retries_reset", "claimed"),
    "FileRepository.add": (lambda g: g.file(), "file.added", ""),
    "FileRepository.remove": (
        lambda g: _after(g.file(), lambda: FileRepository(g.session).remove(g.id, ["a.csv"], actor=ACTOR)),
        "file.removed",
        "",
    ),
    "FileRepository.set_types": (
        lambda g: _after(
            g.file(), lambda: FileRepository(g.session).set_types(g.id, {"a.csv": "views"}, actor=ACTOR)
        ),
        "file.type_set",
        "",
    ),
    "FileRepository.store_parsed": (lambda g: g.store_parsed(), "file.read", ""),
    "ErrorRepository.record": (lambda g: g.record_error(), "error.recorded", ""),
    "StoredTickets.replace_all": (
        lambda g: TicketRepository(g.session).replace_all(g.id, [new_ticket("c")], actor=ACTOR),
        "tickets.generated",
        "",
    ),
    "TicketRepository.edit": (
        lambda g: TicketRepository(g.session).edit(g.a, g.id, {"priority": "High"}, revision=1, actor=ACTOR),
        "ticket.edited",
        "",
    ),
    "TicketRepository.edit_many": (
        lambda g: TicketRepository(g.session).edit_many(
            g.id, [Edit(g.a, {"priority": "High"}, 1)], actor=ACTOR
        ),
        "ticket.edited",
        "",
    ),
    "TicketRepository.assign": (
        lambda g: TicketRepository(g.session).assign(g.id, [g.a], {"sprint": "5"}, actor=ACTOR),
        "ticket.assigned",
        "",
    ),
    "TicketRepository.set_locked": (
        lambda g: TicketRepository(g.session).set_locked(g.id, [g.a], True, actor=ACTOR),
        "ticket.locked",
        "",
    ),
    "TicketRepository.order": (
        lambda g: TicketRepository(g.session).order(g.id, [g.b, g.a], actor=ACTOR),
        "ticket.ordered",
        "",
    ),
    "DependencyRepository.link": (
        lambda g: DependencyRepository(g.session).link(g.id, g.b, g.a, actor=ACTOR),
        "ticket.linked",
        "",
    ),
    "DependencyRepository.unlink": (link_then_unlink, "ticket.unlinked", ""),
    "ValidationRepository.start": (
        lambda g: ValidationRepository(g.session).start(g.id, actor=ACTOR),
        "validation.started",
        "",
    ),
    "ValidationRepository.finish": (
        lambda g: ValidationRepository(g.session).finish(
            g.id, read_at=g.read_at + timedelta(seconds=1), passed=False, results={}, hashes={}, actor=ACTOR
        ),
        "validation.finished",
        "",
    ),
    "ValidationRepository.finish_chosen": (
        lambda g: ValidationRepository(g.session).finish_chosen(
            g.id, read={g.a: "hash of a"}, results={g.a: ["It is wrong."]}, actor=ACTOR
        ),
        "validation.chosen",
        "",
    ),
    "ValidationRepository.fail": (
        lambda g: ValidationRepository(g.session).fail(g.id, actor=ACTOR),
        "validation.failed",
        "",
    ),
    "IntentRepository.open_intents": (
        lambda g: g.intents.open_intents(g.id, FENCE, [g.item], actor=ACTOR),
        "intent.opened",
        "claimed",
    ),
    "IntentRepository.resolve": (
        lambda g: g.intents.resolve(g.id, [JiraIssue(g.a, "L-1", "https://jira/1")], actor=ACTOR),
        "ticket.exported",
        "claimed, intent",
    ),
    "IntentRepository.refuse": (
        lambda g: g.intents.refuse(g.id, FENCE, {g.a: "no"}, actor=ACTOR),
        "intent.refused",
        "claimed, intent",
    ),
    "IntentRepository.uncertain": (
        lambda g: g.intents.uncertain(
            g.id, [g.a], "dropped", search_again_after=timedelta(seconds=1), actor=ACTOR
        ),
        "intent.uncertain",
        "claimed, intent",
    ),
    "ProjectRepository.store": (
        lambda g: store_project(g.id, ProjectRepository(g.session), ACTOR),
        "project.cached",
        "",
    ),
    "WritingRepository.fix_writer": (
        lambda g: WritingRepository(g.session).fix_writer(g.id, "anthropic", "m", actor=ACTOR),
        "writing.writer_fixed",
        "",
    ),
    "WritingRepository.note": (
        lambda g: WritingRepository(g.session).note(g.id, "estimate", {"usd": "1"}, actor=ACTOR),
        "writing.estimate",
        "",
    ),
    "ReviewRepository.open_round": (
        lambda g: ReviewRepository(g.session).open_round(g.id, "run-7", actor=ACTOR),
        "review.opened",
        "",
    ),
    "ReviewRepository.renew": (
        lambda g: ReviewRepository(g.session).renew(g.id, "run-7", actor=ACTOR),
        "review.opened",
        "",
    ),
    "ReviewRepository.decide": (
        lambda g: ReviewRepository(g.session).decide(g.id, ReviewDecision.APPROVE, actor=ACTOR),
        "review.decided",
        "",
    ),
    "LostReviewRepository.close": (open_then_close_review, "review.closed", ""),
    "TokenRepository.store": (lambda g: store_token(TokenRepository(g.session), ACTOR), "login.stored", ""),
    "TokenRepository.forget": (store_then_forget, "login.forgotten", ""),
    "DeliveryRepository.store_fixes": (
        lambda g: DeliveryRepository(g.session).store_fixes(
            g.id, {g.a: [{"field": "assignee", "wanted": "Dana", "action": "Assign it."}]}, actor=ACTOR
        ),
        "ticket.needs_a_hand",
        "",
    ),
    "DeliveryRepository.search_again": (
        lambda g: DeliveryRepository(g.session).search_again(g.id, g.a, timedelta(seconds=1), actor=ACTOR),
        "attachment.uncertain",
        "",
    ),
    "DeliveryRepository.searched": (
        lambda g: DeliveryRepository(g.session).searched(g.id, 1, actor=ACTOR),
        "session.searched_again",
        "",
    ),
    "DeliveryRepository.upload_starts": (
        lambda g: DeliveryRepository(g.session).upload_starts(g.id, uuid.uuid4(), actor=ACTOR),
        "attachment.started",
        "",
    ),
    "DeliveryRepository.store_upload": (
        lambda g: DeliveryRepository(g.session).store_upload(
            g.id, uuid.uuid4(), JiraUploadStatus.UPLOADED, "10001", actor=ACTOR
        ),
        "attachment.uploaded",
        "",
    ),
    "DeliveryRepository.store_links": (
        lambda g: DeliveryRepository(g.session).store_links(g.id, [(g.b, g.a)], actor=ACTOR),
        "ticket.linked_in_jira",
        "",
    ),
    "ExportRepository.record": (
        lambda g: ExportRepository(g.session).record(
            g.id, "https://jira", "L", [ExportedRow("r", "a", "h", "L-1")], actor=ACTOR
        ),
        "export.recorded",
        "",
    ),
}


async def _after(first: Awaitable[Any], then: Callable[[], Awaitable[Any]]) -> None:
    await first
    await then()
