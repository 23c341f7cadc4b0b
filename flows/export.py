"""Stage 5: every ticket in Jira exactly once."""

import asyncio
from uuid import UUID

from prefect import flow

from db.enums import EventCategory, SessionStage, TaskType
from flows.hooks import HOOKS
from tasks.core.forms import Requester
from tasks.core.outcomes import StageOutcome
from tasks.export import (
    check_jira,
    create_issues,
    finish_export,
    link_issues,
    upload_attachments,
)
from tasks.export_results import publish_results
from tasks.lifecycle import clear_ending, stage_run
from tasks.validation import open_gate


@flow(name="export-tickets", flow_run_name="export-tickets {session_id}", **HOOKS)
@clear_ending
async def export_tickets(session_id: UUID, requested_by: Requester) -> StageOutcome:
    """Create the issues in Jira in the order of their dependencies, with attachments and links.

    Whatever was created before is found again and never created twice.

    Args:
        session_id: The session, as `drupal-tickets session list` shows it.
        requested_by: Your name or e-mail address, for the audit trail.
    """
    async with stage_run(
        session_id, requested_by, SessionStage.REVIEW, EventCategory.JIRA_EXPORT, TaskType.EXPORT
    ) as run:
        await open_gate(run)
        target = await check_jira(run)
        await create_issues(run, target)
        await asyncio.gather(upload_attachments(run), link_issues(run, target))
        outcome = await finish_export(run)
        await publish_results(run)
        return outcome
