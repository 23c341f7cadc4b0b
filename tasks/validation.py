"""Validation and the gate: nothing reaches Jira that did not pass, exactly as it stands."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from prefect import task

from blocks.database import database_engine
from db.engine import session_scope
from db.enums import SessionStage
from db.repositories.background import TaskRepository
from db.repositories.sessions import SessionRepository
from db.repositories.tickets import TicketRepository
from db.repositories.validations import ValidationRepository
from tasks.artifacts import publish_table
from tasks.checking import Checked, Comparison, check, store
from tasks.core.errors import UserFixable, ValidationRequired
from tasks.core.outcomes import StageOutcome, StageRun
from tasks.core.tickets.comparison import summed_up
from tasks.progress import Count, shown_progress
from tasks.retrying import ONCE, RETRYING
from tasks.stage_record import actor_of


@task(task_run_name="validate the tickets", **RETRYING)
async def validate_all(run: StageRun, chosen: Sequence[UUID] = ()) -> Checked:
    """Check every ticket, or those chosen, as it would be sent; an edit made meanwhile leaves the session stale."""
    step = Count(1)
    async with shown_progress(run, "tickets checked", step.measure):
        checked = await check(await database_engine(), run.session_id, actor_of(run), chosen)
        step.advance()
    return checked


@task(task_run_name="store the validation", **RETRYING)
async def finish_validation(run: StageRun, checked: Checked) -> StageOutcome:
    """Store what was found; raises UserFixable that names each failing ticket."""
    async with session_scope(await database_engine()) as session:
        compared = await store(session, run.session_id, checked, actor_of(run))
        await TaskRepository(session).complete(
            run.session_id, run.flow_run_id, run.attempt or 0, actor=actor_of(run)
        )
    await publish_table(run, "validation", rows(checked, compared), f"Validation of {run.site_name}")
    if checked.failures:
        raise refusal(run.session_id, checked, compared)
    message = f"All {checked.tickets} tickets can be sent{_since(compared)}."
    if not checked.all_tickets:
        message = f"The {checked.tickets} chosen tickets can be sent; the gate opens for a validation of all."
    return StageOutcome(
        session_id=run.session_id,
        stage=run.stage,
        message=message,
        counts={"tickets": checked.tickets},
    )


def refusal(session_id: UUID, checked: Checked, compared: Comparison) -> UserFixable:
    """What keeps the tickets from being sent: each failing one with its block and what to do."""
    failed = f"{len(checked.failures)} of {checked.tickets} tickets"
    return UserFixable(
        f"{failed} cannot be sent to Jira as they stand{_since(compared)}.",
        actions=tuple(
            f"{compared.titles.get(ticket, ticket)}: {'; '.join(found)}. "
            f"Change it: drupal-tickets tickets edit {session_id} {ticket}"
            for ticket, found in checked.failures.items()
        ),
        code="validation-failed",
    )


def rows(checked: Checked, compared: Comparison) -> list[dict[str, Any]]:
    """One row per problem, those that are new first, then one per ticket that passed."""
    problems = [
        {"ticket": title, "result": problem, "since the last run": "" if compared.first else since}
        for ticket, title in compared.titles.items()
        if ticket in compared.problems
        for problem, since in compared.problems[ticket].lines
    ]
    passed = [
        {"ticket": title, "result": "passed", "since the last run": ""}
        for ticket, title in compared.titles.items()
        if ticket in checked.hashes
    ]
    return problems + passed


def _since(compared: Comparison) -> str:
    """How it differs from the last run, where there was one."""
    said = "" if compared.first else summed_up({str(key): one for key, one in compared.problems.items()})
    return f" (since the last run, {said})" if said else ""


@task(task_run_name="pass the gate", **ONCE)
async def open_gate(run: StageRun) -> StageOutcome:
    """Move the session to export; raises ValidationRequired when anything changed since it was validated.

    Refused while another run holds the session: it may be validating or writing the tickets anew.
    """
    async with session_scope(await database_engine()) as session:
        await SessionRepository(session).lock(run.session_id)
        await TaskRepository(session).require_alone(run.session_id, run.flow_run_id)
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
