"""A session with something in every table, made by calling every writer of the repositories once."""

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncEngine

from db.actor import Actor
from db.engine import session_scope
from db.enums import (
    ErrorCategory,
    ErrorSeverity,
    FileValidationStatus,
    ReviewDecision,
    SessionStage,
    TaskType,
)
from db.fence import Fence
from db.models import ModelReply, ModelReservation
from db.repositories.background import TaskRepository
from db.repositories.errors import ErrorRepository
from db.repositories.exports import ExportedRow, ExportRepository
from db.repositories.files import FileRepository
from db.repositories.intents import IntentRepository, JiraIssue
from db.repositories.projects import ProjectRepository
from db.repositories.reviews import ReviewRepository
from db.repositories.tickets import TicketRepository
from db.repositories.tokens import TokenRepository
from tests.builders.database import FLOW, file_of, new_ticket, store_tickets, validate

LATER = datetime(2030, 1, 1, tzinfo=UTC)


async def fill(engine: AsyncEngine, session_id: uuid.UUID) -> None:
    """Give the session a row in every table that can hold one."""
    ids = await store_tickets(
        engine, session_id, new_ticket("a", attachment=file_of("x")), new_ticket("b", depends_on=["a"])
    )
    await store_tickets(
        engine,
        session_id,
        new_ticket("a", attachment=file_of("x")),
        new_ticket("b", depends_on=["a"], content_hash="2"),
    )
    hashes = await validate(engine, session_id)
    async with session_scope(engine) as session:
        file = await FileRepository(session).add(session_id, "bundles.csv", b"Name\n", actor=FLOW)
        await FileRepository(session).store_parsed(
            file.id, csv_type="bundles", parsed={}, row_count=1, status=FileValidationStatus.VALID, actor=FLOW
        )
        await ErrorRepository(session).record(
            session_id,
            category=ErrorCategory.TEMPORARY,
            severity=ErrorSeverity.BLOCKING,
            stage=SessionStage.UPLOAD,
            code="temporary",
            message="Jira is away.",
            related_file_id=file.id,
            related_ticket_id=ids["a"],
            actor=FLOW,
        )
        await store_project(session_id, ProjectRepository(session))
        await ReviewRepository(session).decide(session_id, ReviewDecision.APPROVE, actor=FLOW)
        await store_token(TokenRepository(session))
        tasks, intents = TaskRepository(session), IntentRepository(session)
        attempt = await tasks.claim(session_id, TaskType.EXPORT, f"run of {session_id}", actor=FLOW)
        fence = Fence(f"run of {session_id}", attempt)
        await intents.open_intents(session_id, fence, [(ids["a"], hashes[ids["a"]])], actor=FLOW)
        await intents.resolve(session_id, [JiraIssue(ids["a"], "LAKE-1", "https://jira/1")], actor=FLOW)
        await tasks.complete(session_id, fence.task_id, attempt, actor=FLOW)
        rows = [ExportedRow("bundles:a", "a", "h", f"LAKE-{session_id}")]
        await ExportRepository(session).record(session_id, "https://jira", "LAKE", rows, actor=FLOW)
        await TicketRepository(session).assign(session_id, [ids["b"]], {"sprint": "1"}, actor=FLOW)
        session.add(
            ModelReply(
                request_hash=str(session_id), provider="anthropic", model="m", prompt_version="1", reply={}
            )
        )
        session.add(
            ModelReservation(
                session_id=session_id, task_id="run", task_attempt=1, model="m", ceiling_usd=Decimal("0.5")
            )
        )


async def store_project(session_id: uuid.UUID, projects: ProjectRepository, actor: Actor = FLOW) -> None:
    """What Jira said about a project."""
    await projects.store(
        session_id,
        project_key="LAKE",
        project_name="Lakeside",
        can_create_tickets=True,
        can_assign_tickets=True,
        available_sprints=[{"id": 1, "name": "Sprint 1"}],
        team_members=[],
        issue_types=[],
        create_fields={},
        actor=actor,
    )


async def store_token(tokens: TokenRepository, actor: Actor = FLOW) -> None:
    """A login."""
    await tokens.store(
        "account-1",
        "https://jira",
        access_token=b"secret-access",
        refresh_token=b"secret-refresh",
        access_token_expires_at=LATER,
        refresh_token_expires_at=LATER + timedelta(days=90),
        granted_scopes=["read:jira-work"],
        actor=actor,
    )
