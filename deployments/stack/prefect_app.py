"""Prefect's server as we run it on this machine: it answers to its own name and to its own pages only."""

from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

if TYPE_CHECKING:
    from fastapi import FastAPI

OUR_NAMES = ["127.0.0.1", "localhost"]
POLICY_VIOLATION = 1008


class OwnPagesOnly:
    """Refuses WebSockets opened by a page of another site: browsers open them without asking CORS."""

    def __init__(self, app: ASGIApp, origins: list[str]) -> None:
        self.app = app
        self.origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what comes from our pages or from no page at all."""
        if scope["type"] == "websocket":
            origin = Headers(scope=scope).get("origin")
            if origin and origin not in self.origins:
                await receive()
                await send({"type": "websocket.close", "code": POLICY_VIOLATION})
                return
        await self.app(scope, receive, send)


def create_app() -> "FastAPI":
    """The server for uvicorn; a name that an attacker's DNS points at this machine is refused."""
    from prefect.server.api.server import create_app as create_prefect
    from prefect.settings import get_current_settings

    app = create_prefect(final=True)
    origins = get_current_settings().server.api.cors_allowed_origins.split(",")
    app.add_middleware(OwnPagesOnly, origins=origins)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=OUR_NAMES)
    return app
