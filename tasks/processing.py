"""Processing: plan tickets from rows, store them with their text in the order of work."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

from prefect import task

from blocks.database import database_engine
from db.engine import session_scope
from db.enums import SessionStage
from db.repositories.background import TaskRepository
from db.repositories.new_ticket import NewAttachment, NewTicket
from db.repositories.sessions import SessionRepository
from db.repositories.tickets import TicketRepository
from db.repositories.writing import WritingRepository
from tasks.artifacts import publish_table
from tasks.core.errors import UserFixable
from tasks.core.outcomes import StageOutcome, StageRun
from tasks.core.settings import SessionSettings
from tasks.core.tickets.description import describe
from tasks.core.tickets.hashing import content_hash
from tasks.core.tickets.model import Description, PlannedTicket
from tasks.core.tickets.ordering import order
from tasks.core.tickets.planning import Plan, plan_tickets
from tasks.core.tickets.written import Written, tally
from tasks.retrying import RETRYING
from tasks.stage_record import actor_of
from tasks.upload import load_session_spec


@task(task_run_name="plan the tickets", **RETRYING)
async def plan_session(run: StageRun) -> Plan:
    """Which tickets the rows of the spec make; raises UserFixable when no row is in scope."""
    spec, settings = await load_session_spec(run)
    plan = await asyncio.to_thread(plan_tickets, spec, settings)
    if not plan.tickets:
        raise UserFixable(
            "No row of the spec is in scope: there is nothing to make a ticket of.",
            actions=("Mark rows with `a` in the X column, or set the scope of the session.",),
            code="nothing-in-scope",
        )
    return plan


@task(task_run_name="store the tickets", **RETRYING)
async def finish_processing(run: StageRun, plan: Plan, texts: dict[str, Written]) -> StageOutcome:
    """Store tickets, dependencies and order, and move the session to review, in one transaction."""
    ordered = order(plan.tickets)
    async with session_scope(await database_engine()) as session:
        sessions = SessionRepository(session)
        record = await sessions.lock(run.session_id)
        settings = SessionSettings.model_validate(record.settings)
        positions = {key: position for position, key in enumerate(ordered.keys)}
        tickets = [
            new_ticket(
                ticket, texts[ticket.key], positions[ticket.key], ordered.depends_on[ticket.key], settings
            )
            for ticket in plan.tickets
        ]
        await TicketRepository(session).replace_all(run.session_id, tickets, actor=actor_of(run))
        await sessions.store_plan(
            run.session_id,
            held=[{"file": h.file, "record": h.record, "x": h.x, "reason": h.reason} for h in plan.held],
            given_way=[list(edge) for edge in ordered.given_way],
            actor=actor_of(run),
        )
        await WritingRepository(session).note(
            run.session_id, "outcome", tally(texts.values()), actor=actor_of(run)
        )
        await sessions.move(run.session_id, SessionStage.PROCESSING, SessionStage.REVIEW, actor=actor_of(run))
        await TaskRepository(session).complete(
            run.session_id, run.flow_run_id, run.attempt or 0, actor=actor_of(run)
        )
    return StageOutcome(
        session_id=run.session_id,
        stage=SessionStage.REVIEW,
        message=f"{len(tickets)} tickets are written and wait for review.",
        counts=dict(Counter(ticket.entity_group for ticket in plan.tickets)),
    )


def new_ticket(
    ticket: PlannedTicket, text: Written, position: int, depends_on: Sequence[str], settings: SessionSettings
) -> NewTicket:
    """One planned and written ticket as it is stored: exactly what would be sent, and what it was made from."""
    prose = text.prose
    description = describe(ticket, prose)
    return NewTicket(
        key=ticket.key,
        position=position,
        plan=ticket.model_dump(mode="json"),
        kind=ticket.kind,
        action=ticket.action,
        entity_group=ticket.entity_group,
        title=prose.title,
        story=prose.story,
        criteria=list(prose.criteria),
        written_by=prose.written_by,
        prompt_version=text.prompt_version,
        description=description.adf,
        attachment=_new_attachment(description),
        content_hash=content_hash(prose.title, description.adf, description.attachment),
        source_hash=ticket.source_hash,
        csv_source_files=[source.model_dump(mode="json") for source in ticket.sources],
        depends_on=list(depends_on),
        issue_type=settings.jira.issue_type,
        labels=list(settings.jira.labels),
        components=list(settings.jira.components),
    )


def _new_attachment(description: Description) -> NewAttachment | None:
    if description.attachment is None:
        return None
    return NewAttachment(description.attachment.filename, description.attachment.content)


@task(task_run_name="publish the tickets table", **RETRYING)
async def publish_tickets(run: StageRun) -> None:
    """Show all tickets, in the order of work, in the UI."""
    async with session_scope(await database_engine()) as session:
        tickets = await TicketRepository(session).list_tickets(run.session_id)
    await publish_table(
        run,
        "tickets",
        [
            {
                "order": ticket.user_order + 1,
                "group": ticket.entity_group,
                "title": ticket.title,
                "written by": ticket.written_by,
                "sprint": ticket.sprint or "",
                "assignee": ticket.assignee or "",
                "ready": "yes" if ticket.ready_for_jira else "no",
                "attachment": ticket.attachment.filename if ticket.attachment else "",
                "sources": "; ".join(_source(source) for source in ticket.csv_source_files),
                "id": ticket.id,
            }
            for ticket in tickets
        ],
        f"{len(tickets)} tickets of {run.site_name}",
    )


def _source(source: dict[str, Any]) -> str:
    return f"{source['file']} {', '.join(map(str, source['records']))}"
