"""Waits on this machine for the one answer of a consent page: state checked, taken once, nothing else served."""

import asyncio
import secrets
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tasks.core.errors import Cancelled, UserFixable

ADDRESS = "127.0.0.1"
PATH = "/callback"
HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Connection": "close",
}
PAGE = '<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><h1>{title}</h1><p>{text}</p></html>'
# Fixed texts only: nothing that came with the request stands on a page.
DONE = ("You are logged in", "Close this window and go back to the terminal.")
REFUSED = ("Nothing was granted", "Close this window and go back to the terminal.")
STRANGE = ("This is not the answer that was asked for", "Start again: drupal-tickets jira login")
ANSWERED = ("This login was answered already", "Start again: drupal-tickets jira login")


@dataclass
class Callback:
    """Where the consent page sends its answer, and that answer."""

    port: int
    loop: asyncio.AbstractEventLoop
    state: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    answer: "asyncio.Future[dict[str, str]]" = field(init=False, repr=False)
    _answered: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        self.answer = self.loop.create_future()

    @property
    def redirect_uri(self) -> str:
        """The address that the app is registered with."""
        return f"http://{ADDRESS}:{self.port}{PATH}"

    async def code(self, seconds: float) -> str:
        """The code that the person's consent was answered with."""
        try:
            async with asyncio.timeout(seconds):
                answer = await self.answer
        except TimeoutError:
            raise UserFixable(
                f"Nobody agreed within {seconds:.0f} seconds; nothing was changed.",
                actions=("Try again, and open the printed address in a browser on this machine.",),
                code="jira-login-timeout",
            ) from None
        if "code" in answer:
            return answer["code"]
        if answer.get("error") == "access_denied":
            raise Cancelled("You did not grant access; nothing was changed.")
        raise UserFixable(
            "Atlassian answered without granting access; nothing was changed.",
            actions=("Look at the app's callback address and scopes (docs/jira.md), then try again.",),
            code="jira-login-refused",
        )

    def take(self, host: str, query: dict[str, str]) -> tuple[int, tuple[str, str]]:
        """Status and text for a request; the first one that knows the state is the answer."""
        if host not in (f"{ADDRESS}:{self.port}", f"localhost:{self.port}"):
            return 400, STRANGE
        if not secrets.compare_digest(query.get("state", "").encode(), self.state.encode()):
            return 400, STRANGE
        with self._lock:
            if self._answered:
                return 400, ANSWERED
            self._answered = True
        self.loop.call_soon_threadsafe(self._settle, query)
        return 200, DONE if "code" in query else REFUSED

    def _settle(self, query: dict[str, str]) -> None:
        if not self.answer.done():  # the person may have given up meanwhile
            self.answer.set_result(query)


@asynccontextmanager
async def callback_on(port: int) -> AsyncIterator[Callback]:
    """Listen on the port for as long as the body runs."""
    callback = Callback(port, asyncio.get_running_loop())
    try:
        server = ThreadingHTTPServer((ADDRESS, port), _handler(callback))
    except OSError as error:
        raise UserFixable(
            f"Port {port} of this machine cannot be used: {error.strerror}.",
            actions=(
                "End what listens there,",
                "or register another callback address and name its port: --port, JIRA_OAUTH_PORT.",
            ),
            code="jira-login-port",
        ) from None
    server.daemon_threads = True
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    serving.start()
    try:
        yield callback
    finally:
        await asyncio.to_thread(server.shutdown)
        server.server_close()


def _handler(callback: Callback) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 10  # of a browser that opens a connection and says nothing
        server_version, sys_version = "drupal-tickets", ""

        def do_GET(self) -> None:
            address = urlsplit(self.path)
            if address.path != PATH:
                self._reply(404, STRANGE)
                return
            values = parse_qs(address.query, keep_blank_values=True)
            query = {name: several[0] for name, several in values.items() if len(several) == 1}
            self._reply(*callback.take(self.headers.get("Host", ""), query))

        def _reply(self, status: int, text: tuple[str, str]) -> None:
            body = PAGE.format(title=text[0], text=text[1]).encode()
            self.send_response(status)
            for name, value in HEADERS.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing: the request holds the code."""

    return Handler
