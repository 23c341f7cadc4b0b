"""Ports that a home keeps: an address noted in a browser or in a ticket is still right after a restart."""

import json
import socket
from pathlib import Path

from deployments.stack.home import Home, write_private
from tasks.core.errors import AdminRequired

LOOPBACK = "127.0.0.1"
PREFERRED = {"prefect": 4200, "jira": 4280}


def choose_port(home: Home, part: str, host: str = LOOPBACK) -> int:
    """The port of `host` that this home used before, else the usual one, else any that is free."""
    path = home.root / "ports.json"
    known = _read(path)
    candidates = [known.get(part), PREFERRED[part], 0]
    port = next((port for port in (_bindable(one, host) for one in candidates) if port), None)
    if port is None:
        raise AdminRequired(
            f"Nothing can listen on {host}.",
            actions=("Name an address of this machine, or 0.0.0.0 for all of them.",),
            code="host",
        )
    if known.get(part) != port:
        write_private(path, json.dumps({**known, part: port}).encode())
    return port


def _bindable(port: int | None, host: str) -> int | None:
    if port is None:
        return None
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a closed connection may still linger
        try:
            probe.bind((host, port))
        except OSError:
            return None
        return int(probe.getsockname()[1])


def _read(path: Path) -> dict[str, int]:
    try:
        return {str(name): int(port) for name, port in json.loads(path.read_text()).items()}
    except (OSError, ValueError, AttributeError):
        return {}
