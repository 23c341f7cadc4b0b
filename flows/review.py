"""Stage 4: a person looks at the tickets and decides; nothing runs while they think."""

from uuid import UUID

from prefect import flow
from prefect.flow_runs import asuspend_flow_run
from prefect.input import RunInput
from pydantic import Field

from db.enums import EventCategory, ReviewDecision, SessionStage
from tasks.core.outcomes import StageOutcome
from tasks.lifecycle import clear_ending, stage_run
from tasks.review_rounds import finish_review, open_round, record_decision, summarise_tickets

WEEK = 7 * 24 * 3600


class ReviewForm(RunInput):
    """What the director decides."""

    decision: ReviewDecision = Field(
        description="approve exports the tickets; change leaves them for editing."
    )
    requested_by: str = Field(min_length=1, description="Your name or e-mail address, for the audit trail.")
    note: str = Field(default="", max_length=4000, description="Anything the team should know.")


@flow(name="review-tickets", flow_run_name="review-tickets {session_id}", persist_result=True)
@clear_ending
async def review_tickets(session_id: UUID, requested_by: str) -> StageOutcome:
    """Show the tickets of a session and wait, up to seven days and without a process, for a decision.

    Args:
        session_id: The session, as `drupal-tickets session list` shows it.
        requested_by: Your name or e-mail address, for the audit trail.
    """
    async with stage_run(session_id, requested_by, SessionStage.REVIEW, EventCategory.REVIEW) as run:
        round_ = await open_round(run)
        if round_.decided is None:
            summary = await summarise_tickets(run, round_)
            form = await asuspend_flow_run(
                wait_for_input=ReviewForm.with_initial_data(description=summary),
                key=f"review-{round_.number}",
                timeout=WEEK,
            )
            await record_decision(run, round_, form.decision, form.requested_by, form.note)
        return await finish_review(run)
