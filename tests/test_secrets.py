"""Secrets planted everywhere an installation has one, and looked for wherever they could come to light.

The session fails on the way in every manner that quotes something: a Jira that repeats the token in its answers, a
model that refuses, an address with a password in it, a database that is not there.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import URL, make_url

from deployments.settings import Settings
from deployments.stack.ensure import ensure_stack
from deployments.stack.home import Home
from deployments.stack.postgres import PREFECT_DATABASE, Postgres
from deployments.stack.state import Connection
from tests.jira_sandbox import JiraSandbox
from tests.model_stand_in import KEY, ModelStandIn
from tests.planted import in_files, in_tables, open_to_others, watched_processes
from tests.postgres import run_sql
from tests.stack import bare_environment, claim_ports

EMAIL = "planted@example.com"
SECRETS = {
    "Jira token": "planted-jira-token",
    "model key": KEY,
    "OAuth secret": "planted-oauth-secret",
    "database password": "planted-database-password",
    "encryption key": "cGxhbnRlZC1lbmNyeXB0aW9uLWtleS0zMi1ieXRlcyE=",
    "server credential": "planted-server-password",
    "password in an address": "planted-address-password",
    "signature in an address": "planted-signature",
}
# Prefect stores parameters as they are given; docs/security.md says so. Everywhere else they must not be.
GIVEN_AS_PARAMETER = ("password in an address", "signature in an address")


@dataclass
class Planted:
    """A stack that was told all secrets, and what its commands said."""

    home: Home
    environment: dict[str, str]
    connection: Connection
    said: list[str] = field(default_factory=list)

    def cli(self, *arguments: str, **environment: str) -> dict[str, Any]:
        """Run a command; what it prints is kept."""
        done = subprocess.run(
            [Path(sys.executable).with_name("drupal-tickets"), *arguments, "--json"],
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
        self.said += [done.stdout, done.stderr]
        return dict(json.loads(done.stdout)) if done.stdout else {}


@pytest.fixture
def jira(tmp_path: Path) -> Iterator[JiraSandbox]:
    sandbox = JiraSandbox(tmp_path, logins=(f"{EMAIL}:{SECRETS['Jira token']}:member",))
    sandbox.start()
    yield sandbox
    sandbox.stop()


@pytest.fixture
def database(postgres_server: URL, database_url: str) -> str:
    """The application's database, entered with a password."""
    url = make_url(database_url)
    password = SECRETS["database password"]
    run_sql(
        postgres_server,
        "DROP ROLE IF EXISTS planted",
        f"CREATE ROLE planted SUPERUSER LOGIN PASSWORD '{password}'",
    )
    return url.set(username="planted", password=password).render_as_string(hide_password=False)


@pytest.fixture
def planted(
    jira: JiraSandbox, database: str, model_stand_in: ModelStandIn, tmp_path: Path
) -> Iterator[Planted]:
    home = Home(tmp_path / "home")
    claim_ports(home.root)
    environment = {
        **bare_environment(home.root),
        "DATABASE_URL": database,
        "JIRA_URL": jira.url,
        "JIRA_EMAIL": EMAIL,
        "JIRA_API_TOKEN": SECRETS["Jira token"],
        "JIRA_OAUTH_CLIENT_ID": "planted-client",
        "JIRA_OAUTH_CLIENT_SECRET": SECRETS["OAuth secret"],
        "ANTHROPIC_API_KEY": SECRETS["model key"],
        "ANTHROPIC_BASE_URL": model_stand_in.url,
        "DRUPAL_TICKETS_ENCRYPTION_KEY": SECRETS["encryption key"],
        "PREFECT_SERVER_API_AUTH_STRING": f"team:{SECRETS['server credential']}",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name in set(os.environ) - set(environment):
            patch.delenv(name)
        for name, value in environment.items():
            patch.setenv(name, value)
        with ensure_stack(Settings.from_environment(environment)) as connection:
            yield Planted(home, environment, connection)


def fail_in_every_manner(planted: Planted, jira: JiraSandbox, model: ModelStandIn, spec: Path) -> str:
    """A session that gets through at last; its id."""
    token = SECRETS["Jira token"]
    name = ("--site-name", "Planted", "--project-key", "DEMO", "--yes")
    planted.cli("session", "list", DATABASE_URL="postgresql://u:planted-database-password@127.0.0.1:1/x")

    jira.fault("status", path="myself|project|mypermissions", status=401, message=f"{token} is not allowed")
    document = planted.cli("run", str(spec), *name)
    jira.clear_faults()
    session = str(document["session"]["id"])

    model.be(faults={"refuse": 0.5, "gibberish": 0.5})
    jira.fault("status", method="POST", path="issue", status=400, message=f"Authorization: Basic {token}")
    planted.cli("session", "resume", session, "--yes")
    planted.cli("session", "errors", session)
    jira.clear_faults()
    document = planted.cli("session", "resume", session, "--yes", "--reset-retries")
    assert document["session"]["status"] == "completed", planted.said[-1]

    trigger_with_a_secret_address(planted)
    planted.cli("doctor")
    planted.cli("doctor", JIRA_URL="http://someone:planted-address-password@127.0.0.1:1")
    planted.cli("session", "show", session, "--timeline")
    return session


def trigger_with_a_secret_address(planted: Planted) -> None:
    """As a program of somebody would, through the API; the run has to end and say why."""
    credential = ("team", SECRETS["server credential"])
    address = "https://someone:planted-address-password@127.0.0.1:9/spec.zip?signature=planted-signature"
    parameters = {
        "site_name": "By address",
        "jira_project_key": "DEMO",
        "requested_by": "a program",
        "spec": [address],
    }
    with httpx.Client(
        base_url=planted.connection.prefect_api_url, auth=credential, trust_env=False, timeout=30
    ) as api:
        token = api.get("csrf-token", params={"client": "test"}).json()["token"]
        api.headers.update({"Prefect-Csrf-Client": "test", "Prefect-Csrf-Token": token})
        deployment = api.get("deployments/name/prepare-session/prepare-session").json()["id"]
        made = api.post(f"deployments/{deployment}/create_flow_run", json={"parameters": parameters})
        run = made.raise_for_status().json()["id"]
        for _ in range(240):
            state = api.get(f"flow_runs/{run}").json()["state"]
            if state["type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED"):
                break
            time.sleep(0.5)
        assert state["type"] == "FAILED"
        planted.said.append(json.dumps(state))


@pytest.mark.long
async def test_no_secret_comes_to_light(
    planted: Planted, jira: JiraSandbox, model_stand_in: ModelStandIn, tmp_path: Path
) -> None:
    spec = tmp_path / "spec"
    spec.mkdir()
    (spec / "Roles.csv").write_text("Name,Machine name,X\nEditor,editor,a\nIntern,intern,a\n")
    assert jira.process is not None
    with watched_processes(SECRETS, but=[jira.process.pid, os.getpid()]) as shown:
        fail_in_every_manner(planted, jira, model_stand_in, spec)

    given = {name: secret for name, secret in SECRETS.items() if name not in GIVEN_AS_PARAMETER}
    prefect = Postgres(planted.home).url(PREFECT_DATABASE)
    assert not shown
    assert not [name for name, secret in SECRETS.items() for text in planted.said if secret in text]
    assert await in_tables(planted.environment["DATABASE_URL"], SECRETS) == []
    assert await in_tables(prefect, given) == []
    only_parameters = await in_tables(prefect, {name: SECRETS[name] for name in GIVEN_AS_PARAMETER})
    assert {found.partition(":")[0] for found in only_parameters} <= {"flow_run"}
    assert in_files(planted.home.logs, SECRETS) == []
    assert in_files(planted.home.root, given) == []
    assert open_to_others(planted.home.root) == []
