"""What a running stack is to the outside: one stack for all tests of this file."""

import socket
import subprocess
import sys
from collections.abc import Iterator

import httpx
import psutil
import pytest
import yaml
from prefect.settings import PREFECT_API_URL, temporary_settings

from deployments.bootstrap import POOLS
from deployments.server_blocks import ensure_jira_block
from deployments.settings import Settings
from deployments.stack.ensure import ensure_stack
from deployments.stack.home import Home
from deployments.stack.locks import FileLock
from deployments.stack.postgres import PREFECT_DATABASE, Postgres
from deployments.stack.state import running
from deployments.variants import DEPLOYMENTS
from tasks.core.errors import AdminRequired
from tests.planted import in_files, in_tables, open_to_others
from tests.stack import UP, RunningStack

pytestmark = pytest.mark.stack
NAMES = {one["name"] for one in yaml.safe_load(DEPLOYMENTS.read_text())["deployments"]}


@pytest.fixture
def api(stack: RunningStack) -> Iterator[httpx.Client]:
    """The REST API as a program of a person uses it: with a CSRF token."""
    with httpx.Client(base_url=stack.connection.prefect_api_url, trust_env=False, timeout=30) as client:
        token = client.get("csrf-token", params={"client": "test"}).json()["token"]
        client.headers.update({"Prefect-Csrf-Client": "test", "Prefect-Csrf-Token": token})
        yield client


def processes_of(stack: RunningStack) -> list[psutil.Process]:
    state = running(stack.home)
    assert state is not None
    supervisor = psutil.Process(state.supervisor.pid)
    return [supervisor, *supervisor.children(recursive=True)]


def test_everything_is_deployed(api: httpx.Client) -> None:
    deployments = api.post("deployments/filter", json={}).raise_for_status().json()
    assert {one["name"] for one in deployments} == NAMES
    assert {one["work_pool_name"] for one in deployments} == set(POOLS)


def test_the_schedules_have_planned_their_runs(api: httpx.Client) -> None:
    deployments = api.post("deployments/filter", json={}).raise_for_status().json()
    planned = {one["name"]: one["schedules"] for one in deployments if one["schedules"]}
    assert all(schedule["active"] for schedules in planned.values() for schedule in schedules)
    assert len(planned) == 4


def test_runs_without_a_sign_of_life_will_be_crashed(api: httpx.Client) -> None:
    [automation] = api.post("automations/filter", json={}).raise_for_status().json()
    assert automation["enabled"]
    assert set(automation["trigger"]["after"]) == {"prefect.flow-run.heartbeat", "prefect.flow-run.Running"}
    assert automation["trigger"]["within"] == 90
    assert automation["actions"][0]["state"] == "CRASHED"


def test_the_sandbox_and_the_ui_answer(stack: RunningStack) -> None:
    assert "<html" in httpx.get(stack.connection.ui_url, trust_env=False).text.lower()
    settings = httpx.get(f"{stack.connection.ui_url}/ui-settings", trust_env=False).json()
    assert settings["api_url"] == stack.connection.prefect_api_url
    assert httpx.get(f"{stack.connection.jira_url}/healthz", trust_env=False).is_success


def test_a_page_of_another_site_cannot_drive_the_server(stack: RunningStack) -> None:
    url = f"{stack.connection.prefect_api_url}/deployments/filter"
    assert httpx.post(url, json={}, trust_env=False).status_code == 403
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    assert httpx.options(url, headers=asked, trust_env=False).status_code == 400
    renamed = httpx.get(
        f"{stack.connection.prefect_api_url}/health", headers={"Host": "evil.example"}, trust_env=False
    )
    assert renamed.status_code == 400


def test_the_uis_own_pages_may(stack: RunningStack) -> None:
    origin = stack.connection.ui_url.replace("127.0.0.1", "localhost")
    answer = httpx.get(
        f"{stack.connection.prefect_api_url}/health", headers={"Origin": origin}, trust_env=False
    )
    assert answer.headers["access-control-allow-origin"] == origin


def test_nothing_listens_beyond_this_machine(stack: RunningStack) -> None:
    listening = [
        connection.laddr.ip
        for process in processes_of(stack)
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert set(listening) == {"127.0.0.1"}
    assert socket.gethostbyname("localhost") in {"127.0.0.1", "::1"}


def test_no_secret_stands_in_the_process_list(stack: RunningStack) -> None:
    keys = [path.read_text() for path in stack.home.keys.iterdir()]
    lines = [" ".join(process.cmdline()) for process in processes_of(stack)]
    assert len(keys) == 2
    assert not [line for line in lines for secret in (*keys, "sandbox-token", "postgresql") if secret in line]


def test_no_file_folder_or_socket_of_the_home_is_open_to_others(stack: RunningStack) -> None:
    assert open_to_others(stack.home.root) == []


async def test_the_keys_are_nowhere_but_in_their_folder(stack: RunningStack) -> None:
    keys = {path.name: path.read_text().strip() for path in stack.home.keys.iterdir()}
    assert in_files(stack.home.root, keys) == []
    assert await in_tables(stack.connection.database_url, keys) == []
    assert await in_tables(Postgres(stack.home).url(PREFECT_DATABASE), keys) == []


def test_setting_the_stage_again_changes_nothing_that_is_right(stack: RunningStack) -> None:
    environment = {
        **stack.environment,
        **stack.connection.environment(),
        "JIRA_URL": stack.connection.jira_url,
    }
    command = [sys.executable, "-m", "deployments.bootstrap"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    said = [line.rpartition(": ") for line in done.stdout.splitlines()]
    words = {word for what, _, word in said if not what.startswith("deployment")}
    not_set = {f"left alone, {name} is not set" for name in ("ANTHROPIC_API_KEY", "DRUPAL_TICKETS_NOTIFY")}
    assert words <= {"unchanged", "0 dead runs ended", *not_set}
    assert {what.removeprefix("deployment ") for what, _, _ in said if what.startswith("deployment")} == NAMES


def test_a_shared_server_is_never_pointed_at_another_database(stack: RunningStack) -> None:
    other = {"DATABASE_URL": "postgresql://someone:hunter2@elsewhere/tickets"}
    environment = {**stack.environment, **stack.connection.environment(), **other}
    command = [sys.executable, "-m", "deployments.bootstrap"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 20
    assert "DATABASE_URL says postgresql://someone:***@elsewhere/tickets" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert "hunter2" not in done.stdout + done.stderr


async def test_a_shared_server_is_never_pointed_at_another_jira(stack: RunningStack) -> None:
    other = Settings.from_environment({"JIRA_URL": "https://example.atlassian.net"})
    server = {PREFECT_API_URL: stack.connection.prefect_api_url}
    with (
        temporary_settings(server),
        pytest.raises(AdminRequired, match="JIRA_URL says"),
    ):
        await ensure_jira_block(other, own_server=False)


def test_a_second_user_joins_what_runs(stack: RunningStack) -> None:
    before = running(stack.home)
    with ensure_stack(stack.settings) as connection:
        assert connection == stack.connection
    assert running(stack.home) == before


def test_a_second_up_says_where_the_first_is(stack: RunningStack) -> None:
    done = subprocess.run(UP, env=stack.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 10
    assert f"A stack already runs for {stack.home.root} at {stack.connection.ui_url}" in done.stderr
    assert "Traceback" not in done.stderr
    assert not FileLock(Home(stack.home.root).run / "supervisor.lock").free()
