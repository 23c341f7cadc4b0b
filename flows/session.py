"""The two parents: they run stages one after the other for as long as nobody has to be waited for.

A parent keeps nothing in memory: each step looks in the database where the session stands, so a run that died
anywhere is simply started again.
"""

from collections.abc import Sequence
from uuid import UUID

from prefect import flow

from db.enums import SessionStage
from flows.export import export_tickets
from flows.hooks import HOOKS
from flows.processing import generate_tickets
from flows.site_info import collect_site_info
from flows.upload import upload_spec
from flows.validation import revalidation_gate, validate_tickets
from tasks.core.forms import InlineFile, NewSession, Requester
from tasks.core.outcomes import StageOutcome
from tasks.core.settings import SessionSettings
from tasks.lifecycle import clear_ending
from tasks.next_steps import session_page
from tasks.session import (
    approve_for_delivery,
    needs_validation,
    open_session,
    session_outcome,
    stage_of,
    tell_of_review,
)

DEFAULTS = SessionSettings()


@flow(name="prepare-session", flow_run_name="prepare-session", **HOOKS)
@clear_ending
async def prepare_session(
    requested_by: Requester,
    site_name: str = "",
    jira_project_key: str = "",
    site_description: str = "",
    jira_site: str = "jira",
    spec: Sequence[str] = (),
    files: Sequence[InlineFile] = (),
    settings: SessionSettings = DEFAULTS,
    session_id: UUID | None = None,
) -> StageOutcome:
    """Take a spec to the point where its tickets can be reviewed: site info, upload, tickets.

    Start a new session with a site name, a Jira project and a spec, or go on with an existing one by its id.

    Args:
        requested_by: Your name or e-mail address, for the audit trail.
        site_name: The site's name, as it is to stand in the tickets.
        jira_project_key: Key of the Jira project, e.g. `LAKE`.
        site_description: A few sentences about the site: context for whoever writes the text.
        jira_site: Name of the Jira block; it holds the address and the login.
        spec: Addresses (https, a Google Sheets link, s3, gs, az), or names below the configured spec folder.
        files: Small files given right here, each with its name and its text, or its bytes in base64.
        settings: Scope, granularity, budget and Jira fields; the defaults suit most specs.
        session_id: An existing session to go on with; site, project and settings are its own then.
    """
    new = NewSession.model_construct(
        site_name=site_name,
        jira_project_key=jira_project_key,
        site_description=site_description,
        jira_block=jira_site,
        settings=settings,
    )
    session_id = await open_session(requested_by, session_id, new, files)
    async with session_page(session_id):
        if await stage_of(session_id) is SessionStage.SITE_INFO_COLLECTION:
            await collect_site_info(session_id, requested_by)
        if await stage_of(session_id) is SessionStage.UPLOAD:
            await upload_spec(session_id, requested_by, spec, files)
        if await stage_of(session_id) is SessionStage.PROCESSING:
            await generate_tickets(session_id, requested_by)
            await tell_of_review(session_id)
    return await session_outcome(session_id)


@flow(name="deliver-session", flow_run_name="deliver-session {session_id}", **HOOKS)
@clear_ending
async def deliver_session(session_id: UUID, requested_by: Requester) -> StageOutcome:
    """Approve the tickets as they stand, validate them, pass the gate and create the issues in Jira.

    Args:
        session_id: The session, as `drupal-tickets session list` shows it.
        requested_by: Your name or e-mail address: whoever delivers a session approves its tickets.
    """
    await approve_for_delivery(session_id, requested_by)
    async with session_page(session_id):
        if await needs_validation(session_id):
            await validate_tickets(session_id, requested_by)
        if await stage_of(session_id) is SessionStage.REVIEW:
            await revalidation_gate(session_id, requested_by)
        if await stage_of(session_id) is SessionStage.JIRA_EXPORT:
            await export_tickets(session_id, requested_by)
    return await session_outcome(session_id)
