"""Stage 4: a person looks at the tickets and decides; nothing runs while they think."""

from datetime import timedelta
from typing import Annotated, Literal
from uuid import UUID

from prefect import flow
from prefect.flow_runs import asuspend_flow_run
from prefect.input import RunInput
from pydantic import Field

from db.enums import EventCategory, ReviewDecision, SessionStage
from flows.hooks import HOOKS
from flows.processing import generate_tickets
from tasks.core.forms import Requester
from tasks.core.outcomes import StageOutcome
from tasks.lifecycle import clear_ending, stage_run
from tasks.processing import publish_tickets
from tasks.review_pages import publish_pages
from tasks.review_rounds import answered, ask_again, finish_review, open_round, record_decision

Days = Annotated[float, Field(ge=0.0001, le=30)]


class ReviewForm(RunInput):
    """What the director decides; there are no defaults, so an empty answer approves nothing."""

    decision: Literal["approve", "change", "regenerate", "roll_back", "cancel"] = Field(
        description="`approve` creates the issues in Jira, `change` leaves the tickets open for editing, "
        "`regenerate` has tickets written anew and asks again, `roll_back` removes them to be written from the "
        "start, `cancel` decides nothing."
    )
    requested_by: Requester = Field(description="Your name or e-mail address, for the audit trail.")
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
async def review_tickets(session_id: UUID, requested_by: Requester, days: Days = 7) -> StageOutcome:
    """Show the tickets of a session and wait, without a process, for a decision.

    Args:
        session_id: The session, as `drupal-tickets session list` shows it.
        requested_by: Your name or e-mail address, for the audit trail.
        days: How long the form waits for an answer. After that, start the review again; nothing is lost.
    """
    waits = timedelta(days=days)
    async with stage_run(session_id, requested_by, SessionStage.REVIEW, EventCategory.REVIEW) as run:
        asked = await open_round(run, waits)
        if asked.is_over and (answer := await answered(run, asked)):  # decided elsewhere: who is late is told
            asked = await record_decision(run, asked, ReviewForm(**answer), waits)
        while not asked.is_over:
            if asked.decision is ReviewDecision.REGENERATE:
                written = await generate_tickets(session_id, asked.decided_by or requested_by, asked.request)
                asked = await ask_again(run, waits, written)  # with its pages published already
            if asked.is_new:
                await publish_tickets(run)
                await publish_pages(run)
            form = await asuspend_flow_run(
                wait_for_input=ReviewForm.with_initial_data(description=asked.summary),
                key=f"review-{asked.number}",
                timeout=round(waits.total_seconds()),
            )
            asked = await record_decision(run, asked, form, waits)
        return await finish_review(run, asked)
