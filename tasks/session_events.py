"""What Prefect's event stream is told of a session. Nothing depends on it: the database says the truth."""

from enum import StrEnum
from uuid import UUID

from prefect.events import emit_event

from tasks.core.outcomes import StageRun


class SessionEvent(StrEnum):
    """The names of our events; every one of them is about one session."""

    STAGE_STARTED = "drupal-tickets.session.stage-started"
    STAGE_COMPLETED = "drupal-tickets.session.stage-completed"
    STAGE_FAILED = "drupal-tickets.session.stage-failed"
    STAGE_CANCELLED = "drupal-tickets.session.stage-cancelled"
    PROGRESS = "drupal-tickets.session.progress"
    REVIEW_WAITING = "drupal-tickets.session.review-waiting"
    FAILED = "drupal-tickets.session.failed"


def resource_of(session_id: UUID, site_name: str) -> dict[str, str]:
    """The session as the subject of an event."""
    return {
        "prefect.resource.id": f"drupal-tickets.session.{session_id}",
        "prefect.resource.name": site_name,
    }


def tell(run: StageRun, event: SessionEvent, **payload: object) -> None:
    """Send an event of a run's session, and go on: it is sent from a thread of its own."""
    emit_event(event, resource_of(run.session_id, run.site_name), payload=payload)
