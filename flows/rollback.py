"""Going back a stage: what would be lost first, then in one transaction."""

from typing import Literal
from uuid import UUID

from prefect import flow

from db.enums import EventCategory, SessionStage
from tasks.core.forms import Requester
from tasks.core.outcomes import StageOutcome
from tasks.lifecycle import clear_ending, stage_run
from tasks.rollback import Issues, delete_issues, report_impact, roll_back


@flow(name="rollback-session", flow_run_name="rollback-session {session_id}")
@clear_ending
async def rollback_session(
    session_id: UUID,
    requested_by: Requester,
    to: Literal["upload", "processing"] = "processing",
    confirmed: bool = False,
    issues: Literal["refuse", "keep", "delete"] = "refuse",
) -> StageOutcome:
    """Take a session back to upload or processing; its tickets are removed and made anew.

    Args:
        session_id: The session, as `drupal-tickets session list` shows it.
        requested_by: Your name or e-mail address, for the audit trail.
        to: `upload` to give other files, `processing` to write the tickets again.
        confirmed: Leave off to see what would be lost; switch on to do it.
        issues: What becomes of issues that are in Jira already: `refuse` to go back, `keep` them there (tickets made
            later are new ones), or `delete` them, each proven to be of this session first.
    """
    async with stage_run(
        session_id, requested_by, SessionStage(to), EventCategory.SESSION, reopens=True
    ) as run:
        if not confirmed:
            return await report_impact(run, SessionStage(to))
        deleted = await delete_issues(run, SessionStage(to)) if issues == "delete" else []
        return await roll_back(run, SessionStage(to), Issues(issues), deleted)
