"""A door before Prefect's API that can be shut: for some requests, for all of them, and always for WebSockets."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.stack import RunningStack, free_port

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
OF_ONE_HOP = {"content-length", "content-encoding", "transfer-encoding", "connection", "host"}


class Proxy:
    """Passes requests on to the server of a stack, and answers some of them itself."""

    def __init__(self, target: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/api"
        self.broken = ""  # requests whose path begins so are answered with 500
        self.away_at: tuple[bytes, float] | None = None  # what is in a request, and for how many seconds then
        self._away_until = 0.0
        self.refused: list[str] = []
        self._client = httpx.AsyncClient(base_url=target, trust_env=False, timeout=60)
        routes = [Route("/api/{path:path}", self._answer, methods=METHODS)]
        app = Starlette(routes=routes, lifespan=self._open)
        config = uvicorn.Config(app, "127.0.0.1", self.port, log_level="critical")
        self.server = uvicorn.Server(config)

    @asynccontextmanager
    async def _open(self, _app: Starlette) -> AsyncIterator[None]:
        async with self._client:
            yield

    async def _answer(self, request: Request) -> Response:
        path, body = request.path_params["path"], await request.body()
        if self.broken and path.startswith(self.broken):
            self.refused.append(path)
            return Response(status_code=500)
        if self.away_at and self.away_at[0] in body:
            self._away_until, self.away_at = time.monotonic() + self.away_at[1], None
        if (left := self._away_until - time.monotonic()) > 0:
            self.refused.append(path)
            await asyncio.sleep(left)
            return Response(status_code=503)
        passed = {name: value for name, value in request.headers.items() if name not in OF_ONE_HOP}
        answer = await self._client.request(
            request.method,
            f"/{path}",
            params=request.query_params,
            headers=passed,
            content=body,
        )
        kept = {name: value for name, value in answer.headers.items() if name not in OF_ONE_HOP}
        return Response(answer.content, answer.status_code, kept)


@contextmanager
def prefect_proxy(stack: RunningStack) -> Iterator[Proxy]:
    """A proxy before the stack's server for as long as the body runs."""
    proxy = Proxy(stack.connection.prefect_api_url)
    thread = threading.Thread(target=proxy.server.run)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.server.should_exit = True
        thread.join(20)
