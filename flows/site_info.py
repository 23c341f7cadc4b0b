"""Stage 1: what site, for which Jira project."""

from uuid import UUID

from prefect import flow

from db.enums import EventCategory, SessionStage
from tasks.core.forms import Requester
from tasks.core.outcomes import StageOutcome
from tasks.lifecycle import clear_ending, stage_run
from tasks.site_info import check_project, finish_site_info


@flow(name="collect-site-info", flow_run_name="collect-site-info {session_id}")
@clear_ending
async def collect_site_info(session_id: UUID, requested_by: Requester) -> StageOutcome:
    """Check the Jira project and your permissions in it, and remember its people, sprints and fields for a day.

    Args:
        session_id: The session, as `drupal-tickets session list` shows it.
        requested_by: Your name or e-mail address, for the audit trail.
    """
    async with stage_run(
        session_id,
        requested_by,
        SessionStage.SITE_INFO_COLLECTION,
        EventCategory.SESSION,
        until=SessionStage.UPLOAD,
    ) as run:
        project = await check_project(run)
        return await finish_site_info(run, project)
