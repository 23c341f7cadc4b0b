"""The hash of exactly what would be sent: what was validated is what may be exported."""

import hashlib
import json
from typing import Any

from tasks.core.tickets.model import AttachmentFile


def canonical_json(value: Any) -> str:
    """One spelling for equal values, whatever the order of their keys."""
    return json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))


def digest(value: Any) -> str:
    """SHA-256 of a JSON value, in hex."""
    return hashlib.sha256(canonical_json(value).encode("ascii")).hexdigest()


def content_hash(title: str, adf: dict[str, Any], attachment: AttachmentFile | None) -> str:
    """Changes when the summary, the description or the attached file changes, and never otherwise."""
    return digest([title, adf, attachment.model_dump() if attachment else None])
