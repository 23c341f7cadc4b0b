"""What a command works with: the database alone, or the database and Prefect; started where nothing runs yet."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from deployments.cli.options import settings_from_environment
from deployments.cli.output import note
from tasks.core.errors import UserFixable

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient
    from sqlalchemy.ext.asyncio import AsyncEngine

    from db.models import Session, Ticket
    from deployments.settings import Settings
    from deployments.stack.state import Connection

T = TypeVar("T")
MOST_SESSIONS = 1000
FULL_ID = 36


@dataclass(frozen=True, slots=True)
class Workplace:
    """The database and Prefect of one running installation."""

    engine: "AsyncEngine"
    client: "PrefectClient"
    connection: "Connection"
    # As they were before the addresses of the stack came into the environment.
    settings: "Settings" = field(default_factory=settings_from_environment)

    def address_of(self, run_id: UUID) -> str:
        """Where the Prefect UI shows a run."""
        return f"{self.connection.ui_url}/runs/flow-run/{run_id}"


def with_database(work: Callable[["AsyncEngine"], Awaitable[T]]) -> T:
    """Do what needs nothing but the application's database; Prefect is not imported."""
    from deployments.stack.ensure import ensure_database

    with ensure_database(settings_from_environment()) as connection:
        return asyncio.run(_with_engine(work, connection))


def with_stack(work: Callable[[Workplace], Awaitable[T]]) -> T:
    """Do what triggers runs: with the stack that runs for this home, or one started for this command."""
    from deployments.stack.ensure import ensure_stack

    settings = settings_from_environment()
    with ensure_stack(settings, note) as connection:
        return asyncio.run(_with_client(work, connection, settings))


def with_stack_for(text: str, work: Callable[[Workplace, UUID], Awaitable[T]]) -> T:
    """The same for the session that a text names; an unknown one is said before more than the database is started."""
    from deployments.stack.ensure import ensure_database

    with ensure_database(settings_from_environment()) as connection:  # held: the stack goes on with it
        record = asyncio.run(_with_engine(lambda engine: find_session(engine, text), connection))
        return with_stack(lambda place: work(place, record.id))


async def _with_engine(work: Callable[["AsyncEngine"], Awaitable[T]], connection: "Connection") -> T:
    async with _engine(connection) as engine:
        return await work(engine)


async def _with_client(
    work: Callable[[Workplace], Awaitable[T]], connection: "Connection", settings: "Settings"
) -> T:
    from deployments.cli.runs import prefect_client

    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - a coroutine runs in a task
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)  # as Ctrl-C does
    async with _engine(connection) as engine, prefect_client(connection) as client:
        await _bring_key(settings)
        return await work(Workplace(engine, client, connection, settings))


async def _bring_key(settings: "Settings") -> None:
    """A key that was set after the stack of this home came up reaches it with the first command that has it."""
    if settings.anthropic_api_key is None or settings.prefect_api_url:
        return
    from deployments.model_blocks import ensure_anthropic_block

    said = await ensure_anthropic_block(settings, own_server=True)
    if not said.endswith("unchanged"):
        note(said)


@asynccontextmanager
async def _engine(connection: "Connection") -> AsyncIterator["AsyncEngine"]:
    from db.engine import create_engine

    engine = create_engine(connection.database_url)
    try:
        yield engine
    finally:
        await engine.dispose()


async def find_session(engine: "AsyncEngine", text: str) -> "Session":
    """The session of this id, or the only one whose id begins so."""
    from db.engine import session_scope
    from db.repositories.sessions import SessionRepository

    async with session_scope(engine) as session:
        repository = SessionRepository(session)
        identifier = whole_id(text)
        if identifier is None:
            known = await repository.list_sessions(limit=MOST_SESSIONS)
            hint = "See yours with: drupal-tickets session list --all"
            identifier = _only("session", text, [record.id for record in known], hint)
        return await repository.get(identifier)


async def find_tickets(engine: "AsyncEngine", session_id: UUID, texts: list[str]) -> list["Ticket"]:
    """The tickets of these ids, or first characters of them, in the order given and without their large parts."""
    from db.engine import session_scope
    from db.repositories.tickets import TicketRepository

    async with session_scope(engine) as session:
        tickets = await TicketRepository(session).list_tickets(session_id, brief=True)
    known = {ticket.id: ticket for ticket in tickets}
    hint = f"See them with: drupal-tickets tickets list {session_id}"
    return [known[_only("ticket", text, list(known), hint)] for text in texts]


def whole_id(text: str) -> UUID | None:
    """The id that a text spells out; None when it is only the beginning of one."""
    if len(text) != FULL_ID:
        return None
    try:
        return UUID(text)
    except ValueError:
        return None


def _only(what: str, text: str, known: list[UUID], hint: str) -> UUID:
    wanted = text.strip().lower()
    found = [identifier for identifier in known if wanted and str(identifier).startswith(wanted)]
    if len(found) == 1:
        return found[0]
    problem = f"{len(found)} {what}s begin with “{text}”" if found else f"There is no {what} “{text}”"
    raise UserFixable(f"{problem}.", actions=(hint,), code=f"{what}-unknown")
