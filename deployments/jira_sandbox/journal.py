"""A record of all REST requests and answers, kept in memory up to a budget."""

import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

BUDGET_BYTES = 64 * 1024 * 1024


@dataclass
class Entry:
    """One request; `status` is None when no answer was sent, `applied` says whether it took effect on the site."""

    seq: int
    time: float
    method: str
    path: str
    query: str
    request_headers: dict[str, str]
    request_body: bytes
    login: str = ""
    status: int | None = None
    response_headers: dict[str, str] = field(default_factory=dict)
    response_body: bytes = b""
    fault: str | None = None
    applied: bool = False
    applied_status: int | None = None
    seconds: float | None = None
    weight: int = 0

    def as_json(self) -> dict[str, Any]:
        """The entry for the control API; bodies that are JSON are read."""
        return vars(self) | {
            "request_body": readable(self.request_body),
            "response_body": readable(self.response_body),
        }


class Journal:
    """The newest entries; `seq` counts on, so a reader sees when old ones are gone."""

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque()
        self.last = 0
        self.weight = 0

    def open(self, **values: Any) -> Entry:
        """Begin the entry of a request."""
        self.last += 1
        entry = Entry(seq=self.last, **values)
        self.entries.append(entry)
        return entry

    def weigh(self, entry: Entry) -> None:
        """Count a finished entry and drop the oldest ones above the budget."""
        entry.weight = len(entry.request_body) + len(entry.response_body) + 1000
        self.weight += entry.weight
        while self.weight > BUDGET_BYTES and len(self.entries) > 1:
            self.weight -= self.entries.popleft().weight

    def after(self, seq: int) -> Iterator[Entry]:
        """Entries newer than `seq`."""
        return (entry for entry in self.entries if entry.seq > seq)

    def clear(self) -> None:
        """Forget all entries."""
        self.entries.clear()
        self.weight = 0


def readable(body: bytes) -> Any:
    """JSON when it is JSON, text when it is text, otherwise its size."""
    try:
        return json.loads(body) if body else None
    except ValueError:
        pass
    try:
        return body.decode()
    except UnicodeDecodeError:
        return {"bytes": len(body)}
