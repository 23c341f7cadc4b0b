"""Work that is stopped before its end: by a command, or by Ctrl-C while somebody watches it."""

from uuid import UUID

from httpx import TransportError
from sqlalchemy.ext.asyncio import AsyncEngine

from db.actor import Actor
from db.engine import session_scope
from db.models import SessionTask
from db.repositories.background import TaskRepository
from db.repositories.sessions import SessionRepository
from deployments.cli.options import settings_from_environment
from deployments.cli.output import note
from deployments.cli.runs import cancel, root_of, run_going_on
from deployments.cli.workplace import Workplace
from tasks.core.errors import Cancelled


async def stop_work(place: Workplace, session_id: UUID, actor: Actor) -> bool:
    """Stop whatever works on a session; False when nothing does.

    The database is told first: work looks there before every side effect, whether Prefect answers or not.
    """
    row = await ask_to_stop(place.engine, session_id, actor)
    try:
        run_id = await _run_to_stop(place, session_id, row)
        if run_id is None and row is None:
            async with session_scope(place.engine) as session:  # what it was asked of is over
                await SessionRepository(session).clear_cancel(session_id, actor=actor)
            return False
        if row is None:  # a stage that holds no row
            async with session_scope(place.engine) as session:
                await SessionRepository(session).request_cancel(session_id, actor=actor)
        ended = run_id is None or await cancel(place.client, run_id)
    except TransportError:
        note("Prefect does not answer; the work stops before its next step, as the database tells it to.")
        return row is not None
    if not ended:
        note("It takes a while: the work stops before its next step.")
        return True
    async with session_scope(place.engine) as session:
        # A run that was ended from outside could not end its row; the attempt fences whatever is still under way.
        if left := await TaskRepository(session).current(session_id):
            await TaskRepository(session).cancel(session_id, left.task_id, left.attempt, actor=actor)
        else:
            await SessionRepository(session).clear_cancel(session_id, actor=actor)
    return True


async def ask_to_stop(engine: AsyncEngine, session_id: UUID, actor: Actor) -> SessionTask | None:
    """Leave word in the database for the run that holds the session; returns its row."""
    async with session_scope(engine) as session:
        row = await TaskRepository(session).current(session_id)
        if row is not None:
            await SessionRepository(session).request_cancel(session_id, actor=actor)
    return row


async def _run_to_stop(place: Workplace, session_id: UUID, row: SessionTask | None) -> UUID | None:
    if run := await run_going_on(place.client, session_id):
        return run.id
    return await root_of(place.client, UUID(row.task_id)) if row and row.task_id else None


async def leave(place: Workplace, session_id: UUID, actor: Actor) -> Cancelled:
    """Ctrl-C. Where the stack goes down with this command, the run is stopped properly first."""
    if not stack_is_ours():
        watch = f"Follow it again with: drupal-tickets session watch {session_id}"
        stop = f"Stop it with: drupal-tickets session cancel {session_id}"
        return Cancelled("No longer watching; the run goes on.", actions=(watch, stop), code="detached")
    note("Stopping the run ...")
    await stop_work(place, session_id, actor)
    resume = f"Go on with: drupal-tickets session resume {session_id}"
    return Cancelled("Interrupted; what is done so far is kept.", actions=(resume,), code="interrupted")


def stack_is_ours() -> bool:
    """Whether the stack goes down with the last command that uses it."""
    from deployments.stack.home import Home
    from deployments.stack.state import running

    state = running(Home(settings_from_environment().home))
    return state is not None and state.mode == "on demand"
