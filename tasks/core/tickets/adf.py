"""A small typed builder of Atlassian Document Format: the nodes we use, and no way to make others.

Text nodes never hold a line break, an empty text node is never made; both would be refused by Jira.
"""

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from tasks.core.tickets.wording import split_code

Node: TypeAlias = dict[str, Any]
Inline: TypeAlias = list[Node]

STRONG: Node = {"type": "strong"}
CODE: Node = {"type": "code"}


def document(blocks: Iterable[Node]) -> Node:
    """The whole description."""
    return {"version": 1, "type": "doc", "content": list(blocks)}


def verbatim(value: str, *marks: Node) -> Inline:
    """A value as it stands; each line break becomes a hardBreak, so joining them with a newline restores it."""
    nodes: Inline = []
    for number, line in enumerate(value.split("\n")):
        if number:
            nodes.append({"type": "hardBreak"})
        if line:
            nodes.append({"type": "text", "text": line, **({"marks": list(marks)} if marks else {})})
    return nodes


def prose(text: str) -> Inline:
    """A sentence whose code spans become code."""
    return [
        node for is_code, piece in split_code(text) for node in verbatim(piece, *([CODE] if is_code else []))
    ]


def paragraph(content: Inline) -> Node:
    """A paragraph; an empty one has no content."""
    return {"type": "paragraph", "content": content} if content else {"type": "paragraph"}


def heading(level: int, text: str) -> Node:
    """A heading of one line."""
    return {"type": "heading", "attrs": {"level": level}, "content": verbatim(text)}


def bullets(items: Iterable[Inline]) -> Node:
    """A list with one paragraph per item."""
    content = [{"type": "listItem", "content": [paragraph(item)]} for item in items]
    return {"type": "bulletList", "content": content}


def table(rows: Iterable[Sequence[Node]]) -> Node:
    """A table from rows of `header_cell` and `cell`."""
    return {"type": "table", "content": [{"type": "tableRow", "content": list(row)} for row in rows]}


def header_cell(value: str) -> Node:
    """A cell that names a column."""
    return {"type": "tableHeader", "content": [paragraph(verbatim(value))]}


def cell(value: str) -> Node:
    """A cell with a value of the spec."""
    return {"type": "tableCell", "content": [paragraph(verbatim(value))]}
