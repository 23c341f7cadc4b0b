"""Prefect's server as we run it: it answers to its own names and to its own pages only."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

THIS_MACHINE = ("127.0.0.1", "localhost")
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


def create_app() -> ASGIApp:
    """The server for uvicorn; a name that an attacker's DNS points at this machine is refused.

    The checks stand around Prefect's application, not inside it: the server also calls itself in memory, under a
    name of its own, to carry out automations.
    """
    from prefect.server.api.server import create_app as create_prefect
    from prefect.settings import get_current_settings

    settings = get_current_settings()
    origins = settings.server.api.cors_allowed_origins.split(",")
    own_pages = OwnPagesOnly(create_prefect(final=True), origins)
    return TrustedHostMiddleware(own_pages, allowed_hosts=own_names([*origins, settings.api.url or ""]))


def own_names(addresses: Iterable[str]) -> list[str]:
    """The names that requests may use: those of the pages, that by which workers call the API, and this machine."""
    named = {urlsplit(address).hostname for address in addresses}
    return sorted({*THIS_MACHINE, *filter(None, named)})
