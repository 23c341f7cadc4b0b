"""What Prefect cannot show or tell at the moment: no work depends on it, and who watches is served all the same."""

import json
from collections.abc import Iterator

import pytest

from tests.own_runs import start, waiting_run
from tests.prefect_api import PrefectApi, prefect_api
from tests.prefect_proxy import Proxy, prefect_proxy
from tests.stack import RunningStack
from tests.trouble import Trouble, at_review

pytestmark = pytest.mark.stack
PAGE = b'"key":"session-'  # of the artifact that says what comes next


@pytest.fixture(scope="module")
def api(stack: RunningStack) -> Iterator[PrefectApi]:
    with prefect_api(stack) as api:
        yield api


@pytest.fixture
def proxy(stack: RunningStack) -> Iterator[Proxy]:
    with prefect_proxy(stack) as proxy:
        yield proxy


@pytest.fixture
def reviewed(stack: RunningStack, api: PrefectApi) -> Trouble:
    return Trouble(stack, api, at_review(stack, 2))


def test_pages_that_cannot_be_shown_fail_no_run(reviewed: Trouble, proxy: Proxy) -> None:
    proxy.broken = "artifacts"
    run = delivery_of(reviewed)
    assert start(reviewed.stack, reviewed.api, run, PREFECT_API_URL=proxy.url).wait(120) == 0
    assert proxy.refused
    assert reviewed.api.end_of(run)[0] == "COMPLETED"
    assert not [event for event in reviewed.events() if event.endswith(".failed")], reviewed.story()
    reviewed.assert_completed()


@pytest.mark.long
def test_a_server_that_is_away_when_the_page_is_due_fails_no_run(reviewed: Trouble, proxy: Proxy) -> None:
    proxy.away_at = (PAGE, 5.0)
    run = delivery_of(reviewed)
    assert start(reviewed.stack, reviewed.api, run, PREFECT_API_URL=proxy.url).wait(120) == 0
    assert "artifacts/" in proxy.refused
    assert reviewed.api.end_of(run)[0] == "COMPLETED"
    reviewed.assert_completed()


@pytest.mark.long
def test_who_watches_is_told_although_the_event_stream_is_refused(reviewed: Trouble, proxy: Proxy) -> None:
    elsewhere = {"DATABASE_URL": reviewed.stack.connection.database_url, "PREFECT_API_URL": proxy.url}
    run = reviewed.start("deliver-session")
    seen = reviewed.watch(run, "asking every half second", **elsewhere)
    assert seen.returncode == 0, seen.stderr
    assert "Following" not in seen.stderr
    assert "Creating issues in Jira" in seen.stderr
    assert json.loads(seen.stdout)["session"]["stage"] == "completed"


def delivery_of(trouble: Trouble) -> str:
    return waiting_run(trouble.api, "deliver-session", session_id=str(trouble.id), requested_by="trouble")
