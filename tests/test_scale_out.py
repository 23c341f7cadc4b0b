"""Eight sessions at once on two workers, two Prefect servers, Redis and Postgres: the commands of compose.yaml.

Postgres is the embedded one, and addresses are those of this machine; all else is started as docs/deploy.md says.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from deployments.stack.home import Home
from deployments.stack.postgres import Postgres
from tests.cluster import VALUES, Cluster
from tests.jira_sandbox import EMAIL, TOKEN, JiraSandbox
from tests.postgres import run_sql
from tests.stack import bare_environment

SESSIONS = 8
MINUTES = 60
CLI = Path(sys.executable).with_name("drupal-tickets")


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[Postgres]:
    home = Home(tmp_path / "database")
    home.prepare()
    postgres = Postgres(home)
    asyncio.run(postgres.start())
    run_sql(make_url(postgres.url("postgres")), "ALTER SYSTEM SET max_connections = 300")
    postgres.stop()
    asyncio.run(postgres.start())
    run_sql(make_url(postgres.url("postgres")), "CREATE DATABASE drupal_tickets", "CREATE DATABASE prefect")
    yield postgres
    postgres.stop()


@pytest.fixture
def cluster(postgres: Postgres, own_jira_sandbox: JiraSandbox, tmp_path: Path) -> Iterator[Cluster]:
    subprocess.run([str(Path(__file__).with_name("install_redis.sh"))], check=True, timeout=300)
    for number in range(SESSIONS):
        own_jira_sandbox.add_project(f"SITE{number}", f"Project {number}")
    jira = {"JIRA_URL": own_jira_sandbox.url, "JIRA_EMAIL": EMAIL, "JIRA_API_TOKEN": TOKEN}
    cluster = Cluster(tmp_path, postgres.url, {**VALUES, **jira})
    try:
        set_up(cluster)
        yield cluster
    finally:
        cluster.stop()


def set_up(cluster: Cluster) -> None:
    cluster.start("redis")
    cluster.run("migrate-prefect")
    cluster.run("migrate")
    for server in cluster.servers:
        cluster.start(server)
        cluster.wait_for(server, f"{cluster.api_url(server)}/health")
    cluster.start("prefect-services")
    cluster.run("bootstrap")
    cluster.start("worker-1", "prefect-1")
    cluster.start("worker-2", "prefect-2")
    cluster.start("maintenance", "prefect-2")


class Person:
    """One of those who use the cluster at once, each with a spec, a project and a server to talk to."""

    def __init__(self, number: int, cluster: Cluster) -> None:
        self.number = number
        self.project = f"SITE{number}"
        self.cluster = cluster
        self.server = list(cluster.servers)[number % 2]
        self.spec = cluster.folder / f"spec-{number}"
        self.spec.mkdir()
        rows = "".join(f"Role {one} of site {number},role_{one}_of_{number},a\n" for one in range(5))
        (self.spec / "Roles.csv").write_text(f"Name,Machine name,X\n{rows}")

    def run(self) -> dict[str, Any]:
        """The whole session on one command; again where the worker died under it."""
        name = ("--site-name", f"Site {self.number}", "--project-key", self.project)
        document = self._cli("run", str(self.spec), *name, "--yes")
        end = time.monotonic() + 5 * MINUTES
        while document["session"]["status"] != "completed" and time.monotonic() < end:
            time.sleep(5)
            document = self._cli("session", "resume", document["session"]["id"], "--yes")
        return document

    def _cli(self, *arguments: str) -> dict[str, Any]:
        _, environment = self.cluster.resolved("worker-1", self.server)
        bare = bare_environment(self.cluster.folder / f"home-{self.number}")
        command = [str(CLI), *arguments, "--requested-by", f"person {self.number}", "--json"]
        done = subprocess.run(
            command, env={**bare, **environment}, capture_output=True, text=True, check=False, timeout=600
        )
        (self.cluster.folder / f"person-{self.number}.log").write_text(done.stdout + done.stderr)
        return dict(json.loads(done.stdout))


def wait_until_busy(jira: JiraSandbox) -> None:
    """Until the first issue is in Jira: some sessions export, others write."""
    end = time.monotonic() + 5 * MINUTES
    while not jira.issues() and time.monotonic() < end:
        time.sleep(0.2)


@pytest.mark.long
async def test_eight_sessions_at_once_survive_the_death_of_a_worker(
    cluster: Cluster, own_jira_sandbox: JiraSandbox
) -> None:
    people = [Person(number, cluster) for number in range(SESSIONS)]
    with ThreadPoolExecutor(SESSIONS) as pool:
        going_on = [pool.submit(person.run) for person in people]
        wait_until_busy(own_jira_sandbox)
        cluster.kill("worker-1")
        cluster.start("worker-1", "prefect-1")  # as `restart: unless-stopped` does
        documents = [future.result() for future in going_on]

    assert [one["session"]["status"] for one in documents] == ["completed"] * SESSIONS
    for person, document in zip(people, documents, strict=True):
        issues = own_jira_sandbox.issues(person.project)
        keys = [ticket["jira_key"] for ticket in document["tickets"]]
        assert sorted(issue["key"] for issue in issues) == sorted(keys)
        assert len(keys) == 5
        for issue in issues:
            text = json.dumps(issue)
            assert f"of_{person.number}" in text
            assert not [
                other for other in people if other is not person and f"role_0_of_{other.number}" in text
            ]
    await each_session_has_its_own(
        documents, make_url(cluster.database("drupal_tickets")).render_as_string(False)
    )


async def each_session_has_its_own(documents: list[dict[str, Any]], url: str) -> None:
    """Nothing in the database crosses over: who asked, and what is running."""
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        asked = await connection.exec_driver_sql(
            "SELECT trail_id::text, claimed_actor FROM audit_log WHERE claimed_actor LIKE 'person %' GROUP BY 1, 2"
        )
        running = await connection.exec_driver_sql(
            "SELECT count(*) FROM session_tasks WHERE status = 'running'"
        )
        pairs, left = asked.all(), running.scalar_one()
    await engine.dispose()
    expected = {(one["session"]["id"], f"person {number}") for number, one in enumerate(documents)}
    assert {(trail, actor) for trail, actor in pairs} == expected
    assert left == 0
