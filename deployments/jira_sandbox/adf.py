"""What Jira says about an Atlassian Document: valid or not, and how long it is."""

import json
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonschema_rs

UNIVERSAL_LIMIT_BYTES = 1_048_576


@cache
def schema() -> jsonschema_rs.Draft4Validator:
    """Atlassian's schema, from the package that ships it; found without importing the package."""
    spec = find_spec("adf_bridge")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError(
            "The package adf-bridge, which holds Atlassian's document schema, is not installed"
        )
    path = Path(spec.submodule_search_locations[0], "data", "adf-schema.json")
    return jsonschema_rs.Draft4Validator(json.loads(path.read_text("utf-8")))


def is_document(value: object) -> bool:
    """Whether the value is an Atlassian Document at all, valid or not."""
    return isinstance(value, dict) and value.get("type") == "doc"


def is_valid(document: dict[str, Any]) -> bool:
    """Whether Atlassian's schema takes it. Only is_valid: listing the errors of this schema takes minutes."""
    try:
        return schema().is_valid(document)
    except ValueError:  # nested deeper than the validator goes
        return False


def text_length(document: dict[str, Any]) -> int:
    """UTF-16 units of all text in the document."""
    return sum(utf16_length(text) for text in texts(document))


def json_length(document: dict[str, Any]) -> int:
    """UTF-16 units of the document as compact JSON."""
    return utf16_length(compact(document))


def byte_length(document: dict[str, Any]) -> int:
    """Bytes of the document as compact JSON."""
    return len(compact(document).encode("utf-8", "surrogatepass"))


def compact(value: object) -> str:
    """JSON without spaces and escapes."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def has_unknown_media(document: dict[str, Any]) -> bool:
    """Whether it shows a file by an id: those belong to Media Services, and no REST call answers one."""
    return any(
        node.get("type") == "media" and node.get("attrs", {}).get("type") != "external"
        for node in nodes(document)
    )


def texts(node: dict[str, Any]) -> Iterator[str]:
    """Every text of the document, in order."""
    return (found["text"] for found in nodes(node) if isinstance(found.get("text"), str))


def nodes(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every node, in order; a stack, since documents may be nested deeply."""
    stack = [document]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(child for child in reversed(current.get("content") or []) if isinstance(child, dict))


def utf16_length(text: str) -> int:
    """Length as Java and JavaScript count it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
