"""`drupal-tickets review`: what stands between the tickets and Jira, and the decision about them."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from deployments.cli.deciding import decide, end_form, stack_is_up, standing_part
from deployments.cli.options import RequestedBy, SessionId, actor
from deployments.cli.output import Json, note, print_facts, print_table, show
from deployments.cli.workplace import Workplace, find_session, with_database, with_stack

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from db.actor import Actor
    from db.enums import ReviewDecision
    from db.models import SessionValidation


class Decision(StrEnum):
    """What can be decided here; the others are commands of their own."""

    APPROVE = "approve"
    CHANGE = "change"
    CANCEL = "cancel"


def review(
    session: SessionId,
    *,
    approve: Annotated[bool, typer.Option("--approve", help="Approve the tickets as they stand.")] = False,
    decision: Annotated[
        Decision | None,
        typer.Option(help="Another decision: `change` and `cancel` close the round that waits."),
    ] = None,
    note_: Annotated[str, typer.Option("--note", help="Anything the team should know.")] = "",
    form: Annotated[bool, typer.Option("--form", help="Put the form into the Prefect UI.")] = False,
    requested_by: RequestedBy = None,
    json: Json = False,
) -> None:
    """Show what stands between the tickets and Jira; decide here, or by the form in the Prefect UI."""
    acting = actor(requested_by)
    if approve and decision not in (None, Decision.APPROVE):
        raise typer.BadParameter("Say --approve or another --decision, one of both.")
    decided = Decision.APPROVE if approve else decision
    if form:
        document = with_stack(lambda place: _put_form(place, session, acting))
    elif decided and stack_is_up():
        document = with_stack(lambda place: _decide_and_end(place, session, decided, note_, acting))
    else:
        document = with_database(lambda engine: _review(engine, session, decided, note_, acting))
    rows = [(one["group"], one["tickets"], one["edited"], one["not_ready"]) for one in document["groups"]]

    def render(target: Any) -> None:
        print_facts(target, {"session": document["session"]["id"], **document["review"]})
        print_table(target, ("Group", "Tickets", "Edited", "Not ready"), rows)
        obstacles = [(one["message"], one["action"]) for one in document["readiness"]["obstacles"]]
        print_table(target, ("Before the export", "What to do"), obstacles)
        if problems := [(one["title"], one["problem"], one["since"]) for one in document["problems"]]:
            print_table(target, ("Ticket", "The last validation found", "Since the one before"), problems)

    show(document, json, render)
    if decided is Decision.APPROVE:
        note(f"Go on with: drupal-tickets session resume {document['session']['id']}")


async def _review(
    engine: "AsyncEngine", text: str, decided: Decision | None, note_: str, acting: "Actor"
) -> dict[str, Any]:
    record = await find_session(engine, text)
    if decided:
        await decide(engine, record.id, _as_decision(decided), note_, acting)
    return await _standing(engine, record.id)


async def _decide_and_end(
    place: Workplace, text: str, decided: Decision, note_: str, acting: "Actor"
) -> dict[str, Any]:
    record = await find_session(place.engine, text)
    if run := await decide(place.engine, record.id, _as_decision(decided), note_, acting):
        told = f"{acting.claimed} decided on the command line: {decided}."
        await end_form(place, run, told)
    return await _standing(place.engine, record.id)


def _as_decision(decided: Decision) -> "ReviewDecision":
    from db.enums import ReviewDecision

    return ReviewDecision(decided.value)


async def _put_form(place: Workplace, text: str, acting: "Actor") -> dict[str, Any]:
    from deployments.cli.working import work

    record = await find_session(place.engine, text)
    ending = await work(place, record.id, "review-tickets", acting)
    note(f"The form waits for seven days: {place.address_of(ending.run_id)}")
    return {**await _standing(place.engine, record.id), "form": place.address_of(ending.run_id)}


async def _standing(engine: "AsyncEngine", session_id: UUID) -> dict[str, Any]:
    from db.engine import session_scope
    from db.repositories.background import TaskRepository
    from db.repositories.readiness import ReadinessRepository
    from db.repositories.reviews import ReviewRepository
    from db.repositories.sessions import SessionRepository
    from db.repositories.validations import ValidationRepository
    from deployments.cli.report import session_part
    from tasks.checking import compared

    async with session_scope(engine) as session:
        found = await compared(session, session_id)
        standing = await ReadinessRepository(session).standing(session_id)
        record = await SessionRepository(session).get(session_id)
        busy = await TaskRepository(session).current(session_id) is not None
        last = await ReviewRepository(session).latest(session_id)
        validations = ValidationRepository(session)
        fresh, validation = await validations.is_fresh(session_id), await validations.get(session_id)
    approved_as_is = last is not None and last.revision == validation.revision
    return {
        "session": session_part(record, busy=busy),
        "groups": [
            {
                "group": one.group.value,
                "tickets": one.tickets,
                "edited": one.edited,
                "not_ready": one.not_ready,
            }
            for one in standing.groups
        ],
        "readiness": standing_part(standing),
        "review": {
            "round": last.round if last else 0,
            "decision": last.decision.value if last and last.decision else None,
            "decided_by": last.decided_by if last else None,
            "changed_since": bool(last and last.decision) and not approved_as_is,
            "validation": "passed" if fresh else _validation_word(validation),
        },
        "problems": [
            {"ticket": str(ticket), "title": found.titles[ticket], "problem": problem, "since": since}
            for ticket, one in found.problems.items()
            for problem, since in one.lines
        ],
    }


def _validation_word(validation: "SessionValidation") -> str:
    if validation.last_validated_at is None:
        return "required: never validated"
    if validation.validation_passed:
        return "required: tickets changed since"
    return f"{len(validation.validation_results)} tickets did not pass"
