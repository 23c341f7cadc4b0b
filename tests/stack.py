"""The whole local stack, started once for the test session as `drupal-tickets run` would start it."""

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from deployments.settings import VARIABLES, Settings
from deployments.stack.ensure import ensure_stack
from deployments.stack.home import Home, write_private
from deployments.stack.state import Connection

UP = (sys.executable, "-c", "from deployments.cli.app import main; main()", "up")


@dataclass(frozen=True)
class RunningStack:
    """Where the parts answer, and what commands need in their environment to find them."""

    settings: Settings
    connection: Connection
    environment: dict[str, str]

    @property
    def home(self) -> Home:
        """The folder of this stack."""
        return Home(self.settings.home)

    def cli(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command as a person would, in a process of its own."""
        return subprocess.run(
            [Path(sys.executable).with_name("drupal-tickets"), *arguments],
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )


def bare_environment(home: Path) -> dict[str, str]:
    """This environment without any word about an installation, and with a home of its own."""
    ours = {*VARIABLES.values(), "PREFECT_HOME", "PREFECT_PROFILE"}
    rest = {name: value for name, value in os.environ.items() if name not in ours}
    return {**rest, "DRUPAL_TICKETS_HOME": str(home)}


def claim_ports(home: Path) -> None:
    """Ports that nobody else on this machine uses, noted where the stack looks for its own."""
    home.mkdir(mode=0o700, exist_ok=True)
    write_private(home / "ports.json", json.dumps({"prefect": free_port(), "jira": free_port()}).encode())


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def run_stack(home: Path | None = None) -> Iterator[RunningStack]:
    """The stack of this home, started again with what it remembers; without one, of a home that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="dt-stack-", ignore_cleanup_errors=True) as folder:
        own = home or Path(folder) / "home"
        if not own.exists():
            claim_ports(own)
        environment = bare_environment(own)
        settings = Settings.from_environment(environment)
        with pytest.MonkeyPatch.context() as patch:
            for name in set(os.environ) - set(environment):
                patch.delenv(name)  # the supervisor inherits what is set here
            with ensure_stack(settings) as connection:
                yield RunningStack(settings, connection, environment)


@pytest.fixture(scope="session")
def stack() -> Iterator[RunningStack]:
    """Postgres, Prefect, the Jira sandbox, deployments and workers in a temporary home; gone with the test session."""
    with run_stack() as running:
        yield running
