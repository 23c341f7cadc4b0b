"""Export when nobody knows what became of a request: nothing is sent again before Jira was asked."""

import asyncio
import time
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from blocks.jira_client import JiraClient
from db.engine import session_scope
from db.fence import Fence
from db.repositories.delivery import DeliveryRepository
from db.repositories.pauses import PauseRepository
from tasks.core.errors import AdminRequired, Temporary, UserFixable
from tasks.core.tickets.payload import PROPERTY, session_label
from tasks.export_surplus import find_surplus, what_is_left
from tests.builders.database import FLOW
from tests.jira_sandbox import COLLEAGUE, JiraSandbox
from tests.tasks.exporting import QUICK, Export, make_export, run_steps, tickets, until_asked

CREATE = {"method": "POST", "path": "/issue/bulk$"}
UPLOAD = {"method": "POST", "path": "/attachments$"}
ASSUMED = QUICK.request_seconds + QUICK.index_seconds


@pytest.fixture
async def five(engine: AsyncEngine, jira_sandbox: JiraSandbox) -> Export:
    """Five tickets, each waiting for the one before, one with a file."""
    return await make_export(engine, jira_sandbox, tickets(5, chained=True, files=1))


def creates(sandbox: JiraSandbox) -> list[dict[str, Any]]:
    return [call for call in sandbox.journal("POST", "/issue/bulk") if call["path"].endswith("/bulk")]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "lost"},
        {"kind": "lost", "status": 503},
        {"kind": "garbled"},
        {"kind": "cut"},
        {"kind": "late", "seconds": 0.3},
        {"kind": "late", "seconds": 0.3, "status": 500},
    ],
    ids=lambda fault: "-".join(map(str, fault.values())),
)
async def test_an_issue_whose_answer_was_lost_is_found_again_and_not_created_twice(
    five: Export, jira_sandbox: JiraSandbox, fault: dict[str, Any]
) -> None:
    jira_sandbox.settings(search_lag=0.15)
    jira_sandbox.fault(**CREATE, **fault, times=1)
    await five.run()
    await five.assert_exactly_once()
    assert len(creates(jira_sandbox)) == 1


@pytest.mark.parametrize("fault", [{"kind": "drop"}, {"kind": "status", "status": 500}])
async def test_a_request_without_effect_is_sent_again_after_jira_was_asked_twice(
    five: Export, jira_sandbox: JiraSandbox, fault: dict[str, Any]
) -> None:
    jira_sandbox.fault(**CREATE, **fault, times=1)
    started = time.monotonic()
    await five.run()
    await five.assert_exactly_once()
    assert time.monotonic() - started >= ASSUMED
    assert len(creates(jira_sandbox)) == 2
    first, second = (call["seq"] for call in creates(jira_sandbox))
    searches = [call["seq"] for call in jira_sandbox.journal("POST", "/search/jql")]
    assert sum(first < search < second for search in searches) == 2


async def test_other_chunks_go_on_while_one_is_unknown(
    engine: AsyncEngine, jira_sandbox: JiraSandbox
) -> None:
    export = await make_export(
        engine, jira_sandbox, tickets(120), QUICK.model_copy(update={"index_seconds": 2})
    )
    jira_sandbox.fault("lost", **CREATE, times=1)
    await export.run()
    await export.assert_exactly_once()
    first_search = jira_sandbox.journal("POST", "/search/jql")[0]["seq"]
    assert [call["seq"] < first_search for call in creates(jira_sandbox)] == [True, True, True]


async def test_a_refused_ticket_is_not_taken_for_a_lost_one(
    engine: AsyncEngine, jira_sandbox: JiraSandbox
) -> None:
    export = await make_export(engine, jira_sandbox, tickets(3))
    jira_sandbox.fault("status", **CREATE, status=429, retry_after=1, times=1)
    started = time.monotonic()
    await export.run()
    await export.assert_exactly_once()
    assert time.monotonic() - started >= 1


async def test_a_pause_that_one_run_was_asked_for_is_honoured_by_another_process(
    five: Export, jira_sandbox: JiraSandbox
) -> None:
    async with session_scope(five.engine) as session:
        await PauseRepository(session).pause(jira_sandbox.url, 1.5)
    started = time.monotonic()
    await five.run()
    assert time.monotonic() - started >= 1.4
    await five.assert_exactly_once()


async def test_a_pause_that_jira_asks_for_is_stored_for_other_processes(
    five: Export, jira_sandbox: JiraSandbox
) -> None:
    jira_sandbox.fault("status", method="GET", path="/myself$", status=429, retry_after=1, times=1)
    async with five.desk(await five.claim()) as desk:
        asking = asyncio.create_task(desk.client.myself())
        await until_asked(jira_sandbox, "GET", "/myself")
        await asyncio.sleep(0.3)
        async with session_scope(five.engine) as session:
            assert 0 < await PauseRepository(session).paused_seconds(jira_sandbox.url) <= 1
        await asking


async def test_a_run_that_is_under_way_hears_of_a_pause_that_another_one_was_asked_for(
    five: Export, jira_sandbox: JiraSandbox
) -> None:
    async with five.desk(await five.claim()) as desk:
        await desk.client.myself()
        async with session_scope(five.engine) as session:
            await PauseRepository(session).pause(jira_sandbox.url, 2.5)
        await asyncio.sleep(1)
        started = time.monotonic()
        await desk.client.myself()
        assert time.monotonic() - started > 1


async def test_a_run_that_died_after_sending_is_taken_up_without_a_second_issue(
    five: Export, jira_sandbox: JiraSandbox
) -> None:
    jira_sandbox.fault("slow_answer", **CREATE, seconds=5, times=1)
    fence = await five.claim()
    async with five.desk(fence) as desk:
        running = asyncio.create_task(run_steps(desk))
        await until_asked(jira_sandbox, "POST", "/issue/bulk")
        die()
    await asyncio.gather(running, return_exceptions=True)
    await five.fail(fence)
    assert all(t.jira_ticket_key is None for t in await five.tickets())
    await five.run()
    await five.assert_exactly_once()
    assert len(creates(jira_sandbox)) == 1


def die() -> None:
    """A cancelled task would wait for its answer; a killed process cannot."""
    for _ in range(2):
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()


async def test_a_cancelled_run_still_stores_the_answer_of_its_last_request(
    five: Export, jira_sandbox: JiraSandbox
) -> None:
    jira_sandbox.fault("slow_answer", **CREATE, seconds=0.4, times=1)
    running = asyncio.create_task(five.run())
    await until_asked(jira_sandbox, "POST", "/issue/bulk")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert all(t.jira_ticket_key for t in await five.tickets())


async def test_an_issue_with_an_older_text_gets_the_text_that_passed_validation(
    five: Export, jira_sandbox: JiraSandbox
) -> None:
    mark = {"session": str(five.session_id), "ticket": str(five.ids["t1"]), "hash": "older"}
    await put_issue(jira_sandbox, five, "An older title", mark)
    jira_sandbox.fault("drop", **CREATE, times=1)
    await five.run()
    await five.assert_exactly_once()


async def test_a_copy_that_a_person_made_in_jira_is_not_taken_for_ours(
    five: Export, jira_sandbox: JiraSandbox
) -> None:
    await put_issue(jira_sandbox, five, "CLONE - Create t1", None)
    jira_sandbox.fault("drop", **CREATE, times=1)
    await five.run()
    assert len(five.issues()) == 6
    assert len({t.jira_ticket_key for t in await five.tickets()}) == 5


async def test_an_issue_of_ours_without_its_proof_stops_the_run(
    five: Export, jira_sandbox: JiraSandbox
) -> None:
    await put_issue(jira_sandbox, five, "Create t1", None)
    jira_sandbox.fault("drop", **CREATE, times=1)
    with pytest.raises(AdminRequired, match="property"):
        await five.run()
    assert len(five.issues()) == 1


async def test_a_second_issue_made_by_a_broken_assumption_is_found_and_both_are_named(
    five: Export, jira_sandbox: JiraSandbox
) -> None:
    jira_sandbox.fault("late", **CREATE, seconds=ASSUMED + 0.5, times=1)
    jira_sandbox.fault("slow", method="POST", path="/issueLink$", seconds=1.0, times=1)
    await five.run()
    twice = {key: issues for key, issues in five.issues_by_ticket().items() if len(issues) > 1}
    assert set(twice) == set(five.ids)
    errors = [error for error in await five.errors() if error.error_code == "surplus-issue"]
    for key, (one, other) in twice.items():
        (message,) = [error.user_message for error in errors if error.related_ticket_id == five.ids[key]]
        assert one in message
        assert other in message
    assert set(await five.fixes()) == set(five.ids)
    said = " ".join(what_is_left(await five.tickets(), doubtful=True))
    assert all(key in said for issues in twice.values() for key in issues)


async def test_a_second_issue_that_comes_after_the_export_is_found_by_the_later_search(
    engine: AsyncEngine, jira_sandbox: JiraSandbox
) -> None:
    export = await make_export(engine, jira_sandbox, tickets(2))
    jira_sandbox.fault("late", **CREATE, seconds=ASSUMED + 3, times=1)
    await export.run()
    assert await export.fixes() == {}
    while len(export.issues()) < 4:  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    async with session_scope(engine) as session:
        for ticket_id in export.ids.values():
            await DeliveryRepository(session).search_again(
                export.session_id, ticket_id, timedelta(0), actor=FLOW
            )
        assert await DeliveryRepository(session).searches_due() == [export.session_id]
    async with export.open_desk(Fence("later", 0)) as desk:
        assert await find_surplus(desk.client, desk.ledger) == 2
        assert await find_surplus(desk.client, desk.ledger) == 2
    assert len([error for error in await export.errors() if error.error_code == "surplus-issue"]) == 2
    assert set(await export.fixes()) == {"t0", "t1"}
    async with session_scope(engine) as session:
        await DeliveryRepository(session).searched(export.session_id, 0, actor=FLOW)
        assert await DeliveryRepository(session).searches_due() == []


async def test_an_issue_that_moved_to_another_key_is_not_named_as_a_second_one(
    five: Export, jira_sandbox: JiraSandbox
) -> None:
    jira_sandbox.fault("lost", **CREATE, times=1)
    await five.run()
    async with session_scope(five.engine) as session:
        moved = text("UPDATE tickets SET jira_ticket_key = 'OLD-' || jira_issue_id WHERE session_id = :id")
        await session.execute(moved, {"id": five.session_id})
    async with five.open_desk(Fence("later", 0)) as desk:
        assert await find_surplus(desk.client, desk.ledger) == 0


async def test_a_refused_ticket_that_was_lost_before_is_asked_for_before_it_is_sent_again(
    engine: AsyncEngine, jira_sandbox: JiraSandbox
) -> None:
    export = await make_export(engine, jira_sandbox, tickets(2))
    jira_sandbox.fault("late", **CREATE, seconds=ASSUMED + 2, times=1)
    jira_sandbox.fault("partial", **CREATE, elements=[0, 1], times=1)
    with pytest.raises(UserFixable, match="2 of 2"):
        await export.run()
    while len(export.issues()) < 2:  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    await export.run()
    await export.assert_exactly_once()


async def test_jira_away_for_long_is_temporary_and_the_next_run_goes_on(
    five: Export, jira_sandbox: JiraSandbox
) -> None:
    jira_sandbox.fault("status", method="POST", path="/search/jql$", status=503)
    jira_sandbox.fault("drop", **CREATE, times=1)
    with pytest.raises(Temporary):
        await five.run()
    jira_sandbox.clear_faults()
    await five.run()
    await five.assert_exactly_once()


# Files


@pytest.mark.parametrize(
    "fault",
    [{"kind": "lost"}, {"kind": "garbled"}, {"kind": "late", "seconds": 0.3}, {"kind": "drop"}],
    ids=lambda fault: fault["kind"],
)
async def test_a_file_whose_upload_was_lost_is_on_its_issue_once(
    five: Export, jira_sandbox: JiraSandbox, fault: dict[str, Any]
) -> None:
    jira_sandbox.fault(**UPLOAD, **fault, times=1)
    await five.run()
    await five.assert_exactly_once()


async def test_of_a_file_that_is_there_twice_the_second_is_deleted(
    five: Export, jira_sandbox: JiraSandbox
) -> None:
    await upload_twice(five, jira_sandbox)
    await five.run()
    await five.assert_exactly_once()
    assert "attachment.deletion_started" in await five.events()


async def test_the_same_file_that_a_person_put_there_is_left_alone(
    five: Export, jira_sandbox: JiraSandbox
) -> None:
    await upload_twice(five, jira_sandbox, COLLEAGUE)
    await five.run()
    (issue,) = [issue for issue in five.issues() if issue["attachments"]]
    assert len({file["author"] for file in issue["attachments"]}) == 2
    assert len(issue["attachments"]) == 3


async def test_an_upload_that_a_run_died_in_is_looked_at_again_later(
    five: Export, jira_sandbox: JiraSandbox
) -> None:
    jira_sandbox.fault("slow_answer", **UPLOAD, seconds=5, times=1)
    fence = await five.claim()
    async with five.desk(fence) as desk:
        running = asyncio.create_task(run_steps(desk))
        await until_asked(jira_sandbox, "POST", "/attachments")
        die()
    await asyncio.gather(running, return_exceptions=True)
    await five.fail(fence)
    await five.run()
    await five.assert_exactly_once()
    async with session_scope(five.engine) as session:
        assert await DeliveryRepository(session).had_unknown_outcomes(five.session_id)


async def test_a_second_file_that_we_may_not_delete_becomes_a_manual_fix(
    five: Export, jira_sandbox: JiraSandbox
) -> None:
    await upload_twice(five, jira_sandbox)
    jira_sandbox.settings(revoked_permissions=["DELETE_OWN_ATTACHMENTS", "DELETE_ALL_ATTACHMENTS"])
    await five.run()
    assert await five.fixes() == {"t0": ["attachment"]}


async def upload_twice(five: Export, sandbox: JiraSandbox, who: tuple[str, str] | None = None) -> None:
    """Let a run end before the file, then put the file there two times."""
    sandbox.fault("status", **UPLOAD, status=401, times=1)
    with pytest.raises(AdminRequired):
        await five.run()
    (t0,) = [t for t in await five.tickets() if t.key == "t0"]
    assert t0.attachment is not None
    async with JiraClient(sandbox.url, *(who or (sandbox.email, sandbox.token))) as client:
        for _ in range(2):
            content = t0.attachment.content.encode()
            await client.add_attachment(str(t0.jira_ticket_key), t0.attachment.filename, content, within=30)


async def test_a_file_that_jira_does_not_take_becomes_a_manual_fix(
    five: Export, jira_sandbox: JiraSandbox
) -> None:
    jira_sandbox.settings(upload_limit=3)
    await five.run()
    assert await five.fixes() == {"t0": ["attachment"]}


async def put_issue(sandbox: JiraSandbox, five: Export, summary: str, mark: dict[str, str] | None) -> None:
    """An issue with the session's label, as if it had come from somewhere else."""
    fields = {
        "project": {"key": "LAKE"},
        "issuetype": {"name": "Task"},
        "summary": summary,
        "labels": [session_label(str(five.session_id))],
    }
    properties = [{"key": PROPERTY, "value": mark}] if mark else []
    async with JiraClient(sandbox.url, sandbox.email, sandbox.token) as client:
        made = await client.create_issues([{"fields": fields, "properties": properties}], within=30)
    assert made.issues
    sandbox.call("DELETE", "/journal")
