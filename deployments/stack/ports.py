"""Ports that a home keeps: an address noted in a browser or in a ticket is still right after a restart."""

import json
import socket
from pathlib import Path

from deployments.stack.home import Home, write_private

LOOPBACK = "127.0.0.1"
PREFERRED = {"prefect": 4200, "jira": 4280}


def choose_port(home: Home, part: str) -> int:
    """The port that this home used before, else the usual one, else any that is free."""
    path = home.root / "ports.json"
    known = _read(path)
    candidates = [known.get(part), PREFERRED[part], 0]
    port = next(port for port in map(_bindable, candidates) if port)
    if known.get(part) != port:
        write_private(path, json.dumps({**known, part: port}).encode())
    return port


def _bindable(port: int | None) -> int | None:
    if port is None:
        return None
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a closed connection may still linger
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return None
        return int(probe.getsockname()[1])


def _read(path: Path) -> dict[str, int]:
    try:
        return {str(name): int(port) for name, port in json.loads(path.read_text()).items()}
    except (OSError, ValueError, AttributeError):
        return {}
