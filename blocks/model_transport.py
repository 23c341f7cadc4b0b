"""The one place where requests to a model leave: nothing is sent that was not accounted for first.

Below the provider's SDK, so that whatever it sends is seen as it is sent, byte for byte.
"""

import asyncio
import hashlib
import json
import math
import time
from collections.abc import Coroutine
from contextvars import ContextVar
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx2

from blocks.model_calls import Call, Ledger, Sending, Stored
from blocks.model_limiter import ModelLimiter

T = TypeVar("T")

# What the SDK is asked for right now; the request that it builds from that is known only here.
CALL: ContextVar[Call] = ContextVar("call")

OK, TOO_MANY, UNAVAILABLE, OVERLOADED = 200, 429, 503, 529
CLIENT_ERRORS = range(400, 500)
_TIMEOUT = 408  # may have been worked on
MOST_BYTES = 2**21  # of one reply, unpacked; the longest that we ask for has a tenth of it
# Where Anthropic's and OpenAI's replies hold what was said, piece by piece.
_SAID = ("content", "choices")
# The connection never stood: the request was not sent.
NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
# Of the response as it came over the wire; its content is decoded by now.
_WIRE = {b"content-encoding", b"content-length", b"transfer-encoding"}


class AccountedTransport(httpx2.AsyncBaseTransport):
    """Looks a request up, sets its money aside, sends it once within its time, and settles."""

    def __init__(self, ledger: Ledger, limiter: ModelLimiter, *, in_flight: int, seconds: float) -> None:
        self._ledger = ledger
        self._limiter = limiter
        self._seconds = seconds
        self._reading = asyncio.Lock()
        # A client and no bare transport: it honours the proxies of the environment.
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=in_flight)
        self._http = httpx2.AsyncClient(limits=limits, timeout=seconds)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """One HTTP attempt."""
        body = await request.aread()
        digest = hashlib.sha256(body).hexdigest()
        begun = await self._ledger.begin(CALL.get(), digest, len(body))
        if isinstance(begun, Stored):
            return httpx2.Response(OK, json=dict(begun.reply), request=request)
        leaving = False
        try:
            # The slot is held until the reply is stored: never are more calls under way that a crash would lose.
            async with self._limiter.slot():
                leaving = True
                response = await self._exchange(request, begun)
        except BaseException:
            if not leaving:
                await _to_the_end(self._ledger.refused(begun))
            raise
        await self._turn()
        return response

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _turn(self) -> None:
        """Wait while other replies are read: each takes milliseconds, and in between the next requests leave."""
        async with self._reading:
            await asyncio.sleep(0)

    async def _exchange(self, request: httpx2.Request, sending: Sending) -> httpx2.Response:
        try:
            response = await self._send(request)
        except NOT_SENT:
            await _to_the_end(self._ledger.refused(sending))
            raise
        except BaseException:
            await _to_the_end(self._ledger.lost(sending))
            raise
        await _to_the_end(self._settle(sending, response))
        return response

    async def _send(self, request: httpx2.Request) -> httpx2.Response:
        try:
            # By the clock: a server that sends a byte now and then passes every other timeout.
            async with asyncio.timeout(self._seconds):
                received = await self._http.send(request, stream=True)
                content = await _content(received)
        except TimeoutError:
            raise httpx2.ReadTimeout(f"No answer within {self._seconds:.0f} seconds.") from None
        self._pace(received)
        headers = [(name, value) for name, value in received.headers.raw if name.lower() not in _WIRE]
        return httpx2.Response(received.status_code, headers=headers, content=content, request=request)

    def _pace(self, response: httpx2.Response) -> None:
        wait = retry_after(response.headers.get("retry-after"))
        if response.status_code == TOO_MANY or (response.status_code in (UNAVAILABLE, OVERLOADED) and wait):
            self._limiter.turned_away(wait)
        elif response.status_code == OK:
            self._limiter.passed()

    async def _settle(self, sending: Sending, response: httpx2.Response) -> None:
        status = response.status_code
        if status == OK:
            reply = _reply(response.content)
            await (self._ledger.lost(sending) if reply is None else self._ledger.answered(sending, reply))
        elif (status in CLIENT_ERRORS and status != _TIMEOUT) or status in (UNAVAILABLE, OVERLOADED):
            await self._ledger.refused(sending)
        else:  # behind a gateway the model may have worked
            await self._ledger.lost(sending)


def retry_after(header: str | None) -> float | None:
    """The seconds of a Retry-After header, which holds a number or a date."""
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        pass
    else:
        return max(0.0, seconds) if math.isfinite(seconds) else None
    try:
        when = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, when.timestamp() - time.time())


async def _content(response: httpx2.Response) -> bytes:
    """What a response holds, unpacked, read no further than any reply goes."""
    content = bytearray()
    try:
        async for piece in response.aiter_bytes():
            content += piece
            if len(content) > MOST_BYTES:
                raise httpx2.RemoteProtocolError("The reply is longer than any that a model gives.")
    finally:
        await response.aclose()
    return bytes(content)


def _reply(content: bytes) -> dict[str, Any] | None:
    """The reply of a model, to be kept; None where something else came with status 200, as gateways send it."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return None
    said = next((value[name] for name in _SAID if name in value), None) if isinstance(value, dict) else None
    pieces = isinstance(said, list) and all(isinstance(piece, dict) for piece in said)
    return value if pieces else None


async def _to_the_end(work: Coroutine[Any, Any, T]) -> T:
    """Finish the account also when we are cancelled meanwhile."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
