"""Prefect's server behind its guard: `python -m deployments.stack.server`, on one machine as in a cluster.

What protects it is decided here and nowhere else: who may open it from a browser, and that nobody beyond this machine
reaches it without a credential.
"""

import argparse
import contextlib
import os
import socket
import sys
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from deployments.settings import Settings
from tasks.core.errors import AdminRequired, ProductError

ANY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 - recognised, not bound
APP = "deployments.stack.prefect_app:create_app"
DID_NOT_START = 1
STOPPING = 3  # seconds that open connections get


def main() -> int:
    """Serve until told to stop; the exit code says who can fix what keeps it from starting."""
    parser = argparse.ArgumentParser(description=__doc__)
    variable = os.environ.get
    parser.add_argument("--host", default=variable("PREFECT_SERVER_API_HOST") or "127.0.0.1")
    parser.add_argument("--port", type=int, default=variable("PREFECT_SERVER_API_PORT") or 4200)
    parser.add_argument("--fd", type=int, help="an open socket that listens there already")
    parser.add_argument(
        "--no-services",
        action="store_true",
        help="one of several: `prefect server services start` does the rest",
    )
    arguments = parser.parse_args()
    try:
        os.environ.update(protection(os.environ, arguments.host, arguments.port))
    except ProductError as error:
        sys.stderr.write("\n".join([f"Error: {error.message}", *(f"  → {one}" for one in error.actions), ""]))
        return error.exit_code
    if arguments.no_services:
        os.environ["PREFECT__SERVER_WEBSERVER_ONLY"] = "1"
    return _serve(arguments.host, arguments.port, arguments.fd)


def protection(environment: Mapping[str, str], host: str, port: int) -> dict[str, str]:
    """The settings that guard a server listening there; AdminRequired when it would be open to others.

    `PREFECT_UI_URL` is where people see it, which may be a proxy in front of it.
    """
    local = f"http://127.0.0.1:{port}"
    ui = environment.get("PREFECT_UI_URL", "").rstrip("/") or (local if is_loopback(host) else "")
    if not ui:
        raise AdminRequired(
            f"Listening on {host}, the server has to know the address that people use.",
            actions=(f"Set PREFECT_UI_URL, for example to http://{os.uname().nodename}:{port}",),
            code="ui-url",
        )
    require_credential(environment, host, ui)
    if not environment.get("PREFECT_SERVER_ENCRYPTION_KEY"):
        raise AdminRequired(
            "PREFECT_SERVER_ENCRYPTION_KEY is not set: the key of all blocks would lie beside them in the database.",
            actions=("Set it to one Fernet key, the same for all servers of this database.",),
            code="encryption-key",
        )
    own_names = [local, local.replace("127.0.0.1", "localhost")]
    return {
        "PREFECT_UI_URL": ui,
        "PREFECT_SERVER_UI_API_URL": f"{ui}/api",
        "PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED": "true",
        "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS": ",".join(own_names if ui in own_names else [ui]),
    }


def require_credential(environment: Mapping[str, str], host: str, ui_url: str) -> None:
    """Raise when somebody beyond this machine would reach a server that asks for no credential."""
    names = [host, *([urlsplit(ui_url).hostname or ""] if ui_url else [])]
    credential = environment.get("PREFECT_SERVER_API_AUTH_STRING", "")
    if not all(map(is_loopback, names)) and ":" not in credential:
        raise AdminRequired(
            f"The Prefect server would be open to everybody who reaches {ui_url or host}, with all logins in it.",
            actions=(
                "Set PREFECT_SERVER_API_AUTH_STRING to NAME:PASSWORD, the credential that people share.",
                "Or listen on 127.0.0.1 only.",
            ),
            code="no-credential",
        )


def server_addresses(settings: Settings, port: int) -> tuple[str, str]:
    """How programs of this machine reach its own server, and how people see it."""
    host = "127.0.0.1" if settings.server_host in ANY_ADDRESS else settings.server_host
    shown = os.uname().nodename if settings.server_host in ANY_ADDRESS else host
    return f"http://{_in_url(host)}:{port}/api", settings.ui_url or f"http://{_in_url(shown)}:{port}"


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _serve(host: str, port: int, handed_over: int | None) -> int:
    import uvicorn

    # Its log is Prefect's: set up there, in one format with all else.
    config = uvicorn.Config(
        APP,
        factory=True,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=STOPPING,
    )
    server = uvicorn.Server(config)
    with contextlib.suppress(KeyboardInterrupt):
        server.run(None if handed_over is None else [socket.socket(fileno=handed_over)])
    return 0 if server.started else DID_NOT_START


if __name__ == "__main__":
    sys.exit(main())
