"""What a call of a model is, and who keeps the account of it. The account is the caller's; the client only asks it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

DEFAULT_MODELS = {"anthropic": "claude-haiku-5-5", "openai": "gpt-5-mini"}  # by provider


class Purpose(StrEnum):
    """Why a model is called."""

    CHECK = "check"
    WRITE = "write"
    MORE_ROOM = "more_room"
    REPAIR = "repair"


@dataclass(frozen=True, slots=True)
class Call:
    """One question, and what can be known of it before its request is built."""

    purpose: Purpose
    prompt_hash: str
    prompt_bytes: int
    max_tokens: int


@dataclass(frozen=True, slots=True)
class Sending:
    """A request that may be sent: its money is set aside."""

    reservation: UUID
    request_hash: str
    call: Call


@dataclass(frozen=True, slots=True)
class Stored:
    """A reply that was paid for already."""

    reply: Mapping[str, Any]


class Stop(StrEnum):
    """Why an answer ended."""

    DONE = "done"
    CUT_OFF = "cut_off"
    REFUSED = "refused"
    TOO_LONG = "too_long"  # the question, for the model's context window
    REJECTED = "rejected"  # the provider does not take the request
    UNREADABLE = "unreadable"  # a reply as no provider promises it


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; text only where the answer is done."""

    stop: Stop
    text: str = ""


class Ledger(Protocol):
    """Keeps replies and money. Every HTTP attempt begins here and ends in exactly one of the other three."""

    async def begin(self, call: Call, request_hash: str, body_bytes: int) -> Stored | Sending:
        """The stored reply to this very request, or leave to send it once; raises where it may not be sent."""

    async def answered(self, sending: Sending, reply: Mapping[str, Any]) -> None:
        """The provider replied: count what it cost and keep the reply."""

    async def refused(self, sending: Sending) -> None:
        """The request was not worked on: it costs nothing."""

    async def lost(self, sending: Sending) -> None:
        """Nobody knows what became of the request: it counts at its ceiling."""
