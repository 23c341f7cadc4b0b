"""The services of compose.yaml as processes of this machine: their commands and environment, with other addresses."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.stack import free_port

ROOT = Path(__file__).parents[1]
COMPOSE = ROOT / "compose.yaml"
VARIABLE = re.compile(r"\$(?:\$|\{(\w+)\})")
DATABASE = re.compile(r"postgresql\+asyncpg://tickets:[^@]*@postgres:5432/(\w+)")
VALUES = {
    "POSTGRES_PASSWORD": "planted-postgres",
    "REDIS_PASSWORD": "planted-redis",
    "PREFECT_AUTH": "team:planted-auth",
    "PUBLIC_NAME": "tickets.example.com",
    "PREFECT_SERVER_ENCRYPTION_KEY": "k7vXkYhRkq1q9QJ2v1Jd1bqj7m3vY8m0X4b0Wq3o5sE=",
    "DRUPAL_TICKETS_ENCRYPTION_KEY": "q1q9QJ2v1Jd1bqj7m3vY8m0X4b0Wq3o5sEk7vXkYhRk=",
}


@dataclass
class Cluster:
    """One cluster on this machine. Its Postgres is the caller's; Redis is the compose file's own."""

    folder: Path
    database: Callable[[str], str]
    values: dict[str, str]
    redis_port: int = field(default_factory=free_port)
    servers: dict[str, int] = field(
        default_factory=lambda: {"prefect-1": free_port(), "prefect-2": free_port()}
    )
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def api_url(self, server: str) -> str:
        """Where one of the two servers answers."""
        return f"http://127.0.0.1:{self.servers[server]}/api"

    def start(self, service: str, server: str = "prefect-1") -> subprocess.Popen[bytes]:
        """Start what the compose file calls so; it talks to `server`."""
        command, environment = self.resolved(service, server)
        home = self.folder / service
        home.mkdir(exist_ok=True)
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
        own = {
            "PATH": path,
            "HOME": str(home),
            "PREFECT_HOME": str(home / "prefect"),
            "PYTHONUNBUFFERED": "1",
        }
        with (self.folder / f"{service}.log").open("ab") as log:
            process = subprocess.Popen(
                command, env={**own, **environment}, cwd=home, stdout=log, stderr=log, start_new_session=True
            )
        self.processes[service] = process
        return process

    def run(self, service: str, seconds: float = 180) -> None:
        """Start a service that ends by itself, and wait for its success."""
        assert self.start(service).wait(seconds) == 0, self.log(service)

    def wait_for(self, service: str, url: str, seconds: float = 120) -> None:
        """Wait until the address answers with success."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.processes[service].poll() is None:
            try:
                if httpx.get(url, trust_env=False).is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.3)
        raise AssertionError(f"{service} does not answer: {self.log(service)}")

    def kill(self, service: str) -> None:
        """End the whole container at once: the process and all that it started."""
        process = self.processes[service]
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)

    def stop(self) -> None:
        """End everything, in the reverse order of its start."""
        for process in reversed(self.processes.values()):
            if process.poll() is None:
                process.terminate()
        for process in self.processes.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def log(self, service: str) -> str:
        """The end of a service's output."""
        return (self.folder / f"{service}.log").read_text(errors="replace")[-3000:]

    def resolved(self, service: str, server: str = "prefect-1") -> tuple[list[str], dict[str, str]]:
        """Command and environment of a service, for this machine."""
        given: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())["services"][service]
        name = service if service in self.servers else server
        ports = {
            "PREFECT_SERVER_API_HOST": "127.0.0.1",
            "PREFECT_SERVER_API_PORT": str(self.servers[name]),
            "PREFECT_WORKER_WEBSERVER_PORT": str(free_port()),
            "PREFECT_SERVER_UI_STATIC_DIRECTORY": str(self.folder / "ui"),
        }

        def here(text: object) -> str:
            filled = VARIABLE.sub(lambda match: self._value(match[1]), str(text))
            moved = filled.replace("http://prefect:4200/api", self.api_url(name))
            moved = moved.replace("@redis:6379", f"@127.0.0.1:{self.redis_port}")
            moved = moved.replace("port 6379", f"bind 127.0.0.1\\nport {self.redis_port}")
            return DATABASE.sub(lambda match: self.database(match[1]), moved)

        environment = {key: here(value) for key, value in given.get("environment", {}).items()}
        return [here(word) for word in given["command"]], {
            key: ports.get(key, value) for key, value in environment.items()
        }

    def _value(self, name: str | None) -> str:
        return self.values.get(name, "") if name else "$"
