"""Site info: is there such a project in Jira, may we create issues in it, who and what is there."""

from prefect import task

from blocks.database import database_engine
from blocks.jira_answers import ProjectContext
from blocks.jira_project import load_project_context
from db.engine import session_scope
from db.enums import SessionStage
from db.repositories.sessions import SessionRepository
from tasks.core.outcomes import StageOutcome, StageRun
from tasks.jira import session_client
from tasks.progress import Count, shown_progress
from tasks.project_context import store_context
from tasks.retrying import ONCE, RETRYING
from tasks.stage_record import actor_of


# The client tries again by itself; trying in both places would multiply.
@task(task_run_name="check the Jira project", **ONCE)
async def check_project(run: StageRun) -> ProjectContext:
    """Ask Jira for the project, our permissions, its sprints, people, issue types and create-screen fields."""
    async with session_scope(await database_engine()) as session:
        record = await SessionRepository(session).get(run.session_id)
    step = Count(1)
    async with shown_progress(run, "project checked", step.measure), session_client(record) as client:
        project = await load_project_context(client, record.jira_project_key)
        step.advance()
    return project


@task(task_run_name="store the site info", **RETRYING)
async def finish_site_info(run: StageRun, project: ProjectContext) -> StageOutcome:
    """Keep the project for a day, note site and account, and move the session on to upload."""
    async with session_scope(await database_engine()) as session:
        await store_context(session, run.session_id, project, actor_of(run))
        sessions = SessionRepository(session)
        await sessions.bind_account(
            run.session_id, project.site, project.account_id, project.account_name, actor=actor_of(run)
        )
        await sessions.move(
            run.session_id, SessionStage.SITE_INFO_COLLECTION, SessionStage.UPLOAD, actor=actor_of(run)
        )
    return StageOutcome(
        session_id=run.session_id,
        stage=SessionStage.UPLOAD,
        message=f"Issues can be created in {project.name} ({project.key}).",
        counts={"sprints": len(project.sprints), "people": len(project.members)},
    )
