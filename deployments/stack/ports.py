"""Ports that a home keeps: an address noted in a browser or in a ticket is still right after a restart."""

import json
import socket
from pathlib import Path

from deployments.stack.home import Home, write_private
from tasks.core.errors import AdminRequired

LOOPBACK = "127.0.0.1"
PREFERRED = {"prefect": 4200, "jira": 4280}
BACKLOG = 2048  # as uvicorn has it


def claim_port(home: Home, part: str, host: str = LOOPBACK) -> socket.socket:
    """A socket on the port of `host` that this home used before, else the usual one, else any that is free.

    It listens from now on and is handed to the part: were a port only looked for, another stack could take it before
    the part does, and this one would be set up on the other's server.
    """
    path = home.root / "ports.json"
    known = _read(path)
    candidates = [known.get(part), PREFERRED[part], 0]
    claimed = next((door for door in (_listen(one, host) for one in candidates) if door), None)
    if claimed is None:
        raise AdminRequired(
            f"Nothing can listen on {host}.",
            actions=("Name an address of this machine, or 0.0.0.0 for all of them.",),
            code="host",
        )
    if known.get(part) != port_of(claimed):
        write_private(path, json.dumps({**known, part: port_of(claimed)}).encode())
    return claimed


def port_of(door: socket.socket) -> int:
    """Where a socket listens."""
    return int(door.getsockname()[1])


def _listen(port: int | None, host: str) -> socket.socket | None:
    if port is None:
        return None
    door = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a closed connection may still linger
    try:
        door.bind((host, port))
        door.listen(BACKLOG)
    except OSError:
        door.close()
        return None
    return door


def _read(path: Path) -> dict[str, int]:
    try:
        return {str(name): int(port) for name, port in json.loads(path.read_text()).items()}
    except (OSError, ValueError, AttributeError):
        return {}
