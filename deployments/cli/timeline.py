"""`drupal-tickets session show --timeline`: who did what in a session, and when; also of one that is gone."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from deployments.cli.output import print_table, printable, short

if TYPE_CHECKING:
    from rich.console import Console
    from sqlalchemy.ext.asyncio import AsyncEngine

    from db.models import AuditLogEntry

MOST_ENTRIES = 10_000
SECOND = 1000  # milliseconds
WORTH_TELLING = SECOND / 10
COLUMNS = ("When (UTC)", "Who", "What", "Took", "Run")


async def read_timeline(engine: "AsyncEngine", text: str) -> dict[str, Any]:
    """The audit trail of the session that a text names, oldest entry first."""
    from db.engine import session_scope
    from db.errors import NotFound
    from db.repositories.audit import AuditRepository
    from deployments.cli.workplace import find_session, whole_id

    try:
        session_id = (await find_session(engine, text)).id
    except NotFound:  # removed long ago; its trail outlives it
        identifier = whole_id(text)
        assert identifier is not None  # noqa: S101 - only a whole id is not found in this way
        session_id = identifier
    async with session_scope(engine) as session:
        trail = await AuditRepository(session).trail(session_id, MOST_ENTRIES)
    if not trail:
        raise NotFound(f"There is no session {session_id}.")
    return {"session_id": str(session_id), "timeline": [entry_part(entry) for entry in trail]}


def entry_part(entry: "AuditLogEntry") -> dict[str, Any]:
    """One entry as scripts read it."""
    return {
        "at": entry.created_at,
        "actor": {
            "claimed": entry.claimed_actor,
            "authenticated": entry.authenticated_actor,
            "jira_account": entry.jira_user_id,
        },
        "event": entry.event_type,
        "category": entry.event_category.value,
        "description": entry.description,
        "entity": {"type": entry.entity_type, "id": entry.entity_id},
        "flow_run": _flow_run(entry.request_id),
        "milliseconds": entry.execution_time_ms,
        "level": entry.audit_level.value,
        "data": entry.event_data,
    }


def print_timeline(target: "Console", document: dict[str, Any]) -> None:
    """The trail as people read it."""
    print_table(target, COLUMNS, [_row(entry) for entry in document["timeline"]])


def _row(entry: dict[str, Any]) -> Sequence[str]:
    actor, took = entry["actor"], entry["milliseconds"]
    return (
        f"{entry['at']:%Y-%m-%d %H:%M:%S}",
        printable(actor["claimed"]),
        printable(entry["description"] or entry["event"]),
        f"{took / SECOND:.1f} s" if took and took >= WORTH_TELLING else "",
        short(entry["flow_run"]) if entry["flow_run"] else "",
    )


def _flow_run(request_id: str | None) -> str | None:
    try:
        return str(UUID(request_id or ""))
    except ValueError:
        return None
