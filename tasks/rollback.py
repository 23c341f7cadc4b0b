"""Going back a stage: what it costs, what becomes of the issues, then the step itself in one transaction."""

from collections.abc import Sequence
from enum import StrEnum

from prefect import task

from blocks.database import database_engine
from blocks.jira_client import JiraClient
from db.engine import session_scope
from db.enums import EventCategory, SessionStage
from db.repositories.audit import AuditRepository
from db.repositories.rollback import RollbackRepository
from db.repositories.sessions import SessionRepository
from tasks.core.errors import UserFixable
from tasks.core.outcomes import StageOutcome, StageRun
from tasks.core.tickets.payload import PROPERTY
from tasks.jira import require_account, session_client
from tasks.lifecycle import require_not_cancelled
from tasks.retrying import ONCE, RETRYING
from tasks.run_state import state_of
from tasks.stage_record import actor_of


class Issues(StrEnum):
    """What becomes of the issues that the session made in Jira."""

    REFUSE = "refuse"
    KEEP = "keep"
    DELETE = "delete"


@task(task_run_name="what would be lost", **RETRYING)
async def report_impact(run: StageRun, to: SessionStage) -> StageOutcome:
    """Count tickets, attachments and edits that a rollback would remove; change nothing."""
    async with session_scope(await database_engine()) as session:
        repository = RollbackRepository(session)
        impact = await repository.impact(run.session_id)
        impact["issues"] = len(await repository.issues(run.session_id))
    lost = ", ".join(f"{count} {what}" for what, count in impact.items() if what != "issues")
    in_jira = f" {impact['issues']} issues are in Jira: say whether to keep or delete them." * bool(
        impact["issues"]
    )
    return StageOutcome(
        session_id=run.session_id,
        stage=run.stage,
        message=f"Going back to {to} would remove {lost}.{in_jira} Run it again with `confirmed` to do it.",
        counts=impact,
    )


@task(task_run_name="delete the issues", **RETRYING)
async def delete_issues(run: StageRun, to: SessionStage) -> list[str]:
    """Delete the session's issues from Jira, each proven to be ours before the first of them goes.

    Safe to repeat: one that is gone already is fine. Raises UserFixable that names what is not ours.
    """
    async with session_scope(await database_engine()) as session:
        repository = RollbackRepository(session)
        await repository.require_possible(run.session_id, to, with_issues=True)
        issues = await repository.issues(run.session_id)
        record = await SessionRepository(session).get(run.session_id)
    async with session_client(record) as client:
        await require_account(client, record)
        ours, prefect = {key: str(ticket) for ticket, key in issues.items()}, state_of(run.flow_run_id)
        doomed = await proven(client, ours, str(run.session_id))
        await _write_down(run, doomed)
        for key in doomed:
            await require_not_cancelled(run)
            await prefect.require_wanted()
            await client.delete_issue(key)
    return sorted(ours)


async def _write_down(run: StageRun, doomed: Sequence[str]) -> None:
    """Before the first of them goes: a run that dies on the way leaves in the trail what it was about."""
    async with session_scope(await database_engine()) as session:
        await AuditRepository(session).write(
            actor_of(run),
            "issues.deletion_started",
            EventCategory.JIRA_EXPORT,
            session_id=run.session_id,
            entity_type="session",
            entity_id=run.session_id,
            description=f"Deleting {len(doomed)} issues",
            event_data={"issues": list(doomed)},
        )


async def proven(client: JiraClient, ours: dict[str, str], session_id: str) -> list[str]:
    """The issues of these tickets that are still there; raises UserFixable when one is not marked as its ticket's."""
    found = await client.fetch(ours, properties=[PROPERTY])
    marks = {issue.key: issue.properties.get(PROPERTY) for issue in found}
    foreign = [key for key, mark in marks.items() if not _is_mark_of(mark, session_id, ours.get(key))]
    if foreign:
        raise UserFixable(
            f"{len(foreign)} issues do not carry the mark of their ticket; nothing was deleted.",
            actions=(f"Look at {', '.join(foreign[:20])}.", "Or go back with the issues kept."),
            code="issues-not-ours",
        )
    return sorted(marks)


def _is_mark_of(mark: object, session_id: str, ticket_id: str | None) -> bool:
    return isinstance(mark, dict) and (mark.get("session"), mark.get("ticket")) == (session_id, ticket_id)


@task(task_run_name="roll back", **ONCE)
async def roll_back(
    run: StageRun, to: SessionStage, issues: Issues = Issues.REFUSE, deleted: Sequence[str] = ()
) -> StageOutcome:
    """Remove the tickets and set the session back; refused while any of them may be in Jira."""
    async with session_scope(await database_engine()) as session:
        lost = await RollbackRepository(session).roll_back(
            run.session_id, to, actor=actor_of(run), keep=issues is Issues.KEEP, deleted=deleted
        )
    return StageOutcome(
        session_id=run.session_id,
        stage=to,
        message=f"Back at {to}. Go on with: drupal-tickets session resume {run.session_id}",
        counts=lost,
    )
