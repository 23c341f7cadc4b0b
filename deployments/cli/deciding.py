"""A decision of the review made on the command line: the form that still waits for one is ended."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from deployments.cli.output import note
from tasks.core.errors import UserFixable

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from db.actor import Actor
    from db.enums import ReviewDecision
    from deployments.cli.workplace import Workplace


async def decide(
    engine: "AsyncEngine", session_id: UUID, decision: "ReviewDecision", note_: str, acting: "Actor"
) -> str | None:
    """Record the decision for the tickets as they are now; returns the run whose form waited for it."""
    from db.engine import session_scope
    from db.enums import SessionStage
    from db.repositories.reviews import ReviewRepository
    from db.repositories.sessions import SessionRepository

    async with session_scope(engine) as session:
        record = await SessionRepository(session).lock(session_id)
        if record.current_stage is not SessionStage.REVIEW:
            raise UserFixable(
                f"The session is at stage {record.current_stage}; there is nothing to decide.",
                code="wrong-stage",
            )
        row = await ReviewRepository(session).decide(session_id, decision, actor=acting, note=note_)
        return row.task_id


async def end_form(place: "Workplace", run_id: str, told: str) -> None:
    """End the suspended run of the form: its question is answered."""
    from prefect.exceptions import ObjectNotFound
    from prefect.states import Completed

    try:
        run = await place.client.read_flow_run(UUID(run_id))
        if run.state is not None and run.state.is_paused():
            await place.client.set_flow_run_state(run.id, Completed(message=told), force=True)
            note("The form in the Prefect UI is ended.")
    except ObjectNotFound:  # pruned long ago
        return


def stack_is_up() -> bool:
    """Whether Prefect runs for this home, or elsewhere for this environment."""
    from deployments.cli.options import settings_from_environment
    from deployments.stack.home import Home
    from deployments.stack.state import running

    settings = settings_from_environment()
    return bool(settings.prefect_api_url) or running(Home(settings.home)) is not None


def standing_part(standing: Any) -> dict[str, Any]:
    """What stands between the session and its export, for the JSON document."""
    from tasks.readiness import obstacles

    return {
        "ready": not (found := obstacles(standing)),
        "obstacles": [obstacle.model_dump() for obstacle in found],
        "failing": {str(ticket): list(problems) for ticket, problems in standing.failing.items()},
        "unedited_share": round(standing.unedited_share, 4),
    }
