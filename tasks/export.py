"""Export: every ticket in Jira exactly once, with its file and its links. The order of the steps is the flow's."""

from functools import partial

from prefect import task

from blocks.database import database_engine
from db.engine import session_scope
from db.enums import SessionStage
from db.repositories.progress import ProgressRepository
from tasks import export_steps as steps
from tasks.core.outcomes import StageOutcome, StageRun
from tasks.core.tickets.payload import Target
from tasks.export_desk import export_desk
from tasks.export_surplus import what_is_left
from tasks.progress import Standing, shown_progress
from tasks.retrying import RETRYING


@task(task_run_name="check Jira", **RETRYING)
async def check_jira(run: StageRun) -> Target:
    """Ask Jira again for project, permissions and create screens, and refuse what would fail in the middle."""
    async with export_desk(run) as desk:
        return await steps.prepare(desk)


@task(task_run_name="create the issues", **RETRYING)
async def create_issues(run: StageRun, target: Target) -> int:
    """Create an issue for every ticket that has none, in the order of work; returns how many there are now."""
    async with export_desk(run) as desk, shown_progress(run, "issues created", partial(_standing, run)):
        return await steps.create(desk, target)


async def _standing(run: StageRun) -> Standing:
    async with session_scope(await database_engine()) as session:
        progress = ProgressRepository(session)
        counts = await progress.counts(run.session_id)
        return Standing(counts.in_jira, counts.tickets, await progress.last_group_in_jira(run.session_id))


@task(task_run_name="upload the attachments", **RETRYING)
async def upload_attachments(run: StageRun) -> int:
    """Put every file on its issue that is not there yet; returns how many were missing."""
    async with export_desk(run) as desk:
        return await steps.attach(desk)


@task(task_run_name="link the issues", **RETRYING)
async def link_issues(run: StageRun, target: Target) -> int:
    """Link every issue to those that must be built first; returns how many links were missing."""
    async with export_desk(run) as desk:
        return await steps.link(desk, target)


@task(task_run_name="finish the export", **RETRYING)
async def finish_export(run: StageRun) -> StageOutcome:
    """Complete the session; raises UserFixable when Jira refused some of the tickets."""
    async with export_desk(run) as desk:
        tickets = await steps.complete(desk)
        links = await desk.ledger.count_links()
        doubtful = await desk.ledger.had_unknown_outcomes()
    fixes = sum(len(ticket.manual_fixes) for ticket in tickets)
    return StageOutcome(
        session_id=run.session_id,
        stage=SessionStage.COMPLETED,
        message=" ".join(
            [f"{len(tickets)} tickets are in Jira with {links} links.", *what_is_left(tickets, doubtful)]
        ),
        counts={
            "tickets": len(tickets),
            "links": links,
            "attachments": sum(ticket.attachment is not None for ticket in tickets),
            "manual_fixes": fixes,
        },
    )
