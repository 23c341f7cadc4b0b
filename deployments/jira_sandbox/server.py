"""Runs the sandbox on uvicorn, with a way to hang up on a caller."""

import asyncio
from typing import Any, cast

import uvicorn
from starlette.types import Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

from deployments.jira_sandbox.app import build_app
from deployments.jira_sandbox.config import Config
from deployments.jira_sandbox.gate import Gate
from deployments.jira_sandbox.site import Site


class Connections:
    """Open connections by the caller's address, which is all that an application learns of its connection."""

    def __init__(self) -> None:
        self.open: dict[Any, asyncio.Transport] = {}

    def hang_up(self, scope: Scope) -> None:
        """Send what is waiting, then close."""
        if transport := self.open.get(tuple(scope["client"])):
            transport.close()

    def protocol(self) -> type[H11Protocol]:
        """uvicorn's protocol, known to this register."""
        connections = self.open

        class KnownProtocol(H11Protocol):
            """Enters itself on connecting and leaves on closing."""

            caller: tuple[str, int] = ("", 0)

            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                known = cast("asyncio.Transport", transport)
                super().connection_made(known)
                self.caller = tuple(known.get_extra_info("peername", ("", 0))[:2])
                connections[self.caller] = known

            def connection_lost(self, exc: Exception | None) -> None:
                connections.pop(self.caller, None)
                super().connection_lost(exc)

        return KnownProtocol


def build_server(config: Config, host: str, port: int, log_level: str = "warning") -> uvicorn.Server:
    """A server that is ready to run; the file is open and the projects exist."""
    site = Site(config)
    connections = Connections()
    app = Gate(build_app(site), site, connections.hang_up)
    settings = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=connections.protocol(),
        loop="asyncio",
        ws="none",
        lifespan="off",
        log_level=log_level,
        access_log=False,
        # Links and answers show the address that the caller used, so no proxy header may change it.
        proxy_headers=False,
        timeout_keep_alive=30,
        # A fault may hold an answer back for longer than anybody wants to wait for the end.
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(settings)
