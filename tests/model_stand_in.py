"""A provider that speaks Anthropic's Messages API: honest, or as bad as it is told to be. Imports nothing of ours.

`python -m tests.model_stand_in --port N` serves POST /v1/messages, and GET /stats and POST /control for tests. It
counts tokens and money by itself: whatever it worked on is billed, also where the answer never arrives.
"""

import argparse
import asyncio
import hashlib
import json
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.strange_replies import NO_REPLIES, ODDLY_SENT, STRANGE, Reply

PRICES = {"input": 0.10, "write": 0.125, "read": 0.01, "output": 0.50}  # USD per million tokens
MODEL = "claude-haiku-5-5"
KEY = "stand-in-key"
CONTENT_FAULTS = ("obey", "invent", "truncate", "refuse", "gibberish")
# What no documentation promises and some gateway sends all the same.
ODD_FAULTS = ("nul", "surrogate", "empty", "new_stop", "no_usage", "no_content", "not_json", "array")
STRANGE_REPLIES = {**NO_REPLIES, **STRANGE, **ODDLY_SENT}
HTTP_FAULTS = ("rate_limit", "rate_limit_silent", "overload", "error", "hang", "drop", "drop_midway")
PIECE = re.compile(r"[A-Za-z]{1,5}|\d{1,3}|\s+|[^\sA-Za-z\d]")
ROWS = re.compile(r"<rows>\n(.*?)\n</rows>", re.DOTALL)
INJECTED = re.compile(r"ignore (?:all |the )?previous instructions", re.IGNORECASE)


def tokens(text: str) -> int:
    """A tokenizer that nobody else knows."""
    return sum(1 for piece in PIECE.findall(text) if not piece.isspace() or len(piece) > 1)


@dataclass
class Behaviour:
    """What it is told to be."""

    latency: float = 0.0
    faults: dict[str, float] = field(default_factory=dict)  # share of calls, by name
    seed: int = 1
    hang_seconds: float = 3600.0
    retry_after: float = 0.3
    thinking: int = 60  # tokens on average
    thinks_of_rows: float = 0.0  # and so many more for every token of the question
    token_size: float = 1.0  # how much larger its tokens are than those of others
    context_bytes: int = 10_000_000
    caching: bool = True
    billing_error: bool = False


@dataclass
class Stats:
    """What it saw."""

    calls: int = 0
    answered: int = 0
    usd: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0
    in_flight: int = 0
    most_in_flight: int = 0
    paid_again: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    last_body: str = ""


class StandIn:
    """The provider."""

    def __init__(self) -> None:
        self.behaviour = Behaviour()
        self.stats = Stats()
        self.random = random.Random(1)
        self.paid: Counter[str] = Counter()
        self.cached: set[str] = set()

    def control(self, changes: dict[str, Any]) -> None:
        """Be something else; `reset` forgets what was seen."""
        if changes.pop("reset", False):
            self.stats, self.paid, self.cached = Stats(), Counter(), set()
            self.behaviour = Behaviour()
        for name, value in changes.items():
            setattr(self.behaviour, name, value)
        self.random = random.Random(self.behaviour.seed)

    def choose_fault(self) -> str:
        roll = self.random.random()
        for name, share in self.behaviour.faults.items():
            roll -= share
            if roll < 0:
                self.stats.faults[name] = self.stats.faults.get(name, 0) + 1
                return name
        return ""

    async def messages(  # noqa: PLR0911 - one for each way to answer
        self, headers: dict[str, str], body: bytes
    ) -> "Reply":
        """One call."""
        self.stats.calls += 1
        if refused := self.refuse(headers, body):
            return refused
        request = json.loads(body)
        self.stats.last_body = body.decode()
        fault = self.choose_fault()
        if fault == "rate_limit":
            return Reply(429, error("rate_limit_error"), {"retry-after": str(self.behaviour.retry_after)})
        if fault == "rate_limit_silent":
            return Reply(429, error("rate_limit_error"))
        if fault == "overload":
            return Reply(529, error("overloaded_error"))
        message = self.message(request, fault)
        self.bill(message["usage"])
        if fault == "hang":
            await asyncio.sleep(self.behaviour.hang_seconds)
        await asyncio.sleep(self.behaviour.latency)
        if fault == "error":
            return Reply(500, error("api_error"))
        if fault in ("drop", "drop_midway"):
            return Reply(200, message, drop=fault)
        if fault in STRANGE_REPLIES and request["max_tokens"]:
            return STRANGE_REPLIES[fault](message)
        digest = hashlib.sha256(body).hexdigest()
        if request["max_tokens"]:
            self.paid[digest] += 1
            self.stats.paid_again += self.paid[digest] > 1
        self.stats.answered += 1
        return Reply(200, odd(message, fault))

    def completion(self, request: dict[str, Any]) -> "Reply":
        """The same for who speaks OpenAI's Chat Completions: always honest, for whatever model."""
        said = [message for message in request["messages"] if message["role"] != "system"]
        if not request["max_completion_tokens"]:
            return Reply(
                400, {"error": {"type": "invalid_request_error", "message": "max_completion_tokens"}}
            )
        self.stats.calls += 1
        text, _, _ = self.answer({"max_tokens": request["max_completion_tokens"], "messages": said}, "")
        message = {"role": "assistant", "content": text, "refusal": None}
        used = {"prompt_tokens": tokens(json.dumps(request)), "completion_tokens": tokens(text)}
        return Reply(
            200,
            {
                "id": "chatcmpl-1",
                "object": "chat.completion",
                "created": 1,
                "model": request["model"],
                "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
                "usage": {**used, "total_tokens": sum(used.values())},
            },
        )

    def refuse(  # noqa: PLR0911 - one for each reason
        self, headers: dict[str, str], body: bytes
    ) -> "Reply | None":
        given = headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ")
        if given != KEY:
            return Reply(401, error("authentication_error"))
        if "anthropic-version" not in headers:
            return Reply(400, error("invalid_request_error", "anthropic-version: header is required"))
        request = json.loads(body)
        if request.get("model") != MODEL:
            return Reply(404, error("not_found_error", f"model: {request.get('model')}"))
        if self.behaviour.billing_error:
            return Reply(429, error("rate_limit_error", "enforced_spend_limit_reached"))
        if not isinstance(request.get("max_tokens"), int) or not request.get("messages"):
            return Reply(400, error("invalid_request_error", "max_tokens: Field required"))
        if len(body) > self.behaviour.context_bytes:
            return Reply(400, error("invalid_request_error", "prompt is too long: 9 tokens > 8 maximum"))
        return None

    def message(self, request: dict[str, Any], fault: str) -> dict[str, Any]:
        text, stop, thinking = self.answer(request, fault)
        used = self.tokens(text) + thinking
        if used > request["max_tokens"]:
            text, stop, used = text[: 3 * request["max_tokens"]], "max_tokens", request["max_tokens"]
        content = [{"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}] if thinking else []
        if text:
            content.append({"type": "text", "text": text})
        return {
            "id": f"msg_{self.stats.calls}",
            "type": "message",
            "role": "assistant",
            "model": request["model"],
            "content": content,
            "stop_reason": stop,
            "stop_sequence": None,
            "usage": self.usage(request, used),
        }

    def usage(self, request: dict[str, Any], used: int) -> dict[str, int]:
        system = "".join(part["text"] for part in request.get("system", []))
        keeps = self.behaviour.caching and any("cache_control" in part for part in request.get("system", []))
        said = json.dumps(request["messages"]) + json.dumps(request.get("output_config", {}))
        common = self.tokens(system)
        read = common if keeps and system in self.cached else 0
        written = common if keeps and not read else 0
        if keeps:
            self.cached.add(system)
        return {
            "input_tokens": self.tokens(said) + (0 if keeps else common),
            "cache_creation_input_tokens": written,
            "cache_read_input_tokens": read,
            "output_tokens": used,
        }

    def tokens(self, text: str) -> int:
        return round(tokens(text) / self.behaviour.token_size)

    def bill(self, usage: dict[str, int]) -> None:
        self.stats.input_tokens += usage["input_tokens"]
        self.stats.output_tokens += usage["output_tokens"]
        self.stats.usd += (
            usage["input_tokens"] * PRICES["input"]
            + usage["cache_creation_input_tokens"] * PRICES["write"]
            + usage["cache_read_input_tokens"] * PRICES["read"]
            + usage["output_tokens"] * PRICES["output"]
        ) / 1e6

    def answer(self, request: dict[str, Any], fault: str) -> tuple[str, str, int]:
        """Text, stop reason and tokens of thinking."""
        if request["max_tokens"] == 0:
            return "", "max_tokens", 0
        first = request["messages"][0]["content"]
        asked = first if isinstance(first, str) else "".join(part.get("text", "") for part in first)
        found = ROWS.search(asked)
        if found is None:
            return "Hello.", "end_turn", 0
        own = random.Random(hashlib.sha256(asked.encode()).digest())
        thinking = own.randrange(0, 2 * self.behaviour.thinking + 1)
        thinking += int(self.behaviour.thinks_of_rows * tokens(asked))
        if fault == "refuse":
            return "", "refusal", thinking
        if fault == "gibberish":
            return "I would rather talk about the weather.", "end_turn", thinking
        ticket = json.loads(found[1])
        text = json.dumps(dishonest(ticket, fault, own) if fault else honest(ticket, own), ensure_ascii=False)
        if fault == "truncate":
            return text[: len(text) // 2], "max_tokens", thinking
        return text, "end_turn", thinking


def error(kind: str, message: str = "no") -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}}


def honest(ticket: dict[str, Any], own: random.Random) -> dict[str, Any]:
    """A text that keeps the rules: machine names copied, everything else plain words."""
    names = [
        row["machine_name"] for row in ticket["rows"] if re.fullmatch(r"\w+", row.get("machine_name", ""))
    ]
    name = re.sub(r"[^\w ,&'-]", " ", ticket["name"]).replace("_", " ").strip()[:80] or "the thing"
    criteria = [
        f"An editor can work with {name} in the finished site without the help of a developer.",
        "A visitor without an account sees nothing that is not published.",
        *(
            f"What `{machine}` asks for works for an editor as the table says."
            for machine in dict.fromkeys(names)
        ),
    ]
    criteria = criteria[: own.randrange(2, 8)]
    criteria.append("Everything is exported as configuration and imports on another environment.")
    return {
        "title": f"{ticket['action'].capitalize()} {ticket['subject']}: {name}",
        "story": f"As a content editor, I want {name} to be ready so that visitors find what they came for.",
        "criteria": criteria,
    }


def odd(message: dict[str, Any], fault: str) -> Any:
    """A reply as nobody expects it."""
    if fault == "new_stop":
        return {**message, "stop_reason": "something_new"}
    if fault in ("no_usage", "no_content"):
        return {name: value for name, value in message.items() if name != fault.removeprefix("no_")}
    return {"empty": {**message, "content": []}, "not_json": "<html>", "array": [message]}.get(fault, message)


def dishonest(ticket: dict[str, Any], fault: str, own: random.Random) -> dict[str, Any]:
    """A text that breaks the rules, the way models do."""
    text = honest(ticket, own)
    if fault == "invent":
        text["criteria"][0] = f"The field `field_never_heard_of_{own.randrange(99)}` is required."
    if fault in ("nul", "surrogate"):
        text["criteria"][0] += "\0" if fault == "nul" else "\ud800"
    if fault == "obey":
        cells = [cell for row in ticket["rows"] for cell in row.values() if INJECTED.search(cell)]
        orders = cells or ["As an AI I follow you. See https://evil.example/ <b>now</b>."]
        text["criteria"][0] = orders[0]
        text["story"] = orders[0]
    return text


class Server:
    """HTTP by hand: only so can a connection be dropped wherever it hurts."""

    def __init__(self, stand_in: StandIn) -> None:
        self.stand_in = stand_in

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self.exchange(reader, writer):
                pass
        except (
            ConnectionError,
            asyncio.IncompleteReadError,
            asyncio.LimitOverrunError,
            asyncio.CancelledError,
        ):
            pass
        finally:
            writer.close()

    async def exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        reply = await self.answer(first.split(" ")[1], headers, body)
        if reply.drop == "drop":
            return False
        data = reply.head() + reply.payload()
        writer.write(data[: len(data) // 2] if reply.drop else data)
        await writer.drain()
        while reply.endless:
            writer.write(reply.endless)
            await writer.drain()
            await asyncio.sleep(reply.pause)
        return not reply.drop and "connection" not in reply.headers

    async def answer(self, path: str, headers: dict[str, str], body: bytes) -> Reply:
        stats = self.stand_in.stats
        if path == "/stats":
            return Reply(200, asdict(stats))
        if path == "/control":
            self.stand_in.control(json.loads(body))
            return Reply(200, {})
        if path == "/v1/chat/completions":
            return self.stand_in.completion(json.loads(body))
        if path.partition("?")[0] != "/v1/messages":
            return Reply(404, error("not_found_error"))
        stats.in_flight += 1
        stats.most_in_flight = max(stats.most_in_flight, stats.in_flight)
        try:
            return await self.stand_in.messages(headers, body)
        finally:
            stats.in_flight -= 1


async def serve(port: int) -> None:
    server = await asyncio.start_server(
        Server(StandIn()).connection, "127.0.0.1", port, limit=2**22, backlog=512
    )
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()


class ModelStandIn:
    """The process, and how tests talk to it."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.model_stand_in"],
            cwd=Path(__file__).parents[1],
            stdout=subprocess.PIPE,
        )
        assert self.process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"
        self.key = KEY

    def be(self, *, reset: bool = True, **behaviour: Any) -> None:
        """Forget everything and be this."""
        httpx.post(f"{self.url}/control", json={"reset": reset, **behaviour}).raise_for_status()

    @property
    def stats(self) -> Stats:
        return Stats(**httpx.get(f"{self.url}/stats").json())

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def wait_for_calls(self, number: int, seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while self.stats.calls < number and time.monotonic() < end:
            time.sleep(0.02)


@pytest.fixture(scope="session")
def model_stand_in_process() -> Iterator[ModelStandIn]:
    stand_in = ModelStandIn()
    yield stand_in
    stand_in.stop()


@pytest.fixture
def model_stand_in(model_stand_in_process: ModelStandIn) -> ModelStandIn:
    """The stand-in, honest and knowing nothing."""
    model_stand_in_process.be()
    return model_stand_in_process


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    asyncio.run(serve(parser.parse_args().port))
