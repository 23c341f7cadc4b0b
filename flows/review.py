"""Stage 4: a person looks at the tickets and decides; nothing runs while they think."""

from typing import Literal
from uuid import UUID

from prefect import flow
from prefect.flow_runs import asuspend_flow_run
from prefect.input import RunInput
from pydantic import Field

from db.enums import EventCategory, ReviewDecision, SessionStage
from flows.hooks import HOOKS
from flows.processing import generate_tickets
from tasks.core.outcomes import StageOutcome
from tasks.lifecycle import clear_ending, stage_run
from tasks.review_pages import publish_pages
from tasks.review_rounds import ask_again, finish_review, open_round, record_decision

WEEK = 7 * 24 * 3600


class ReviewForm(RunInput):
    """What the director decides; there are no defaults, so an empty answer approves nothing."""

    decision: Literal["approve", "change", "regenerate", "roll_back", "cancel"] = Field(
        description="`approve` creates the issues in Jira, `change` leaves the tickets open for editing, "
        "`regenerate` has tickets written anew and asks again, `roll_back` removes them to be written from the "
        "start, `cancel` decides nothing."
    )
    requested_by: str = Field(min_length=1, description="Your name or e-mail address, for the audit trail.")
    note: str = Field(
        default="",
        max_length=4000,
        description="Anything the team should know; with `regenerate` it is the instruction to the writer.",
    )
    group: Literal["all", "Content", "Media", "Views", "Migration", "Workflow", "User Roles", "Custom"] = (
        Field(default="all", description="With `regenerate`: only the tickets of this group.")
    )
    replace_edits: bool = Field(
        default=False, description="With `regenerate`: also rewrite what a person has changed."
    )


@flow(name="review-tickets", flow_run_name="review-tickets {session_id}", persist_result=True, **HOOKS)
@clear_ending
async def review_tickets(session_id: UUID, requested_by: str) -> StageOutcome:
    """Show the tickets of a session and wait, up to seven days and without a process, for a decision.

    Args:
        session_id: The session, as `drupal-tickets session list` shows it.
        requested_by: Your name or e-mail address, for the audit trail.
    """
    async with stage_run(session_id, requested_by, SessionStage.REVIEW, EventCategory.REVIEW) as run:
        asked = await open_round(run)
        while not asked.is_over:
            if asked.decision is ReviewDecision.REGENERATE:
                await generate_tickets(session_id, asked.decided_by or requested_by, asked.request)
                asked = await ask_again(run)
            await publish_pages(run)
            form = await asuspend_flow_run(
                wait_for_input=ReviewForm.with_initial_data(description=asked.summary),
                key=f"review-{asked.number}",
                timeout=WEEK,
            )
            asked = await record_decision(run, asked, form)
        return await finish_review(run, asked)
