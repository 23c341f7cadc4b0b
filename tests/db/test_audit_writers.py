"""Whoever changes something leaves an audit entry: every repository method that takes an actor is tried."""

import importlib
import inspect
import pkgutil
from itertools import chain

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

import db.repositories
from db.engine import session_scope
from db.enums import AuditLevel, EventCategory
from db.models import AuditLogEntry
from db.repositories.audit import AuditRepository, Event
from db.repositories.base import Repository
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
    if not event_type.startswith("login"):
        assert entry.trail_id is not None
        assert (entry.session_id is None) is (event_type == "session.deleted")


REVIEW = [
    name
    for name in WRITERS
    if name.split("Repository")[0] in ("Ticket", "Dependency", "Validation", "Review", "Rollback")
]
# Another session, another level, too large to keep twice, and nothing left to tell of.
APART = {
    "SessionRepository.create",
    "SessionRepository.update_settings",
    "SessionRepository.store_spec_report",
    "SessionRepository.store_plan",
    "SessionStops.delete",
    "FileRepository.remove",
}
SESSION = [
    name
    for name in WRITERS
    if name.startswith(("SessionRepository", "SessionStops", "FileRepository")) and name not in APART
]


@pytest.mark.parametrize("level", AuditLevel)
@pytest.mark.parametrize("name", REVIEW + SESSION)
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


async def test_a_day_of_work_leaves_its_trail_in_order(engine: AsyncEngine) -> None:
    session_id = await make_session(engine)
    async with session_scope(engine) as session:
        audit = AuditRepository(session)
        await audit.write(ACTOR, "one", EventCategory.SYSTEM, session_id=session_id, execution_time_ms=12)
        await audit.write_many(ACTOR, EventCategory.SYSTEM, session_id, [Event("two"), Event("three")])
        trail = await audit.trail(session_id)
    assert [entry.event_type for entry in trail] == ["session.created", "one", "two", "three"]
    assert trail[1].execution_time_ms == 12
