"""The block that DRUPAL_TICKETS_NOTIFY names tells of failed sessions and of reviews that wait."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Empty, Queue
from typing import Any

import pytest

from tests.prefect_api import PrefectApi, prefect_api
from tests.stack import RunningStack
from tests.trouble import FILES, PROJECT

pytestmark = pytest.mark.stack
BLOCK = "custom-webhook/told-by-a-test"


@contextmanager
def webhook() -> Iterator[tuple[str, Queue[dict[str, str]]]]:
    """A stand-in for a chat: its address, and what it received."""
    received: Queue[dict[str, str]] = Queue()

    class Chat(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nobody reads it."""

    with HTTPServer(("127.0.0.1", 0), Chat) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/", received
        server.shutdown()


@pytest.fixture(scope="module")
def api(stack: RunningStack) -> Iterator[PrefectApi]:
    with prefect_api(stack) as api:
        yield api


def bootstrap(stack: RunningStack, notify: str) -> tuple[int, list[str]]:
    """Set the stage again; returns what it says of notifications."""
    environment = {
        **os.environ,
        **stack.environment,
        **stack.connection.environment(),
        "JIRA_URL": stack.connection.jira_url,
        "DRUPAL_TICKETS_NOTIFY": notify,
    }
    command = [sys.executable, "-m", "deployments.bootstrap"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    lines = [line for line in done.stdout.splitlines() if "People are told" in line or "NOTIFY" in line]
    return done.returncode, lines


def save_block(stack: RunningStack, url: str) -> None:
    code = (
        "from prefect.blocks.notifications import CustomWebhookNotificationBlock as Webhook\n"
        f"Webhook(name='told', url='{url}', json_data={{'subject': '{{{{subject}}}}', 'body': '{{{{body}}}}'}})"
        f".save('{BLOCK.partition('/')[2]}', overwrite=True)"
    )
    environment = {**os.environ, **stack.environment, **stack.connection.environment()}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=120)


def told(received: Queue[dict[str, str]]) -> dict[str, dict[str, str]]:
    """The next two messages, by how their subject begins."""
    try:
        messages = [received.get(timeout=60) for _ in range(2)]
    except Empty:
        pytest.fail("nobody was told")
    return {message["subject"].partition(":")[0]: message for message in messages}


def test_people_are_told_of_reviews_and_failures_until_it_is_switched_off(
    stack: RunningStack, api: PrefectApi
) -> None:
    with webhook() as (url, received):
        save_block(stack, url)
        assert [line.rpartition(": ")[2] for line in bootstrap(stack, BLOCK)[1]] == ["created", "created"]
        new = {"requested_by": "a test", "jira_project_key": PROJECT, "files": FILES}
        ready = api.start("prepare-session", site_name="<Ready> for review", **new)
        refused = api.start("prepare-session", site_name="No block", jira_site="nobody", **new)
        assert api.end_of(ready)[0] == "COMPLETED"
        assert api.end_of(refused)[0] == "FAILED"
        messages = told(received)
        failure, review = messages["Session failed"], messages["Tickets wait for review"]
        assert "There is no Jira block" in failure["body"]
        assert "--reset-retries" in failure["body"]
        assert "&lt;Ready&gt; for review" in review["subject"]
        assert review["body"].startswith("2 tickets.")
        assert "drupal-tickets session resume " in review["body"]
    assert [line.rpartition(": ")[2] for line in bootstrap(stack, "off")[1]] == ["removed", "removed"]


def test_a_block_that_does_not_exist_is_refused(stack: RunningStack) -> None:
    code, (line,) = bootstrap(stack, "slack-webhook/nobody")
    assert code == 20
    assert "slack-webhook/nobody" in line
