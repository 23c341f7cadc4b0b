"""What a run that did not do its work is to the person who waited for it."""

from collections.abc import Collection
from uuid import UUID

from db.engine import session_scope
from db.enums import ErrorCategory, ErrorSeverity, SessionStatus
from db.models import SessionError
from db.repositories.errors import ErrorRepository
from db.repositories.progress import ProgressRepository
from deployments.cli.runs import Ending
from deployments.cli.workplace import Workplace
from tasks.core.errors import RUN_DIED, AdminRequired, Cancelled, ProductError, Temporary, UserFixable

MOST_SHOWN = 300
ERRORS: dict[ErrorCategory, type[ProductError]] = {
    ErrorCategory.USER_FIXABLE: UserFixable,
    ErrorCategory.ADMIN_REQUIRED: AdminRequired,
    ErrorCategory.TEMPORARY: Temporary,
}


async def failure_of(
    place: Workplace, session_id: UUID, ending: Ending, known: Collection[UUID]
) -> ProductError | None:
    """The error that a run ended with, as the session keeps it; `known` are the ids of older ones."""
    if ending.state in {"COMPLETED", "PAUSED"}:
        return None
    resume = f"Go on with: drupal-tickets session resume {session_id}"
    if ending.state == "CANCELLED":
        return Cancelled("The run was cancelled.", actions=(resume,))
    new = [
        error
        for error in await errors_of(place, session_id)
        if error.severity is ErrorSeverity.BLOCKING
        and (error.id not in known or error.user_message in ending.message)
    ]
    if new:
        return await _as_told(place, session_id, new[-1])
    first_line = ending.message.partition("\n")[0][:MOST_SHOWN]
    place_to_look = f"See {place.address_of(ending.run_id)}"
    if ending.state == "CRASHED":
        return Temporary(
            f"The run died: {ending.message[:MOST_SHOWN]}", actions=(resume, place_to_look), code=RUN_DIED
        )
    first_line = ending.message.partition("\n")[0][:MOST_SHOWN]
    return AdminRequired(first_line or "The run failed.", actions=(place_to_look,), code="run-failed")


async def _as_told(place: Workplace, session_id: UUID, error: SessionError) -> ProductError:
    """The error as the flow left it; once the session has failed, an administrator is needed whatever it was."""
    async with session_scope(place.engine) as session:
        counts = await ProgressRepository(session).counts(session_id)
    kind, actions = ERRORS[error.error_category], error.recovery_actions
    if counts.status is SessionStatus.FAILED and kind is not AdminRequired:
        kind = AdminRequired
        again = f"drupal-tickets session resume {session_id} --reset-retries"
        actions = [*actions, f"The retries are used up. An administrator allows more with: {again}"]
    return kind(error.user_message, actions=actions, code=error.error_code)


async def errors_of(place: Workplace, session_id: UUID) -> list[SessionError]:
    """What went wrong in a session so far."""
    async with session_scope(place.engine) as session:
        return await ErrorRepository(session).list_errors(session_id)
