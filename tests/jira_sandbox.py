"""The Jira sandbox for tests: a server process of its own on a free port, with faults, settings and journal at hand.

`jira_sandbox` is one process for the whole run, emptied before each test; `own_jira_sandbox` is a process of the
test's own, which it may stop, kill and start again on the same file.
"""

import contextlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

EMAIL, TOKEN = "sandbox@example.com", "sandbox-token"
VIEWER = ("viewer@example.com", "viewer-token")
CREATOR = ("creator@example.com", "creator-token")
NOBODY = ("nobody@example.com", "nobody-token")
COLLEAGUE = ("colleague@example.com", "colleague-token")
LOGINS = (
    f"{VIEWER[0]}:{VIEWER[1]}:viewer",
    f"{CREATOR[0]}:{CREATOR[1]}:creator",
    f"{NOBODY[0]}:{NOBODY[1]}:none",
    f"{COLLEAGUE[0]}:{COLLEAGUE[1]}:member",
)
START_SECONDS = 20.0


@dataclass
class JiraSandbox:
    """A sandbox process on a state file."""

    folder: Path
    port: int = 0
    logins: tuple[str, ...] = LOGINS
    email: str = EMAIL
    token: str = TOKEN
    process: subprocess.Popen[bytes] | None = None
    control: httpx.Client = field(init=False, repr=False)

    @property
    def url(self) -> str:
        """The site's address, as for `JIRA_URL`."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start (again) and wait until it answers; the port stays the same."""
        self.port = self.port or free_port()
        options = [option for login in self.logins for option in ("--login", login)]
        state, log = self.folder / "jira.sqlite", self.folder / "jira.log"
        command = [sys.executable, "-m", "deployments.jira_sandbox", "--port", str(self.port)]
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [*command, "--state", str(state), *options], stdout=output, stderr=output
            )
        self.join()
        wait_until_up(self.url, self.process, log)

    def join(self) -> None:
        """Have its control at hand, whoever started it."""
        self.control = httpx.Client(base_url=f"{self.url}/_sandbox", timeout=30, verify=False)

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> None:
        """End the process and wait for its end."""
        if self.process is not None:
            self.control.close()
            self.process.send_signal(sign)
            try:
                self.process.wait(10)
            finally:
                self.process.kill()
                self.process = None

    def kill(self) -> None:
        """End it without a chance to tidy up."""
        self.stop(signal.SIGKILL)

    def client(self, email: str = "", token: str = "") -> httpx.Client:
        """Bare HTTP with credentials; close it."""
        # Loading certificates takes longer than most tests, and the sandbox has none.
        auth = (email or self.email, token or self.token)
        return httpx.Client(base_url=self.url, auth=auth, timeout=30, verify=False)

    def reset(self) -> None:
        """No issues, no faults, no journal, default settings."""
        self.call("POST", "/reset", {})

    def settings(self, **changes: Any) -> dict[str, Any]:
        """Change settings (deployments/jira_sandbox/settings.py) and return all of them."""
        return dict(self.call("PATCH", "/settings", changes))

    def fault(self, kind: str, **rule: Any) -> int:
        """Put a fault in force (deployments/jira_sandbox/faults.py) and return its id."""
        return int(self.call("POST", "/faults", {"kind": kind, **rule})["id"])

    def faults(self) -> list[dict[str, Any]]:
        """The faults in force; `struck` counts how often each hit."""
        return list(self.call("GET", "/faults"))

    def clear_faults(self) -> None:
        """End all faults."""
        self.call("DELETE", "/faults")

    def journal(self, method: str = "", path: str = "", after: int = 0) -> list[dict[str, Any]]:
        """Recorded REST calls, oldest first, of a method and with a path that holds `path`."""
        entries = self.call("GET", f"/journal?after={after}")
        return [entry for entry in entries if method in ("", entry["method"]) and path in entry["path"]]

    def issues(self, project: str = "") -> list[dict[str, Any]]:
        """Issues exactly as stored, with properties, attachments and links."""
        return list(self.call("GET", f"/issues?project={project}" if project else "/issues"))

    def add_project(self, key: str, name: str = "") -> None:
        """Make a project."""
        self.call("POST", "/projects", {"key": key, "name": name})

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One call of the control API."""
        answer = self.control.request(method, path, **({} if body is None else {"json": body}))
        assert answer.is_success, answer.text
        return answer.json()


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_up(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the sandbox answers; its log says why it does not."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/healthz", verify=False).is_success:
                return
        time.sleep(0.03)
    raise RuntimeError(f"The Jira sandbox did not start: {log.read_text()}")


@pytest.fixture(scope="session")
def jira_sandbox_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JiraSandbox]:
    """One process for the whole run."""
    sandbox = JiraSandbox(tmp_path_factory.mktemp("jira"))
    sandbox.start()
    yield sandbox
    sandbox.stop()


@pytest.fixture
def jira_sandbox(jira_sandbox_process: JiraSandbox) -> JiraSandbox:
    """The shared sandbox, empty."""
    jira_sandbox_process.reset()
    return jira_sandbox_process


@pytest.fixture
def own_jira_sandbox(tmp_path: Path) -> Iterator[JiraSandbox]:
    """A sandbox of the test's own."""
    sandbox = JiraSandbox(tmp_path)
    sandbox.start()
    yield sandbox
    sandbox.stop()
