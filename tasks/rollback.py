"""Going back a stage: what it costs, then the step itself in one transaction."""

from prefect import task

from blocks.database import database_engine
from db.engine import session_scope
from db.enums import SessionStage
from db.repositories.rollback import RollbackRepository
from tasks.core.outcomes import StageOutcome, StageRun
from tasks.lifecycle import actor_of
from tasks.retrying import ONCE, RETRYING


@task(task_run_name="what would be lost", **RETRYING)
async def report_impact(run: StageRun, to: SessionStage) -> StageOutcome:
    """Count tickets, attachments and edits that a rollback would remove; change nothing."""
    async with session_scope(await database_engine()) as session:
        impact = await RollbackRepository(session).impact(run.session_id)
    lost = ", ".join(f"{count} {what}" for what, count in impact.items())
    return StageOutcome(
        session_id=run.session_id,
        stage=run.stage,
        message=f"Going back to {to} would remove {lost}. Run it again with `confirmed` to do it.",
        counts=impact,
    )


@task(task_run_name="roll back", **ONCE)
async def roll_back(run: StageRun, to: SessionStage) -> StageOutcome:
    """Remove the tickets and set the session back; refused while any of them is in Jira or may be."""
    async with session_scope(await database_engine()) as session:
        lost = await RollbackRepository(session).roll_back(run.session_id, to, actor=actor_of(run))
    return StageOutcome(
        session_id=run.session_id,
        stage=to,
        message=f"Back at {to}. Go on with: drupal-tickets session resume {run.session_id}",
        counts=lost,
    )
