"""What stands between a session and its export, each with what to do about it: said in one place for all doors."""

from collections.abc import Iterator

from db.enums import SessionStage, SessionStatus
from db.repositories.readiness import Standing
from tasks.core.tickets.model import Frozen

_NAMED = 20
_BEFORE_REVIEW = (SessionStage.SITE_INFO_COLLECTION, SessionStage.UPLOAD, SessionStage.PROCESSING)


class Obstacle(Frozen):
    """One thing to be done before the export."""

    code: str
    message: str
    action: str


def obstacles(standing: Standing) -> list[Obstacle]:
    """Everything that is in the way of the export, in the order in which to do it; empty when it may begin."""
    if standing.stage is SessionStage.COMPLETED or standing.status is SessionStatus.COMPLETED:
        return [
            Obstacle(code="over", message="The session is over.", action="Start a new one for a new spec.")
        ]
    if standing.stage in _BEFORE_REVIEW:
        action = f"drupal-tickets session resume {standing.session_id}"
        return [
            Obstacle(code="too-early", message=f"The session is at stage {standing.stage}.", action=action)
        ]
    return [*_of_the_session(standing), *_of_the_tickets(standing), *_of_the_review(standing)]


def _of_the_session(standing: Standing) -> Iterator[Obstacle]:
    session = standing.session_id
    if standing.running:
        yield Obstacle(
            code="running",
            message=f"A run works on the session ({standing.running}).",
            action=f"drupal-tickets session watch {session}",
        )
    if standing.used_up:
        yield Obstacle(
            code="retries-used-up",
            message=f"Three runs in a row failed ({', '.join(standing.used_up)}).",
            action=f"An administrator lets it go on: drupal-tickets session resume {session} --reset-retries",
        )
    if standing.may_create is False:
        yield Obstacle(
            code="permission",
            message="The Jira account may not create issues in the project.",
            action="Ask an administrator of the project for the permission to create issues.",
        )
    if standing.open_intents:
        yield Obstacle(
            code="unknown-outcome",
            message=f"{standing.open_intents} tickets were sent and may be in Jira.",
            action="The next export looks there first; until then they cannot be changed.",
        )


def _of_the_tickets(standing: Standing) -> Iterator[Obstacle]:
    session = standing.session_id
    if not standing.tickets:
        yield Obstacle(
            code="no-tickets", message="There is no ticket.", action=f"drupal-tickets generate {session}"
        )
    for ticket_id, title in standing.not_ready[:_NAMED]:
        yield Obstacle(
            code="not-ready",
            message=f"“{title}” is not ready.",
            action=f"drupal-tickets tickets edit {session} {ticket_id} --ready",
        )
    if (more := len(standing.not_ready) - _NAMED) > 0:
        action = f"drupal-tickets tickets list {session}"
        yield Obstacle(code="not-ready", message=f"{more} more tickets are not ready.", action=action)


def _of_the_review(standing: Standing) -> Iterator[Obstacle]:
    session = standing.session_id
    if not standing.fresh:
        why = "tickets changed since the last one" if standing.validated else "there was none yet"
        if standing.failing:
            why = f"{len(standing.failing)} tickets did not pass the last one"
        yield Obstacle(
            code="validation",
            message=f"Validation required: {why}.",
            action=f"drupal-tickets validate {session}",
        )
    if standing.stage is SessionStage.REVIEW and not standing.approved_as_is:
        yield Obstacle(
            code="approval",
            message="Nobody has approved the tickets as they are now.",
            action=f"drupal-tickets review {session} --approve",
        )
