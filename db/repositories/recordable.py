"""Makes any value fit to be kept for people: JSON-safe, no secret in it, and not too big."""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

LIMIT = 100_000  # bytes of JSON; the table itself refuses more than 102,400
KEPT_OF_TOO_MUCH = 10_000  # characters; escaped at worst six times as long, and so below the limit
EXACT = 1e15  # Postgres writes numbers out, 1e300 as 301 digits; beyond this they are kept as text

SECRET = re.compile(r"token|secret|passw|authorization|api_?key|credential", re.IGNORECASE)
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def plain_text(text: str) -> str:
    """The text without what Postgres cannot hold: NUL and lone surrogates become the replacement character."""
    return UNSTORABLE.sub("\ufffd", text)


def storable(value: Any) -> Any:
    """JSON as it came, without what Postgres cannot hold."""
    if isinstance(value, dict):
        return {plain_text(name): storable(item) for name, item in value.items()}
    if isinstance(value, list):
        return [storable(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return plain_text(value) if isinstance(value, str) else value


def recordable(data: Mapping[str, Any]) -> dict[str, Any]:
    """The data as JSON that can be stored; what looks like a secret is masked, too much is cut and says so."""
    safe: dict[str, Any] = _safe(data)
    text = json.dumps(safe, ensure_ascii=False)
    size = len(text.encode())
    if size <= LIMIT:
        return safe
    return {
        "truncated": f"{size:,} bytes were too many to keep; this is how they began.",
        "keys": list(safe)[:50] if len(safe) <= LIMIT else [],
        "beginning": text[:KEPT_OF_TOO_MUCH],
    }


def _safe(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {plain_text(str(key)): _masked(str(key), item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_safe(item) for item in value]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return value if math.isfinite(value) and abs(value) < EXACT else str(value)
    return plain_text(str(value))


def _masked(key: str, value: Any) -> Any:
    return "***" if SECRET.search(key) and isinstance(value, str | bytes) else _safe(value)
