"""Validation and the gate: nothing reaches Jira that did not pass, exactly as it stands."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from prefect import task
from pydantic import BaseModel, Field

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
    read_hashes: dict[UUID, str] = Field(
        default_factory=dict, description="What the failing ones were read with."
    )
    failed_before: frozenset[UUID] = frozenset()
    all_tickets: bool = True

    @property
    def tickets(self) -> int:
        """How many were checked."""
        return len(self.hashes) + len(self.failures)

    def compared(self, ticket: UUID) -> str:
        """What is different from the last run."""
        if ticket in self.failures:
            return "still" if ticket in self.failed_before else "new"
        return "fixed" if ticket in self.failed_before else ""


@task(task_run_name="validate the tickets", **RETRYING)
async def validate_all(run: StageRun, chosen: Sequence[UUID] = ()) -> Checked:
    """Check every ticket, or those chosen, as it would be sent; an edit made meanwhile leaves the session stale."""
    async with session_scope(await database_engine()) as session:
        validations = ValidationRepository(session)
        await validations.lock(run.session_id)
        before = frozenset(map(UUID, (await validations.get(run.session_id)).validation_results))
        tickets = await TicketRepository(session).list_tickets(run.session_id)
        if unknown := set(chosen) - {ticket.id for ticket in tickets}:
            raise UserFixable(f"There is no ticket {min(unknown)} in this session.", code="ticket-unknown")
        if chosen:
            read_at = datetime.now(UTC)
            tickets = [ticket for ticket in tickets if ticket.id in chosen]
        else:
            read_at = await validations.start(run.session_id, actor=actor_of(run))
    checked = await asyncio.to_thread(_check_all, read_at, tickets)
    return checked.model_copy(update={"failed_before": before, "all_tickets": not chosen})


@task(task_run_name="store the validation", **RETRYING)
async def finish_validation(run: StageRun, checked: Checked) -> StageOutcome:
    """Store what was found; raises UserFixable that names each failing ticket."""
    async with session_scope(await database_engine()) as session:
        await _store(ValidationRepository(session), run, checked)
        await TaskRepository(session).complete(
            run.session_id, run.flow_run_id, run.attempt or 0, actor=actor_of(run)
        )
        tickets = await TicketRepository(session).list_tickets(run.session_id)
    titles = {ticket.id: ticket.title for ticket in tickets}
    await publish_table(run, "validation", _rows(checked, titles), f"Validation of {run.site_name}")
    if checked.failures:
        failed = f"{len(checked.failures)} of {checked.tickets} tickets"
        raise UserFixable(
            f"{failed} cannot be sent to Jira as they stand{_since(checked)}.",
            actions=tuple(
                f"{titles.get(ticket, ticket)}: {'; '.join(found)}. "
                f"Change it: drupal-tickets tickets edit {run.session_id} {ticket}"
                for ticket, found in checked.failures.items()
            ),
            code="validation-failed",
        )
    message = f"All {checked.tickets} tickets can be sent{_since(checked)}."
    if not checked.all_tickets:
        message = f"The {checked.tickets} chosen tickets can be sent; the gate opens for a validation of all."
    return StageOutcome(
        session_id=run.session_id,
        stage=run.stage,
        message=message,
        counts={"tickets": checked.tickets},
    )


async def _store(validations: ValidationRepository, run: StageRun, checked: Checked) -> None:
    if not checked.all_tickets:
        await validations.finish_chosen(
            run.session_id,
            read={**checked.hashes, **checked.read_hashes},
            results=checked.failures,
            actor=actor_of(run),
        )
        return
    await validations.finish(
        run.session_id,
        read_at=checked.read_at,
        passed=not checked.failures,
        results={str(ticket): found for ticket, found in checked.failures.items()},
        hashes=checked.hashes,
        actor=actor_of(run),
    )


def _rows(checked: Checked, titles: Mapping[UUID, str]) -> list[dict[str, Any]]:
    """One row per ticket, those that fail first."""
    order = sorted(titles, key=lambda ticket: ticket not in checked.failures)
    return [
        {
            "ticket": titles[ticket],
            "result": "; ".join(checked.failures.get(ticket, [])) or "passed",
            "since the last run": checked.compared(ticket),
        }
        for ticket in order
        if ticket in checked.failures or ticket in checked.hashes
    ]


def _since(checked: Checked) -> str:
    """How it differs from the last run, where it does."""
    new = len(checked.failures.keys() - checked.failed_before)
    fixed = len(checked.failed_before & checked.hashes.keys())
    parts = [f"{fixed} fixed"] if fixed else []
    parts += [f"{new} new"] if new and checked.failed_before else []
    return f" ({', '.join(parts)} since the last run)" if parts else ""


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
    read = {ticket.id: ticket.content_hash for ticket in tickets if ticket.id in failures}
    return Checked(read_at=read_at, hashes=hashes, failures=failures, read_hashes=read)


def _attachment(ticket: Ticket) -> AttachmentFile | None:
    if ticket.attachment is None:
        return None
    return AttachmentFile(filename=ticket.attachment.filename, content=ticket.attachment.content)
