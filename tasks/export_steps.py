"""The steps of an export, each idempotent: what is done already is found in the database or in Jira, and left."""

import asyncio

from blocks.jira_project import load_project_context
from db.engine import session_scope
from db.enums import SessionStage
from db.errors import StaleAttempt
from db.models import Ticket
from db.repositories.background import TaskRepository
from db.repositories.sessions import SessionRepository
from db.repositories.tickets import TicketRepository
from tasks.core.errors import UserFixable
from tasks.core.tickets.payload import Target, in_order
from tasks.export_desk import Desk
from tasks.export_files import Uploader
from tasks.export_ledger import outgoing
from tasks.export_links import Linker, link_fixes
from tasks.export_sending import Sender
from tasks.export_surplus import find_surplus
from tasks.export_target import (
    choose_link_type,
    make_target,
    require_parent,
    require_permissions,
    require_screens,
)


async def prepare(desk: Desk) -> Target:
    """Where everything goes; raises before anything is sent when it could not all be sent."""
    context, link_types, _ = await asyncio.gather(
        load_project_context(desk.client, desk.record.jira_project_key),
        desk.client.link_types(),
        require_parent(desk.client, desk.settings),
    )
    await desk.ledger.require_account(context.account_id, context.account_name)
    link_type = choose_link_type(desk.settings.link_type, link_types)
    target = make_target(desk.record.id, context, desk.settings, link_type)
    waiting = [outgoing(ticket) for ticket in await desk.ledger.tickets() if ticket.jira_ticket_key is None]
    require_screens(target, waiting)
    files = any(ticket.attachment for ticket in waiting)
    require_permissions(context, links=bool(await desk.ledger.dependencies()), attachments=files)
    return target


async def create(desk: Desk, target: Target) -> int:
    """An issue for every ticket that has none, in the order of work; returns how many issues there are now."""
    tickets = {str(ticket.id): ticket for ticket in await desk.ledger.tickets()}
    unknown = await desk.ledger.unsure()
    ordered = in_order(list(tickets), await desk.ledger.dependencies())
    waiting = [outgoing(tickets[key]) for key in ordered if tickets[key].jira_ticket_key is None]
    await Sender(desk.client, desk.ledger, target, desk.settings).send(
        fresh=[ticket for ticket in waiting if ticket.ticket_id not in unknown],
        unknown=[ticket for ticket in waiting if ticket.ticket_id in unknown],
    )
    return sum(ticket.jira_ticket_key is not None for ticket in await desk.ledger.tickets())


async def attach(desk: Desk) -> int:
    """Every file on its issue; returns how many were missing."""
    files = await desk.ledger.pending_uploads()
    await Uploader(desk.client, desk.ledger, desk.settings).upload(files)
    return len(files)


async def link(desk: Desk, target: Target) -> int:
    """Every issue linked to those that must be built first; returns how many links were missing."""
    links = await desk.ledger.pending_links()
    if target.link_type is not None:
        await Linker(desk.client, desk.ledger, target.link_type).link(links)
    await desk.ledger.needs_a_hand(link_fixes(target, links))
    return len(links)


async def complete(desk: Desk) -> list[Ticket]:
    """End run and session in one transaction; raises UserFixable when Jira refused some of the tickets."""
    await find_surplus(desk.client, desk.ledger)
    ledger, session_id = desk.ledger, desk.record.id
    async with session_scope(ledger.engine) as session:
        tickets = await TicketRepository(session).list_tickets(session_id)
        if refused := [ticket for ticket in tickets if ticket.jira_ticket_key is None]:
            raise UserFixable(
                f"{len(refused)} of {len(tickets)} tickets are not in Jira; the others are.",
                actions=(f"See why: drupal-tickets session errors {session_id}",),
                code="tickets-refused",
                details={"tickets": [str(ticket.id) for ticket in refused]},
            )
        await SessionRepository(session).move(
            session_id, SessionStage.JIRA_EXPORT, SessionStage.COMPLETED, actor=ledger.actor
        )
        if not await TaskRepository(session).complete(
            session_id, ledger.fence.task_id, ledger.fence.attempt, actor=ledger.actor
        ):
            raise StaleAttempt("Another attempt has taken over.")
        return tickets
