"""What goes into the audit trail: anything, but bounded, without secrets, and never an error."""

import json
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import session_scope
from db.enums import AuditLevel, EventCategory, TaskType
from db.models import AuditLogEntry
from db.repositories.audit import AuditRepository
from db.repositories.recordable import LIMIT, recordable
from tests.builders.database import DIRECTOR, make_session

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.decimals(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


async def write(
    engine: AsyncEngine, data: dict[str, Any], detail: dict[str, Any] | None = None, **session: Any
) -> AuditLogEntry:
    session_id = await make_session(engine, **session)
    async with session_scope(engine) as scope:
        audit = AuditRepository(scope)
        await audit.write(
            DIRECTOR, "tried", EventCategory.SYSTEM, session_id=session_id, event_data=data, detail=detail
        )
        return (await audit.trail(session_id))[-1]


@given(st.dictionaries(st.text(), ANYTHING, max_size=6))
def test_anything_becomes_bounded_json(data: dict[str, Any]) -> None:
    text = json.dumps(recordable(data), ensure_ascii=False, allow_nan=False)
    assert len(text.encode()) <= LIMIT
    assert "\x00" not in text


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.dictionaries(st.text(), ANYTHING, max_size=6))
async def test_anything_can_be_stored(engine: AsyncEngine, data: dict[str, Any]) -> None:
    async with session_scope(engine) as session:
        await AuditRepository(session).write(DIRECTOR, "tried", EventCategory.SYSTEM, event_data=data)


def test_values_of_the_product_are_kept_readably() -> None:
    kept = recordable(
        {
            "id": uuid.UUID(int=1),
            "type": TaskType.EXPORT,
            "cost": Decimal("0.50"),
            "at": datetime(2026, 1, 2, tzinfo=UTC),
            "edges": ((1, 2),),
        }
    )
    assert kept == {
        "id": "00000000-0000-0000-0000-000000000001",
        "type": "export",
        "cost": "0.50",
        "at": "2026-01-02 00:00:00+00:00",
        "edges": [[1, 2]],
    }


@pytest.mark.parametrize(
    "text",
    ["x" * 200_000, "😀" * 60_000, "\x01" * 120_000, '"\\' * 60_000],
    ids=["x", "emoji", "ctrl", "quote"],
)
async def test_too_much_is_cut_and_says_so(engine: AsyncEngine, text: str) -> None:
    entry = await write(engine, {"before": text})
    assert "were too many to keep" in entry.event_data["truncated"]
    assert entry.event_data["keys"] == ["before"]
    assert entry.event_data["beginning"].startswith('{"before": "')


async def test_what_just_fits_is_kept_whole(engine: AsyncEngine) -> None:
    data = {"text": "x" * (LIMIT - len('{"text": ""}'))}
    assert (await write(engine, data)).event_data == data
    assert "truncated" in (await write(engine, {"text": data["text"] + "x"})).event_data


@pytest.mark.parametrize(
    "key", ["token", "refresh_token", "api_key", "apiKey", "password", "Authorization", "client_secret"]
)
def test_what_looks_like_a_secret_is_masked(key: str) -> None:
    assert recordable({"login": [{key: "s3cret"}]}) == {"login": [{key: "***"}]}


def test_numbers_of_tokens_are_not_secrets() -> None:
    assert recordable({"input_tokens": 12}) == {"input_tokens": 12}


async def test_the_level_of_the_session_decides_about_before_and_after(engine: AsyncEngine) -> None:
    data, detail = {"fields": ["title"]}, {"before": "a", "after": "b"}
    basic = await write(engine, data, detail)
    full = await write(engine, data, detail, settings={"audit_level": "comprehensive"})
    odd = await write(engine, data, detail, settings={"audit_level": "verbose"})
    assert (basic.audit_level, basic.event_data) == (AuditLevel.BASIC, data)
    assert (full.audit_level, full.event_data) == (AuditLevel.COMPREHENSIVE, data | detail)
    assert odd.audit_level is AuditLevel.BASIC


async def test_an_entry_for_a_session_that_is_gone_is_kept(engine: AsyncEngine) -> None:
    gone = uuid.uuid4()
    async with session_scope(engine) as session:
        await AuditRepository(session).write(DIRECTOR, "late", EventCategory.SYSTEM, session_id=gone)
        [entry] = await AuditRepository(session).trail(gone)
    assert (entry.session_id, entry.trail_id) == (None, gone)
