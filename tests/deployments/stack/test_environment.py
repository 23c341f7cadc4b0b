import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from deployments.settings import Settings
from deployments.stack import environment
from deployments.stack.environment import SERVER_CREDENTIAL
from deployments.stack.home import Home
from deployments.stack.server import protection
from deployments.stack.state import Connection

SECRETS = {
    "JIRA_API_TOKEN": "hunter-jira",
    "JIRA_OAUTH_CLIENT_SECRET": "hunter-oauth",
    "ANTHROPIC_API_KEY": "hunter-model",
    "DATABASE_URL": "postgresql://u:hunter-db@db/tickets",
    "DRUPAL_TICKETS_ENCRYPTION_KEY": "hunter-key",
    "PREFECT_SERVER_API_AUTH_STRING": "hunter:server",
}
CONNECTION = Connection(
    database_url=SECRETS["DATABASE_URL"],
    prefect_api_url="http://127.0.0.1:4242/api",
    ui_url="http://127.0.0.1:4242",
)

# As Prefect itself reads them: a name it does not know would pass unnoticed.
READ = """
import json
from prefect.settings import get_current_settings
s = get_current_settings()
print(json.dumps({
    "csrf": s.server.api.csrf_protection_enabled,
    "cors": s.server.api.cors_allowed_origins,
    "analytics": s.server.analytics_enabled,
    "promotion": s.server.ui.show_promotional_content,
    "ui_api_url": s.server.ui.api_url,
    "database": s.server.database.connection_url.get_secret_value(),
    "recorder": [s.server.services.task_run_recorder.read_batch_size, s.server.services.task_run_recorder.batch_size,
                 s.server.services.task_run_recorder.flush_interval],
    "persister": [s.server.services.event_persister.read_batch_size, s.server.services.event_persister.batch_size],
    "planned": s.server.services.scheduler.min_scheduled_time.total_seconds(),
    "home": str(s.home),
    "heartbeat": s.flows.heartbeat_frequency,
    "retries": s.client.max_retries,
    "query": s.worker.query_seconds,
    "csrf_client": s.client.csrf_support_enabled,
}))
"""


def as_prefect_reads(variables: dict[str, str]) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-c", READ], env=variables, capture_output=True, text=True, check=True
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.prepare()
    return home


def test_the_server_is_set_up_as_it_must_be(home: Home) -> None:
    given = environment.for_server(home, "postgresql+asyncpg:///prefect", CONNECTION)
    read = as_prefect_reads({**given, **protection(given, "127.0.0.1", 4242)})
    assert read["csrf"] is True
    assert read["cors"] == "http://127.0.0.1:4242,http://localhost:4242"
    assert read["analytics"] is False
    assert read["promotion"] is False
    assert read["ui_api_url"] == "http://127.0.0.1:4242/api"
    assert read["database"] == "postgresql+asyncpg:///prefect"
    assert read["recorder"] == [100, 100, 1]
    assert read["persister"] == [100, 200]
    assert read["planned"] == 120
    assert read["home"] == str(home.prefect)


def test_a_worker_is_set_up_as_it_must_be(home: Home) -> None:
    read = as_prefect_reads(environment.for_worker(Settings(home=home.root), CONNECTION, 3))
    assert read["heartbeat"] == 30
    assert read["retries"] == 8
    assert read["query"] == 3
    assert read["csrf_client"] is True


def test_a_run_finds_the_python_that_runs_us(home: Home) -> None:
    path = environment.for_worker(Settings(home=home.root), CONNECTION, 3)["PATH"]
    assert path.split(os.pathsep)[0] == str(Path(sys.executable).parent)


def test_each_part_knows_only_the_secrets_that_it_needs(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    settings = Settings.from_environment({**os.environ, "DRUPAL_TICKETS_HOME": str(home.root)})

    def known(variables: dict[str, str]) -> set[str]:
        return {name for name, value in SECRETS.items() if variables.get(name) == value}

    assert known(environment.for_sandbox()) == set()
    assert known(environment.for_server(home, "postgresql:///prefect", CONNECTION)) == {SERVER_CREDENTIAL}
    assert known(environment.for_worker(settings, CONNECTION, 1)) == set(SECRETS) - {
        "JIRA_API_TOKEN",
        "JIRA_OAUTH_CLIENT_SECRET",
        "ANTHROPIC_API_KEY",
        SERVER_CREDENTIAL,
    }
    assert known(environment.for_bootstrap(settings, CONNECTION)) == set(SECRETS)


def test_the_key_of_prefects_blocks_is_kept_in_the_home(home: Home) -> None:
    first = environment.for_server(home, "postgresql:///prefect", CONNECTION)
    again = environment.for_server(home, "postgresql:///prefect", CONNECTION)
    assert first["PREFECT_SERVER_ENCRYPTION_KEY"] == again["PREFECT_SERVER_ENCRYPTION_KEY"]
    assert (home.keys / "prefect.key").stat().st_mode & 0o777 == 0o600
