"""What every step of an export works with: the session, its settings, its Jira, its ledger."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from blocks.database import database_engine
from blocks.jira_client import JiraClient
from db.engine import session_scope
from db.fence import Fence
from db.models import Session
from db.repositories.sessions import SessionRepository
from tasks.core.outcomes import StageRun
from tasks.core.settings import JiraSettings, SessionSettings
from tasks.export_intents import IntentLedger
from tasks.jira import session_client
from tasks.lifecycle import actor_of


@dataclass(frozen=True)
class Desk:
    """One step of one export run."""

    record: Session
    settings: JiraSettings
    client: JiraClient
    ledger: IntentLedger


@asynccontextmanager
async def export_desk(run: StageRun) -> AsyncIterator[Desk]:
    """Open the session's Jira; nothing is written there once a person asked to stop or another run took over."""
    engine = await database_engine()
    async with session_scope(engine) as session:
        record = await SessionRepository(session).get(run.session_id)
    async with session_client(record) as client:
        ledger = IntentLedger(
            engine=engine,
            session_id=run.session_id,
            fence=Fence(run.flow_run_id, run.attempt or 0),
            actor=actor_of(run),
            site=client.site,
            project_key=record.jira_project_key,
            address_of=client.address_of,
        )
        client.ask_before_writing(ledger.require_my_turn)
        settings = SessionSettings.model_validate(record.settings).jira
        yield Desk(record, settings, client, ledger)
