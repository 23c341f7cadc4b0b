"""What came of an export, in the Prefect UI: issues, links, what needs a hand, and the session in figures."""

from collections.abc import Mapping, Sequence

from prefect import task

from blocks.database import database_engine
from db.engine import session_scope
from db.models import Ticket
from db.repositories.audit import AuditRepository
from db.repositories.links import IssueLink, LinkRepository
from db.repositories.tickets import TicketRepository
from tasks.artifacts import publish_page, publish_table
from tasks.core.outcomes import StageRun
from tasks.retrying import RETRYING
from tasks.timings import MOST_ENTRIES, running_time, timings


@task(task_run_name="publish the results", **RETRYING)
async def publish_results(run: StageRun) -> None:
    """Show what is where, what needs a hand, and the figures of the session, in the Prefect UI."""
    async with session_scope(await database_engine()) as session:
        repository = TicketRepository(session)
        tickets = await repository.list_tickets(run.session_id)
        share = await repository.unedited_share(run.session_id)
        links = await LinkRepository(session).of_session(run.session_id)
        trail = await AuditRepository(session).trail(run.session_id, MOST_ENTRIES)
    rows = [
        {"issue": t.jira_ticket_key, "title": t.title, "group": t.entity_group, "address": t.jira_ticket_url}
        for t in tickets
    ]
    await publish_table(run, "issues", rows, f"Issues of {run.site_name}")
    made = [{"issue": link.issue, "waits for": link.waits_for} for link in links if link.linked]
    if made:
        await publish_table(run, "links", made, f"Links between the issues of {run.site_name}")
    fixes = [{"issue": t.jira_ticket_key, **fix} for t in tickets for fix in t.manual_fixes]
    if fixes:
        await publish_table(run, "manual-fixes", fixes, f"What needs a hand in {run.site_name}")
    spent = timings(trail) | running_time(trail, run.flow_run_id)
    await publish_page(
        run, "results", figures(tickets, links, share, spent), f"The session for {run.site_name} in figures"
    )


def figures(
    tickets: Sequence[Ticket], links: Sequence[IssueLink], share: float, spent: Mapping[str, float]
) -> str:
    """The figures of a session as a page."""
    counts = {
        "Tickets": len(tickets),
        "In Jira": sum(ticket.jira_ticket_key is not None for ticket in tickets),
        "Attachments": sum(ticket.attachment is not None for ticket in tickets),
        "Links": sum(link.linked for link in links),
        "Needs a hand": sum(len(ticket.manual_fixes) for ticket in tickets),
        "Unedited": f"{share:.0%}",
    }
    rows = [*counts.items(), *((f"Seconds of {stage}", f"{seconds:.1f}") for stage, seconds in spent.items())]
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])
