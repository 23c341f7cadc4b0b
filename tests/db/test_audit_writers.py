"""Whoever changes something leaves an audit entry: every repository method that takes an actor is tried."""

import importlib
import inspect
import pkgutil
from itertools import chain

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

import db.repositories
from db.actor import Actor
from db.engine import session_scope
from db.enums import AuditLevel, EventCategory
from db.models import AuditLogEntry
from db.repositories.audit import AuditRepository, Event
from db.repositories.base import Repository
from db.repositories.sessions import SessionRepository
from tests.builders.database import make_session
from tests.db.writers import ACTOR, WRITERS, Given


@pytest.mark.parametrize("name", WRITERS)
async def test_a_change_leaves_an_entry_of_who_what_which_and_under_which_run(
    engine: AsyncEngine, name: str
) -> None:
    write, event_type, needs = WRITERS[name]
    session_id = await make_session(engine)
    async with session_scope(engine) as session:
        given = Given(session, session_id)
        await given.prepare(claimed="claimed" in needs, intent="intent" in needs)
        before = set(await session.scalars(select(AuditLogEntry.id)))
        await write(given)
        entries = await session.scalars(select(AuditLogEntry).order_by(AuditLogEntry.created_at))
        new = [entry for entry in entries if entry.id not in before]
    assert [entry.event_type for entry in new][-1] == event_type
    entry = new[-1]
    assert (entry.claimed_actor, entry.authenticated_actor, entry.request_id) == (
        "Dana",
        "account-1",
        "run-7",
    )
    assert (entry.ip_address, entry.user_agent) == ("192.0.2.1", "drupal-tickets/1")
    assert entry.entity_type
    assert entry.entity_id
    assert entry.execution_time_ms is not None
    if not event_type.startswith("login"):
        assert entry.trail_id is not None
        assert (entry.session_id is None) is (event_type == "session.deleted")


# No values before: made or gone with the entry, or a fact that comes once and stands in it at either level.
NOTHING_BEFORE = {
    "SessionRepository.create",
    "SessionStops.delete",
    "RetentionRepository.remove_sessions",
    "FileRepository.remove",
    "ErrorRepository.record",
    "ExportRepository.record",
    "IntentRepository.open_intents",
    "IntentRepository.resolve",
    "IntentRepository.refuse",
    "IntentRepository.uncertain",
    "DeliveryRepository.search_again",
    "DeliveryRepository.searched",
    "DeliveryRepository.upload_starts",
    "DeliveryRepository.store_upload",
    "DeliveryRepository.store_links",
}
# Too large to keep twice, secret, or the level itself.
APART = {
    "SessionRepository.store_spec_report",
    "SessionRepository.store_plan",
    "ProjectRepository.store",
    "TokenRepository.store",
    "TokenRepository.forget",
    "SessionRepository.update_settings",
}
CHANGES = [name for name in WRITERS if name not in NOTHING_BEFORE | APART]


@pytest.mark.parametrize("level", AuditLevel)
@pytest.mark.parametrize("name", CHANGES)
async def test_the_values_before_and_after_are_kept_at_the_comprehensive_level_only(
    engine: AsyncEngine, name: str, level: AuditLevel
) -> None:
    write, event_type, needs = WRITERS[name]
    session_id = await make_session(engine, settings={"audit_level": level.value})
    async with session_scope(engine) as session:
        given = Given(session, session_id)
        await given.prepare(claimed="claimed" in needs, intent="intent" in needs)
        await write(given)
        entry = (await AuditRepository(session).trail(session_id))[-1]
    assert (entry.event_type, entry.audit_level) == (event_type, level)
    if level is AuditLevel.BASIC:
        assert not {"before", "after"} & entry.event_data.keys()
    else:
        assert entry.event_data["before"] != entry.event_data["after"]


@pytest.mark.parametrize(("before", "after"), [("comprehensive", "basic"), ("basic", "comprehensive")])
async def test_a_change_of_the_level_itself_is_kept_with_all_that_changed_along(
    engine: AsyncEngine, before: str, after: str
) -> None:
    session_id = await make_session(engine, settings={"audit_level": before, "budget_usd": "1"})
    async with session_scope(engine) as session:
        settings = {"audit_level": after, "budget_usd": "2"}
        await SessionRepository(session).update_settings(session_id, settings, actor=ACTOR)
        await SessionRepository(session).request_cancel(session_id, actor=ACTOR)
        changed, later = (await AuditRepository(session).trail(session_id))[-2:]
    assert changed.audit_level is AuditLevel.COMPREHENSIVE
    assert changed.event_data["audit_level"] == {"from": before, "to": after}
    assert changed.event_data["before"]["settings"]["budget_usd"] == "1"
    assert changed.event_data["after"]["settings"] == settings
    assert later.audit_level == after


def writers() -> set[str]:
    """Every public method of a repository that takes an actor, under the class that defines it."""
    found = pkgutil.iter_modules(db.repositories.__path__, "db.repositories.")
    modules = [importlib.import_module(module.name) for module in found]
    classes = {cls for module in modules for _, cls in inspect.getmembers(module, inspect.isclass)}
    methods = [
        inspect.getmembers(cls, inspect.iscoroutinefunction) for cls in classes if issubclass(cls, Repository)
    ]
    return {
        method.__qualname__
        for name, method in chain.from_iterable(methods)
        if not name.startswith("_") and "actor" in inspect.signature(method).parameters
    }


def test_every_writer_is_tried() -> None:
    assert writers() == set(WRITERS)


async def test_no_name_and_no_description_makes_an_entry_large(engine: AsyncEngine) -> None:
    session_id = await make_session(engine)
    async with session_scope(engine) as session:
        audit = AuditRepository(session)
        much = "x" * 500_000
        await audit.write(Actor(much), "one", EventCategory.SYSTEM, session_id=session_id, description=much)
        entry = (await audit.trail(session_id))[-1]
    assert (len(entry.claimed_actor), len(entry.description)) == (255, 2000)


async def test_a_day_of_work_leaves_its_trail_in_order(engine: AsyncEngine) -> None:
    session_id = await make_session(engine)
    async with session_scope(engine) as session:
        audit = AuditRepository(session)
        await audit.write(ACTOR, "one", EventCategory.SYSTEM, session_id=session_id, execution_time_ms=12)
        await audit.write_many(ACTOR, EventCategory.SYSTEM, session_id, [Event("two"), Event("three")])
        trail = await audit.trail(session_id)
    assert [entry.event_type for entry in trail] == ["session.created", "one", "two", "three"]
    assert trail[1].execution_time_ms == 12
