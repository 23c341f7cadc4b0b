"""`drupal-tickets session set`: settings of a session that has begun."""

from typing import TYPE_CHECKING, Any

from deployments.cli.options import AuditLevel, Budget, RequestedBy, SessionId, actor, dollars, level_of
from deployments.cli.output import Json, print_facts, show
from deployments.cli.workplace import find_session, with_database
from deployments.cli.writing_options import takes_writing, writing_settings
from tasks.core.errors import UserFixable

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from db.actor import Actor


@takes_writing
def set_session(
    session: SessionId,
    *,
    budget: Budget = None,
    audit_level: AuditLevel | None = None,
    writing: dict[str, Any],
    requested_by: RequestedBy = None,
    json: Json = False,
) -> None:
    """Change who writes a session, in which style and for how much, and what its audit trail keeps.

    Provider and model stay as they are once processing has begun.
    """
    if budget is None and audit_level is None and not writing:
        raise UserFixable("Nothing to change: give at least one option.", code="nothing-to-change")
    acting = actor(requested_by)
    chosen: dict[str, Any] = {} if budget is None else {"budget_usd": dollars(budget)}
    if audit_level is not None:
        chosen["audit_level"] = level_of(audit_level)
    facts = with_database(lambda engine: _set(engine, session, chosen, writing, acting))
    show({"settings": facts}, json, lambda target: print_facts(target, facts))


async def _set(
    engine: "AsyncEngine", text: str, chosen: dict[str, Any], writing: dict[str, Any], acting: "Actor"
) -> dict[str, Any]:
    from db.engine import session_scope
    from db.repositories.sessions import SessionRepository
    from tasks.core.settings import SessionSettings
    from tasks.failures import as_product_error

    found = await find_session(engine, text)
    try:
        async with session_scope(engine) as session:
            sessions = SessionRepository(session)
            before = SessionSettings.model_validate((await sessions.lock(found.id)).settings)
            changed = {**chosen, "writing": writing_settings(writing, before.writing)}
            after = before.model_copy(update=changed).model_dump(mode="json")
            await sessions.update_settings(found.id, after, actor=acting)
    except Exception as error:
        raise as_product_error(error) from error
    return {
        "session": str(found.id),
        "budget_usd": float(after["budget_usd"]),
        "audit_level": after["audit_level"],
        **after["writing"],
    }
