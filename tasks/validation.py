"""Validation and the gate: nothing reaches Jira that did not pass, exactly as it stands."""

import asyncio
from datetime import datetime
from uuid import UUID

from prefect import task
from pydantic import BaseModel

from blocks.database import database_engine
from db.engine import session_scope
from db.enums import SessionStage
from db.models import Ticket
from db.repositories.background import TaskRepository
from db.repositories.sessions import SessionRepository
from db.repositories.tickets import TicketRepository
from db.repositories.validations import ValidationRepository
from tasks.artifacts import publish_table
from tasks.core.errors import UserFixable, ValidationRequired
from tasks.core.outcomes import StageOutcome, StageRun
from tasks.core.tickets.hashing import content_hash
from tasks.core.tickets.model import AttachmentFile, Description
from tasks.core.tickets.validation import problems
from tasks.lifecycle import actor_of
from tasks.retrying import ONCE, RETRYING


class Checked(BaseModel):
    """What one validation found: read when, the hash of each ticket that passed, what is wrong with the others."""

    read_at: datetime
    hashes: dict[UUID, str]
    failures: dict[UUID, list[str]]

    @property
    def tickets(self) -> int:
        """How many were checked."""
        return len(self.hashes) + len(self.failures)


@task(task_run_name="validate all tickets", **RETRYING)
async def validate_all(run: StageRun) -> Checked:
    """Check every ticket as it would be sent; an edit made meanwhile leaves the session stale."""
    async with session_scope(await database_engine()) as session:
        read_at = await ValidationRepository(session).start(run.session_id, actor=actor_of(run))
        tickets = await TicketRepository(session).list_tickets(run.session_id)
    return await asyncio.to_thread(_check_all, read_at, tickets)


@task(task_run_name="store the validation", **RETRYING)
async def finish_validation(run: StageRun, checked: Checked) -> StageOutcome:
    """Store what was found; raises UserFixable that names each failing ticket."""
    engine = await database_engine()
    async with session_scope(engine) as session:
        await ValidationRepository(session).finish(
            run.session_id,
            read_at=checked.read_at,
            passed=not checked.failures,
            results={str(ticket): found for ticket, found in checked.failures.items()},
            hashes=checked.hashes,
            actor=actor_of(run),
        )
        await TaskRepository(session).complete(
            run.session_id, run.flow_run_id, run.attempt or 0, actor=actor_of(run)
        )
        tickets = await TicketRepository(session).list_tickets(run.session_id)
    titles = {ticket.id: ticket.title for ticket in tickets}
    await publish_table(
        run,
        "validation",
        [
            {"ticket": title, "result": "; ".join(checked.failures.get(ticket, [])) or "passed"}
            for ticket, title in titles.items()
        ],
        f"Validation of {run.site_name}",
    )
    if checked.failures:
        raise UserFixable(
            f"{len(checked.failures)} of {checked.tickets} tickets cannot be sent to Jira as they stand.",
            actions=tuple(f"{titles[ticket]}: {found[0]}" for ticket, found in checked.failures.items()),
            code="validation-failed",
        )
    return StageOutcome(
        session_id=run.session_id,
        stage=run.stage,
        message=f"All {len(checked.hashes)} tickets can be sent.",
        counts={"tickets": len(checked.hashes)},
    )


@task(task_run_name="pass the gate", **ONCE)
async def open_gate(run: StageRun) -> StageOutcome:
    """Move the session to export; raises ValidationRequired when anything changed since it was validated."""
    async with session_scope(await database_engine()) as session:
        await _require_fresh(ValidationRepository(session), TicketRepository(session), run)
        await SessionRepository(session).move(
            run.session_id, SessionStage.REVIEW, SessionStage.JIRA_EXPORT, actor=actor_of(run)
        )
    return StageOutcome(
        session_id=run.session_id,
        stage=SessionStage.JIRA_EXPORT,
        message="The gate is open: nothing changed.",
    )


async def _require_fresh(validations: ValidationRepository, tickets: TicketRepository, run: StageRun) -> None:
    await validations.lock(run.session_id)
    if not await validations.is_fresh(run.session_id):
        raise ValidationRequired(
            "Validation required: tickets changed since they were validated, or never were.",
            actions=(f"Validate again: drupal-tickets validate {run.session_id}",),
        )
    waiting = [ticket for ticket in await tickets.list_tickets(run.session_id) if not ticket.ready_for_jira]
    if waiting:
        raise UserFixable(
            f"{len(waiting)} tickets are not ready for Jira.",
            actions=tuple(f"Set it ready: {ticket.title} ({ticket.id})" for ticket in waiting),
            code="tickets-not-ready",
        )


def _check_all(read_at: datetime, tickets: list[Ticket]) -> Checked:
    hashes: dict[UUID, str] = {}
    failures: dict[UUID, list[str]] = {}
    for ticket in tickets:
        attachment = _attachment(ticket)
        found = problems(Description(adf=ticket.description, attachment=attachment), ticket.title)
        if found:
            failures[ticket.id] = found
        else:
            hashes[ticket.id] = content_hash(ticket.title, ticket.description, attachment)
    return Checked(read_at=read_at, hashes=hashes, failures=failures)


def _attachment(ticket: Ticket) -> AttachmentFile | None:
    if ticket.attachment is None:
        return None
    return AttachmentFile(filename=ticket.attachment.filename, content=ticket.attachment.content)
