"""A clean-up on a running stack: a session past its retention goes, and with it what Prefect keeps of it."""

import json
from collections.abc import Iterator

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from db.errors import NotFound
from tests.prefect_api import PrefectApi, prefect_api
from tests.stack import RunningStack
from tests.trouble import Trouble, at_review

pytestmark = pytest.mark.stack


@pytest.fixture
def api(stack: RunningStack) -> Iterator[PrefectApi]:
    with prefect_api(stack) as api:
        yield api


async def long_ago(engine: AsyncEngine, session_id: str) -> None:
    """All that happened in the session happened ten days earlier."""
    earlier = {"id": session_id}
    async with engine.begin() as connection:
        for table, own, column in (("sessions", "id", "updated_at"), ("audit_log", "trail_id", "created_at")):
            moved = f"UPDATE {table} SET {column} = {column} - interval '10 days' WHERE {own} = :id"
            await connection.execute(text(moved), earlier)


def clean(api: PrefectApi, *, dry_run: bool) -> dict[str, object]:
    """Run the clean-up; returns the counts that it leaves as an artifact."""
    run = api.start("cleanup-sessions", dry_run=dry_run)
    assert api.end_of(run)[0] == "COMPLETED"
    wanted = {"artifacts": {"flow_run_id": {"any_": [run]}}}
    (artifact,) = api.http.post("artifacts/filter", json=wanted).raise_for_status().json()
    rows: list[dict[str, object]] = json.loads(artifact["data"])
    return rows[0]


def test_a_session_goes_with_its_runs_and_artifacts_and_its_trail_stays(
    stack: RunningStack, api: PrefectApi
) -> None:
    old = Trouble(stack, api, at_review(stack, 2))
    run = old.start("validate-tickets")
    assert api.end_of(run)[0] == "COMPLETED"
    assert api.artifacts(run)
    old.in_database(lambda engine: long_ago(engine, str(old.id)))

    counted = clean(api, dry_run=True)
    assert (counted["past_retention"], counted["removed"]) == (1, 0)
    assert old.record().id == old.id
    assert api.artifacts(run)

    done = clean(api, dry_run=False)
    assert done["removed"] == 1
    assert int(str(done["runs_removed"])) >= 1, "other tests leave some as well"
    with pytest.raises(NotFound):
        old.record()
    with pytest.raises(httpx.HTTPStatusError, match="404"):
        api.run(run)
    assert not api.artifacts(run)
    assert old.events()[-1] == "session.deleted"
