"""The automations of a Prefect server: runs without a sign of life are crashed, people are told what waits."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState, SendNotification
from prefect.events.schemas.automations import Automation, AutomationCore, EventTrigger, Posture
from prefect.exceptions import ObjectNotFound

from tasks.core.errors import AdminRequired
from tasks.session_events import SessionEvent

ZOMBIES = "Runs without a sign of life are crashed"
SILENCE = timedelta(seconds=90)  # three heartbeats
OFF = "off"
# Escaped, because a chat would obey what a site's name might hold.
SITE = "{{ event.resource.name | e }}"
GO_ON = "drupal-tickets session resume {{ event.resource.id | replace('drupal-tickets.session.', '') }}"
NOTIFICATIONS = {
    "People are told of failed sessions": (
        SessionEvent.FAILED,
        f"Session failed: {SITE}",
        f"{{{{ event.payload.why | e }}}}\n\nWhen the cause is removed: {GO_ON} --reset-retries",
    ),
    "People are told of reviews that wait": (
        SessionEvent.REVIEW_WAITING,
        f"Tickets wait for review: {SITE}",
        f"{{{{ event.payload.tickets }}}} tickets. Review them in the Prefect UI (review-tickets), or: {GO_ON}",
    ),
}


async def ensure_zombie_automation(client: PrefectClient) -> str:
    """Crash every run whose process has stopped sending heartbeats."""
    trigger = EventTrigger(
        posture=Posture.Proactive,
        match={"prefect.resource.id": "prefect.flow-run.*"},
        for_each={"prefect.resource.id"},
        # A run that dies in its first second has not sent a heartbeat yet.
        after={"prefect.flow-run.heartbeat", "prefect.flow-run.Running"},
        expect={"prefect.flow-run.*"},
        threshold=1,
        within=SILENCE,
    )
    message = f"No sign of life for {SILENCE.seconds} seconds: its process or its worker has died."
    crash = ChangeFlowRunState(state=StateType.CRASHED, message=message)
    description = "A run that dies with its worker cannot say so itself."
    return await _ensure(
        client, AutomationCore(name=ZOMBIES, description=description, trigger=trigger, actions=[crash])
    )


async def ensure_notifications(client: PrefectClient, block: str | None) -> Sequence[str]:
    """Tell people by the notification block `type/name`; `off` ends it, and None leaves things as they are."""
    if block is None:
        return ["notifications: left alone, DRUPAL_TICKETS_NOTIFY is not set"]
    if block == OFF:
        return [await _remove(client, name) for name in NOTIFICATIONS]
    identifier = await _notification_block(client, block)
    return [
        await _ensure(client, _notification(name, event, identifier, subject, body))
        for name, (event, subject, body) in NOTIFICATIONS.items()
    ]


def _notification(name: str, event: SessionEvent, block: UUID, subject: str, body: str) -> AutomationCore:
    trigger = EventTrigger(
        posture=Posture.Reactive,
        match={"prefect.resource.id": "drupal-tickets.session.*"},
        expect={event.value},
        threshold=1,
        within=timedelta(0),
    )
    send = SendNotification(block_document_id=block, subject=subject, body=body)
    description = "Set up by the bootstrap; DRUPAL_TICKETS_NOTIFY says whom it tells."
    return AutomationCore(name=name, description=description, trigger=trigger, actions=[send])


async def _notification_block(client: PrefectClient, block: str) -> UUID:
    kind, _, name = block.partition("/")
    try:
        found = await client.read_block_document_by_name(name, kind)
    except ObjectNotFound:
        raise AdminRequired(
            f"DRUPAL_TICKETS_NOTIFY names {block}, and there is no such block.",
            actions=("Create it in the Prefect UI under Blocks, or name another: type/name.",),
            code="notification-block",
        ) from None
    if not found.block_schema or "notify" not in found.block_schema.capabilities:
        raise AdminRequired(f"The block {block} cannot notify anybody.", code="notification-block")
    return found.id


async def _ensure(client: PrefectClient, wanted: AutomationCore) -> str:
    """Create it, or bring the one of this name up to date; one that somebody switched off stays so."""
    existing = await client.read_automations_by_name(wanted.name)
    if not existing:
        await client.create_automation(wanted)
        return f"automation {wanted.name!r}: created"
    kept = existing[0]
    if _same(kept, wanted):
        return f"automation {wanted.name!r}: unchanged"
    await client.update_automation(kept.id, wanted.model_copy(update={"enabled": kept.enabled}))
    return f"automation {wanted.name!r}: updated"


async def _remove(client: PrefectClient, name: str) -> str:
    existing = await client.read_automations_by_name(name)
    for automation in existing:
        await client.delete_automation(automation.id)
    return f"automation {name!r}: {'removed' if existing else 'is not there'}"


def _same(kept: Automation, wanted: AutomationCore) -> bool:
    def essence(automation: AutomationCore) -> tuple[object, ...]:
        # As Python, not as JSON: there a set becomes a list, in any order.
        trigger = automation.trigger.model_dump(exclude={"id"})
        return automation.description, trigger, [action.model_dump() for action in automation.actions]

    return essence(kept) == essence(wanted)
