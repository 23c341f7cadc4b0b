"""Between review and export: may every ticket be sent as it stands?"""

from collections.abc import Sequence
from uuid import UUID

from prefect import flow

from db.enums import EventCategory, SessionStage, TaskType
from flows.hooks import HOOKS
from tasks.core.forms import Requester
from tasks.core.outcomes import StageOutcome
from tasks.lifecycle import clear_ending, stage_run
from tasks.validation import finish_validation, open_gate, validate_all


@flow(name="validate-tickets", flow_run_name="validate-tickets {session_id}", **HOOKS)
@clear_ending
async def validate_tickets(
    session_id: UUID, requested_by: Requester, tickets: Sequence[UUID] = ()
) -> StageOutcome:
    """Check every ticket against Jira's limits and Atlassian's document format.

    Args:
        session_id: The session, as `drupal-tickets session list` shows it.
        requested_by: Your name or e-mail address, for the audit trail.
        tickets: Ids of single tickets to check; leave empty for all, which alone opens the way to the export.
    """
    async with stage_run(
        session_id, requested_by, SessionStage.REVIEW, EventCategory.REVIEW, TaskType.ADF_VALIDATION
    ) as run:
        checked = await validate_all(run, tickets)
        return await finish_validation(run, checked)


@flow(name="revalidation-gate", flow_run_name="revalidation-gate {session_id}")
@clear_ending
async def revalidation_gate(session_id: UUID, requested_by: Requester) -> StageOutcome:
    """Let the session pass to export only if nothing changed since its tickets were validated.

    Args:
        session_id: The session, as `drupal-tickets session list` shows it.
        requested_by: Your name or e-mail address, for the audit trail.
    """
    async with stage_run(session_id, requested_by, SessionStage.REVIEW, EventCategory.REVIEW) as run:
        return await open_gate(run)
