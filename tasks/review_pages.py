"""What the Prefect UI shows of a session under review: a page per group and the dependency picture."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from prefect import task

from blocks.database import database_engine
from db.engine import session_scope
from db.enums import EntityGroup
from db.models import Ticket
from db.repositories.tickets import TicketRepository
from tasks.artifacts import publish_page, publish_picture
from tasks.core.markdown import escape
from tasks.core.outcomes import StageRun
from tasks.core.tickets.mermaid import mermaid
from tasks.core.tickets.picture import svg
from tasks.retrying import RETRYING
from tasks.review_graph import read_graph

Waits = Mapping[UUID, Sequence[UUID]]


@task(task_run_name="publish the pages", **RETRYING)
async def publish_pages(run: StageRun) -> None:
    """Show one page per group, in the order of work, and the picture of what waits for what."""
    async with session_scope(await database_engine()) as session:
        tickets = await TicketRepository(session).list_tickets(run.session_id)
        waits = await TicketRepository(session).dependencies(run.session_id)
        graph = await read_graph(session, run.session_id)
    for group in EntityGroup:
        if some := [ticket for ticket in tickets if ticket.entity_group is group]:
            await publish_page(
                run,
                f"group-{group.lower().replace(' ', '-')}",
                group_page(group, some, tickets, waits),
                f"{group}: {len(some)} tickets",
            )
    picture = svg(graph, run.site_name)
    await publish_picture(run, "dependencies", picture, f"What waits for what in {run.site_name}")
    source = f"```mermaid\n{mermaid(graph)}```\n"
    await publish_page(run, "dependencies-mermaid", source, "The picture as Mermaid source")


def group_page(group: EntityGroup, some: Sequence[Ticket], tickets: Iterable[Ticket], waits: Waits) -> str:
    """The tickets of one group with what was written and where it comes from."""
    titles = {ticket.id: ticket.title for ticket in tickets}
    parts = [f"# {group}: {len(some)} tickets in the order of work"]
    for number, ticket in enumerate(some, start=1):
        first = [titles[other] for other in waits.get(ticket.id, ()) if other in titles]
        parts.append(_entry(number, ticket, first))
    return "\n\n".join(parts)


def _entry(number: int, ticket: Ticket, first: Sequence[str]) -> str:
    facts = {
        "Ticket": str(ticket.id),
        "From": "; ".join(
            f"{s['file']} {', '.join(map(str, s['records']))}" for s in ticket.csv_source_files
        ),
        "Written by": ticket.written_by.value,
        "Build after": "; ".join(first),
        "Sprint": ticket.sprint,
        "Assignee": ticket.assignee,
        "Attachment": ticket.attachment.filename if ticket.attachment else None,
        "State": ", ".join(_states(ticket)),
        "Notes": ticket.user_notes,
    }
    lines = [f"- **{name}:** {escape(value)}" for name, value in facts.items() if value]
    criteria = [f"- {escape(criterion)}" for criterion in ticket.criteria]
    return "\n".join(
        [f"## {number}. {escape(ticket.title)}", "", escape(ticket.story), "", *criteria, "", *lines]
    )


def _states(ticket: Ticket) -> list[str]:
    marks = {
        "not ready": not ticket.ready_for_jira,
        "locked": ticket.locked,
        f"in Jira as {ticket.jira_ticket_key}": ticket.jira_ticket_key is not None,
    }
    return [name for name, holds in marks.items() if holds]
