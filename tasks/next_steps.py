"""The page of a session in the Prefect UI: where it stands, and links to forms that are filled in already."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import quote
from uuid import UUID

from prefect import get_client, task
from prefect.artifacts import acreate_markdown_artifact

from blocks.database import database_engine
from db.engine import session_scope
from db.enums import SessionStage
from db.models import Session
from db.repositories.sessions import SessionRepository
from tasks.artifacts import session_key
from tasks.core.markdown import escape
from tasks.retrying import RETRYING

# Deployment and what it does for the person who reads the page.
REVIEW = ("review-tickets", "Review the tickets: read them, then answer the form of that run")
DELIVER = ("deliver-session", "Approve them as they stand: validate, then create the issues in Jira")
GO_ON = ("prepare-session", "Go on from where it stands")
BACK = ("rollback-session", "Take it back to an earlier stage; says first what would be lost")
STEPS = {
    SessionStage.SITE_INFO_COLLECTION: (GO_ON,),
    SessionStage.UPLOAD: (GO_ON,),
    SessionStage.PROCESSING: (GO_ON, BACK),
    SessionStage.REVIEW: (REVIEW, DELIVER, BACK),
    SessionStage.JIRA_EXPORT: (DELIVER,),
    SessionStage.COMPLETED: (),
}


@asynccontextmanager
async def session_page(session_id: UUID) -> AsyncIterator[None]:
    """Publish the page when the work on the session has ended, also when it failed."""
    try:
        yield
    except Exception:
        await _show(session_id)
        raise
    await _show(session_id)


async def _show(session_id: UUID) -> None:
    with suppress(Exception):  # the work is done, or failed for a reason of its own: a page changes neither
        await publish_next_steps(session_id)


@task(task_run_name="say what comes next", **RETRYING)
async def publish_next_steps(session_id: UUID) -> None:
    """Show where the session stands and what can be done next; nobody has to copy an id."""
    async with session_scope(await database_engine()) as session:
        record = await SessionRepository(session).get(session_id)
    steps = STEPS[SessionStage(record.current_stage)]
    addresses = {name: await _form(name, session_id) for name, _ in steps}
    links = [f"- [{name}]({addresses[name]}): {what}." for name, what in steps]
    await acreate_markdown_artifact(
        markdown="\n".join([*_facts(record), "", *links]),
        key=session_key("session", record.site_name, session_id),
        description=f"Where {escape(record.site_name)} stands, and what comes next",
    )


def _facts(record: Session) -> list[str]:
    tickets = f", {record.total_tickets_generated} tickets" if record.total_tickets_generated else ""
    return [
        f"# {escape(record.site_name)}",
        "",
        f"Session `{record.id}` for the Jira project {escape(record.jira_project_key)}"
        f" is at stage **{record.current_stage}**{tickets}.",
    ]


async def _form(deployment: str, session_id: UUID) -> str:
    """The form of a deployment with the session filled in, as an address within the UI."""
    async with get_client() as client:
        found = await client.read_deployment_by_name(f"{deployment}/{deployment}")
    answers = quote(json.dumps({"session_id": str(session_id)}))
    return f"/deployments/deployment/{found.id}/run?parameters={answers}"
