"""Stage 3: from rows to written tickets."""

from uuid import UUID

from prefect import flow

from db.enums import EventCategory, SessionStage, TaskType
from flows.hooks import HOOKS
from tasks.core.forms import Requester, Rewrite
from tasks.core.outcomes import StageOutcome
from tasks.lifecycle import clear_ending, stage_run
from tasks.processing import finish_processing, plan_session, publish_tickets
from tasks.review_pages import publish_pages
from tasks.rewriting import choose_tickets, finish_rewriting, prepare_rewriting, rewrite_tickets
from tasks.writing import prepare_writing, publish_writing, write_tickets


@flow(name="generate-tickets", flow_run_name="generate-tickets {session_id}", **HOOKS)
@clear_ending
async def generate_tickets(
    session_id: UUID, requested_by: Requester, rewrite: Rewrite | None = None
) -> StageOutcome:
    """Plan the tickets from the rows of the spec, write their text, and store them in the order of work.

    Args:
        session_id: The session, as `drupal-tickets session list` shows it.
        requested_by: Your name or e-mail address, for the audit trail.
        rewrite: During the review: which of the tickets to write anew. Leave empty to make the session's tickets.
    """
    async with stage_run(
        session_id,
        requested_by,
        SessionStage.PROCESSING,
        EventCategory.PROCESSING,
        TaskType.PROCESSING,
        until=None if rewrite else SessionStage.PROCESSING,
    ) as run:
        if rewrite is not None:
            chosen = await choose_tickets(run, rewrite)
            writing = await prepare_rewriting(run, chosen, rewrite)
            results = await rewrite_tickets(run, chosen, writing, rewrite)
            outcome = await finish_rewriting(run, writing, results, rewrite)
            await publish_tickets(run)
            await publish_pages(run)
            return outcome
        plan = await plan_session(run)
        writing = await prepare_writing(run, plan)
        texts = await write_tickets(run, plan, writing)
        outcome = await finish_processing(run, plan, texts)
        await publish_tickets(run)
        await publish_pages(run)
        await publish_writing(run, plan, texts)
        return outcome
