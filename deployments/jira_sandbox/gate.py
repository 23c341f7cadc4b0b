"""Stands before the REST calls: journal, rate limits, latency and faults."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deployments.jira_sandbox.faults import Fault, Rule
from deployments.jira_sandbox.journal import Entry
from deployments.jira_sandbox.limits import too_many
from deployments.jira_sandbox.problems import JiraProblem
from deployments.jira_sandbox.site import Site

CALLS = ("/rest/", "/ex/", "/oauth/")
TOO_MANY, FIRST_FAILURE = 429, 400
GARBLED = b"<!DOCTYPE html><html><body>The page you wanted is being prepared.</body></html>"


@dataclass
class Answer:
    """An answer held back until it is known whether it is sent."""

    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut: bool = False

    async def collect(self, message: Message) -> None:
        """Take in what the application sends."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {
                name.decode("latin-1"): value.decode("latin-1") for name, value in message["headers"]
            }
        else:
            self.body += message.get("body", b"")


@dataclass
class Exchange:
    """A request on its way through the gate."""

    scope: Scope
    body: bytes
    entry: Entry


class Gate:
    """ASGI middleware; `hang_up` closes the caller's connection."""

    def __init__(self, app: ASGIApp, site: Site, hang_up: Callable[[Scope], None]) -> None:
        self.app = app
        self.site = site
        self.hang_up = hang_up
        self.late: set[asyncio.Task[Answer]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pages and the control API pass; REST calls are recorded and may be struck."""
        if scope["type"] != "http" or not scope["path"].startswith(CALLS):
            await self.app(scope, receive, send)
            return
        body = await read_body(receive)
        exchange = Exchange(scope, body, self.open_entry(scope, body))
        answer = await self.answer(exchange)
        self.close_entry(exchange.entry, answer)
        if answer is not None:
            await send_answer(answer, send)
        if answer is None or answer.cut:
            self.hang_up(scope)
            while (await receive())["type"] != "http.disconnect":
                pass

    def open_entry(self, scope: Scope, body: bytes) -> Entry:
        """Begin the journal's entry; credentials stay out of it."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if "authorization" in headers:
            headers["authorization"] = headers["authorization"].partition(" ")[0] + " ..."
        return self.site.journal.open(
            time=time.time(),
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"].decode("latin-1"),
            request_headers=headers,
            request_body=body,
        )

    def close_entry(self, entry: Entry, answer: Answer | None) -> None:
        """Complete the journal's entry."""
        entry.seconds = time.time() - entry.time
        if answer is not None:
            entry.status, entry.response_headers, entry.response_body = (
                answer.status,
                answer.headers,
                answer.body,
            )
        self.site.journal.weigh(entry)

    async def answer(self, exchange: Exchange) -> Answer | None:
        """The answer to send; None to hang up."""
        method, path = exchange.scope["method"], exchange.scope["path"]
        await asyncio.sleep(self.site.settings.latency)
        if rule := self.site.faults.strike(method, path):
            exchange.entry.fault = rule.fault.kind
            return await STRIKES[rule.fault.kind](self, exchange, rule)
        try:
            extra = self.site.limits.call(method, path) if self.site.settings.rate_limits else {}
        except JiraProblem as problem:
            return refusal(problem)
        answer = await self.run(exchange)
        answer.headers |= extra
        return answer

    async def run(self, exchange: Exchange) -> Answer:
        """Let the call take effect."""
        answer = Answer()
        exchange.scope["sandbox.entry"] = exchange.entry
        await self.app(exchange.scope, replay(exchange.body), answer.collect)
        exchange.entry.applied = answer.status < FIRST_FAILURE
        exchange.entry.applied_status = answer.status
        return answer

    async def status(self, _exchange: Exchange, rule: Rule) -> Answer | None:
        """Refuse without effect."""
        return failure(rule.fault)

    async def drop(self, _exchange: Exchange, _rule: Rule) -> Answer | None:
        """Hang up without effect."""
        return None

    async def lost(self, exchange: Exchange, rule: Rule) -> Answer | None:
        """Take effect, then hang up or answer with a failure."""
        await self.run(exchange)
        return failure(rule.fault) if rule.fault.status else None

    async def garbled(self, exchange: Exchange, _rule: Rule) -> Answer | None:
        """Take effect and answer with a body that is not JSON."""
        answer = await self.run(exchange)
        answer.headers |= {"content-type": "text/html", "content-length": str(len(GARBLED))}
        answer.body = GARBLED
        return answer

    async def cut(self, exchange: Exchange, _rule: Rule) -> Answer | None:
        """Take effect and stop in the middle of the body."""
        answer = await self.run(exchange)
        return Answer(answer.status, answer.headers, answer.body, cut=True) if answer.body else None

    async def delay(self, exchange: Exchange, rule: Rule) -> Answer | None:
        """Hang up or fail at once and take effect later."""
        task = asyncio.create_task(self.run_after(exchange, rule.delay()))
        self.late.add(task)
        task.add_done_callback(self.late.discard)
        return failure(rule.fault) if rule.fault.status else None

    async def run_after(self, exchange: Exchange, seconds: float) -> Answer:
        """Take effect after a while."""
        await asyncio.sleep(seconds)
        return await self.run(exchange)

    async def slow_answer(self, exchange: Exchange, rule: Rule) -> Answer | None:
        """Take effect and keep the caller waiting."""
        answer = await self.run(exchange)
        await asyncio.sleep(rule.delay())
        return answer

    async def partial(self, exchange: Exchange, rule: Rule) -> Answer | None:
        """The bulk call itself reads which elements fail."""
        exchange.scope["sandbox.rule"] = rule
        return await self.run(exchange)

    async def slow(self, exchange: Exchange, rule: Rule) -> Answer | None:
        """Take effect and answer after a while."""
        return await self.run_after(exchange, rule.delay())


STRIKES: dict[str, Callable[[Gate, Exchange, Rule], Awaitable[Answer | None]]] = {
    "status": Gate.status,
    "drop": Gate.drop,
    "lost": Gate.lost,
    "garbled": Gate.garbled,
    "cut": Gate.cut,
    "late": Gate.delay,
    "slow": Gate.slow,
    "slow_answer": Gate.slow_answer,
    "partial": Gate.partial,
}


def failure(fault: Fault) -> Answer:
    """The status that a fault answers with."""
    status = fault.status or 500
    if status == TOO_MANY:
        return refusal(too_many(fault.retry_after, 100, fault.reason))
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    return refusal(JiraProblem(status, fault.message, headers=headers))


def refusal(problem: JiraProblem) -> Answer:
    """A refusal as an answer."""
    response = problem.response()
    return Answer(response.status_code, dict(response.headers), bytes(response.body))


async def read_body(receive: Receive) -> bytes:
    """The whole body: a request takes effect only when it has arrived."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def replay(body: bytes) -> Receive:
    """A receive that hands over a body that is already here."""
    messages: list[dict[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    return receive


async def send_answer(answer: Answer, send: Send) -> None:
    """Put an answer on the wire, or the first half of it."""
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    body = answer.body[: len(answer.body) // 2] if answer.cut else answer.body
    await send({"type": "http.response.body", "body": body, "more_body": answer.cut})
