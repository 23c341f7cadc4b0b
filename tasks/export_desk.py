"""What every step of an export works with: the session, its settings, its Jira, its ledger."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from blocks.database import database_engine
from blocks.jira_client import JiraClient
from db.actor import Actor
from db.engine import session_scope
from db.fence import Fence
from db.models import Session
from db.repositories.sessions import SessionRepository
from tasks.batches import Batches
from tasks.core.outcomes import StageRun
from tasks.core.settings import JiraSettings, SessionSettings
from tasks.export_intents import IntentLedger
from tasks.export_ledger import nobody_else
from tasks.jira import session_client
from tasks.run_state import state_of
from tasks.stage_record import actor_of


@dataclass(frozen=True)
class Desk:
    """One step of one export run."""

    record: Session
    settings: JiraSettings
    client: JiraClient
    ledger: IntentLedger


@asynccontextmanager
async def export_desk(run: StageRun) -> AsyncIterator[Desk]:
    """The desk of a run: nothing is written to Jira once a person asked to stop or another run took over."""
    fence, wanted = Fence(run.flow_run_id, run.attempt or 0), state_of(run.flow_run_id).require_wanted
    async with open_desk(run.session_id, fence, actor_of(run), wanted) as desk:
        ask_before_writing(desk.client, desk.ledger)
        yield desk


def ask_before_writing(client: JiraClient, ledger: IntentLedger) -> None:
    """Let every write that may be repeated ask first; one look at the database serves all that wait for one."""

    async def look(asking: Sequence[None]) -> Sequence[None]:
        await ledger.require_my_turn()
        return asking

    looks: Batches[None, None] = Batches(look)
    client.ask_before_writing(lambda: looks.do(None))


@asynccontextmanager
async def open_desk(
    session_id: UUID,
    fence: Fence,
    actor: Actor,
    still_wanted: Callable[[], Awaitable[None]] = nobody_else,
) -> AsyncIterator[Desk]:
    """Open the session's Jira."""
    engine = await database_engine()
    async with session_scope(engine) as session:
        record = await SessionRepository(session).get(session_id)
    async with session_client(record) as client:
        ledger = IntentLedger(
            engine,
            session_id,
            fence,
            actor,
            client.site,
            record.jira_project_key,
            client.address_of,
            still_wanted,
        )
        yield Desk(record, SessionSettings.model_validate(record.settings).jira, client, ledger)
