"""Replies that no documentation promises and some gateway sends all the same. Imports nothing of ours."""

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

MUCH = 64 * 2**20  # bytes


@dataclass
class Reply:
    """What goes back, or half of it, or nothing, or something without end."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)
    drop: str = ""
    endless: bytes = b""  # comes after the body, again and again
    pause: float = 0.0  # each time

    def payload(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()

    def head(self) -> bytes:
        length = 2**40 if self.endless else len(self.payload())
        headers = {"content-type": "application/json", "content-length": str(length), **self.headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"HTTP/1.1 {self.status} x\r\n{lines}\r\n".encode("latin-1")


def raw(reply: Any, **headers: str) -> Reply:
    """With status 200, and with these headers."""
    return Reply(200, reply, {name.replace("_", "-"): value for name, value in headers.items()})


def saying(message: dict[str, Any], *content: Any, **more: Any) -> Reply:
    """The message with other content."""
    return Reply(200, {**message, "content": list(content), **more})


def using(message: dict[str, Any], **tokens: Any) -> Reply:
    """The message with other words about what it used."""
    return Reply(200, json.dumps({**message, "usage": {**message["usage"], **tokens}}))


def text_of(message: dict[str, Any]) -> str:
    return "".join(part.get("text", "") for part in message["content"])


def with_text(message: dict[str, Any], text: str) -> Reply:
    return saying(message, {"type": "text", "text": text})


ERROR = {"type": "error", "error": {"type": "api_error", "message": "no"}}
TOOL = {"type": "tool_use", "id": "toolu_1", "name": "delete_everything", "input": {"now": True}}
THINKING = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}

# With status 200, and no message of a model.
NO_REPLIES: dict[str, Callable[[dict[str, Any]], Reply]] = {
    "html": lambda _: raw("<html>Please log in.</html>", content_type="text/html"),
    "html called JSON": lambda _: raw("<html>Please log in.</html>"),
    "nothing": lambda _: raw(""),
    "null": lambda _: raw("null"),
    "a list": lambda message: raw([message]),
    "a text": lambda _: raw('"Hello."'),
    "an error": lambda _: raw(ERROR),
    "an empty object": lambda _: raw({}),
    "no content": lambda message: raw({key: message[key] for key in message if key != "content"}),
    "content null": lambda message: raw({**message, "content": None}),
    "content that is a text": lambda message: raw({**message, "content": text_of(message)}),
    "deeply nested": lambda _: raw('{"content":' + "[" * 100_000 + "]" * 100_000 + "}"),
    "a number with 10,000 digits": lambda _: raw('{"content": [' + "9" * 10_000 + "]}"),
    "half of an object": lambda message: raw(json.dumps(message)[:-40]),
    "not UTF-8": lambda _: raw(b'{"content": ["\xff\xfe\xc3"]}'),
    "events": lambda message: raw(
        f"event: message_start\ndata: {json.dumps({'type': 'message_start', 'message': message})}\n\n",
        content_type="text/event-stream",
    ),
    "gzip that is none": lambda message: raw(json.dumps(message), content_encoding="gzip"),
    "a bomb": lambda _: raw(gzip.compress(b" " * MUCH), content_encoding="gzip"),
    "a flood": lambda message: Reply(200, json.dumps(message), endless=b" " * 2**16),
    "a drip": lambda message: Reply(200, json.dumps(message), endless=b" ", pause=0.05),
    "too short": lambda message: raw(json.dumps(message), content_length="1000000", connection="close"),
    "a length that is none": lambda message: raw(json.dumps(message), content_length="many"),
    "headers without end": lambda message: raw(message, **{f"x-{n}": "y" * 1000 for n in range(500)}),
    "header that is none": lambda message: raw(message, **{"x y\x01z": "\x02"}),
}

# Messages, of a kind that nobody asked for.
STRANGE: dict[str, Callable[[dict[str, Any]], Reply]] = {
    "empty": saying,
    "only a thought": lambda message: saying(message, THINKING),
    "a tool": lambda message: saying(message, TOOL, stop_reason="tool_use"),
    "a tool at the end of the turn": lambda message: saying(message, TOOL),
    "content of numbers": lambda message: saying(message, 5, None, "text"),
    "content without type": lambda message: saying(message, {"text": text_of(message)}),
    "content of a new type": lambda message: saying(message, {"type": "hologram", "light": "blue"}),
    "text null": lambda message: saying(message, {"type": "text", "text": None}),
    "text that is a number": lambda message: saying(message, {"type": "text", "text": 5}),
    "text deeply nested": lambda message: with_text(message, '{"title":' + "[" * 100_000),
    "text of a million": lambda message: with_text(
        message,
        json.dumps({"title": "a" * 300_000, "story": "a " * 150_000, "criteria": ["`" * 300_000] * 3}),
    ),
    "criteria without end": lambda message: with_text(
        message, json.dumps({"title": "Many", "story": "As a", "criteria": ["It works."] * 50_000})
    ),
    "refused with text": lambda message: raw({**message, "stop_reason": "refusal"}),
    "cut off at the end": lambda message: raw({**message, "stop_reason": "max_tokens"}),
    "a pause": lambda message: raw({**message, "stop_reason": "pause_turn"}),
    "window exceeded": lambda message: raw({**message, "stop_reason": "model_context_window_exceeded"}),
    "stop null": lambda message: raw({**message, "stop_reason": None}),
    "stop that is a list": lambda message: raw({**message, "stop_reason": ["end_turn"]}),
    "a new stop": lambda message: raw({**message, "stop_reason": "something_new"}),
    "no usage": lambda message: raw({key: message[key] for key in message if key != "usage"}),
    "usage null": lambda message: raw({**message, "usage": None}),
    "usage that is a list": lambda message: raw({**message, "usage": [1]}),
}

# Good messages in bad clothes: the model's text stands.
ODDLY_SENT: dict[str, Callable[[dict[str, Any]], Reply]] = {
    "usage of infinity": lambda message: using(message, input_tokens=float("inf")),
    "usage of no number": lambda message: using(message, output_tokens=float("nan")),
    "usage negative": lambda message: using(message, output_tokens=-(10**6)),
    "usage beyond all": lambda message: using(message, output_tokens=10**30),
    "usage beyond the column": lambda message: using(message, input_tokens=2**31),
    "usage beyond the price": lambda message: using(message, input_tokens=2**31 - 1),
    "usage in words": lambda message: using(message, input_tokens="many"),
    "usage true": lambda message: using(message, input_tokens=True),
    "infinity beside it": lambda message: raw(json.dumps({**message, "score": [float("inf"), float("nan")]})),
    "another model": lambda message: raw({**message, "model": "claude-something-else"}),
    "model null": lambda message: raw({**message, "model": None}),
    "plain text": lambda message: raw(json.dumps(message), content_type="text/plain"),
    "called HTML": lambda message: raw(json.dumps(message), content_type="text/html; charset=nonsense"),
    "garbage beside": lambda message: raw(message, retry_after="\xff\xfe", request_id="\xe9" * 9000),
    "packed": lambda message: raw(gzip.compress(json.dumps(message).encode()), content_encoding="gzip"),
    "two texts": lambda message: saying(
        message,
        {"type": "text", "text": text_of(message)[:20]},
        {"type": "text", "text": text_of(message)[20:]},
    ),
    "text and a tool": lambda message: saying(message, *message["content"], TOOL),
    "thoughts after it": lambda message: saying(message, THINKING, *message["content"], THINKING),
}
