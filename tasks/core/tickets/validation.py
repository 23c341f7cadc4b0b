"""What Jira would refuse or show wrongly, found before anything is sent.

Atlassian's schema says which nodes may stand where. It says nothing of characters, lengths, links, ragged tables and
nodes that only Confluence knows: those rules stand here.
"""

import json
from collections.abc import Callable, Iterator
from functools import cache
from importlib import resources
from typing import Any

import jsonschema_rs

from tasks.core.tickets.attachment import MAX_BYTES
from tasks.core.tickets.description import MAX_JSON, json_length, text_length
from tasks.core.tickets.model import AttachmentFile, Description
from tasks.core.tickets.wording import is_refused, utf16_length

MAX_DESCRIPTION_TEXT = 32_767
MAX_TITLE = 255
MAX_DEPTH = 40
LINK_SCHEMES = ("http://", "https://", "mailto:")
NODES = {
    "doc", "paragraph", "heading", "bulletList", "orderedList", "listItem", "codeBlock", "blockquote", "panel", "rule",
    "table", "tableRow", "tableHeader", "tableCell", "expand", "nestedExpand", "text", "hardBreak",
}  # fmt: skip
MARKS = {"strong", "em", "code", "link", "strike", "subsup", "underline", "textColor", "backgroundColor"}

_TOO_DEEP = f"it is nested more than {MAX_DEPTH} deep"
_NO_FIT = "it does not fit Atlassian's schema"
_MISSHAPEN = {_TOO_DEEP, _NO_FIT}

Node = dict[str, Any]


@cache
def _valid() -> Callable[[object], bool]:
    # The wheel's copy of Atlassian's schema; a test compares it with Atlassian's own document.
    schema = resources.files("adf_bridge").joinpath("data", "adf-schema.json").read_text(encoding="utf-8")
    return jsonschema_rs.validator_for(json.loads(schema)).is_valid


def problems(description: Description, title: str) -> list[str]:
    """Everything that is wrong with a ticket as it would be sent, each with its place; empty when Jira takes it."""
    found = [*_title_problems(title), *_document_problems(description.adf)]
    if description.attachment:
        found += _attachment_problems(description.attachment)
    return found


def _title_problems(title: str) -> Iterator[str]:
    if not title.strip():
        yield "title: it is empty"
    if utf16_length(title) > MAX_TITLE:
        yield f"title: {utf16_length(title)} characters, Jira takes {MAX_TITLE}"
    if "\n" in title:
        yield "title: it has a line break, Jira takes one line"
    if bad := _bad_character(title):
        yield f"title: it holds the character {bad}, which Jira refuses"


def _document_problems(document: Node) -> Iterator[str]:
    if not _valid()({**document, "content": []}) or not isinstance(document.get("content"), list):
        yield "description: it is not an Atlassian document"
        return
    before, shaped = "", True
    for number, block in enumerate(document["content"], start=1):
        place = f"description, block {number} ({_kind(block)}{f' under “{before}”' if before else ''})"
        found = list(_block_problems(block))
        yield from (f"{place}: {problem}" for problem in found)
        shaped = shaped and not _MISSHAPEN.intersection(found)
        if _kind(block) == "heading":
            before = _text(block)
    if shaped:  # nothing else can be measured
        yield from _length_problems(document)


def _length_problems(document: Node) -> Iterator[str]:
    if (text := text_length(document)) > MAX_DESCRIPTION_TEXT:
        yield f"description: {text} characters of text, Jira takes {MAX_DESCRIPTION_TEXT}; shorten the notes"
    if (size := json_length(document)) > MAX_JSON:
        yield f"description: {size} characters as JSON, Jira takes {MAX_JSON}; shorten the notes"


def _block_problems(block: Any) -> Iterator[str]:
    nodes = list(_walk(block))
    if any(depth > MAX_DEPTH for depth, _ in nodes):
        yield _TOO_DEEP
        return
    seen: set[str] = set()
    for _, node in nodes:
        for problem in _node_problems(node):
            if problem not in seen:
                seen.add(problem)
                yield problem
    if not _valid()({"version": 1, "type": "doc", "content": [block]}):
        yield _NO_FIT


def _walk(block: Any) -> Iterator[tuple[int, Node]]:
    stack: list[tuple[int, Any]] = [(1, block)]
    while stack:
        depth, node = stack.pop()
        if not isinstance(node, dict):
            continue  # the schema says so
        yield depth, node
        content = node.get("content")
        if isinstance(content, list):
            stack.extend((depth + 1, child) for child in reversed(content))


def _node_problems(node: Node) -> Iterator[str]:
    kind = _kind(node)
    if kind not in NODES:
        yield f"the node `{kind}` is not shown in Jira issues"
    if kind == "table":
        yield from _ragged(node)
    if kind != "codeBlock":
        yield from _line_breaks(node)
    text = node.get("text")
    if isinstance(text, str):
        yield from _text_problems(text)
    for mark in _dicts(node.get("marks")):
        yield from _mark_problems(mark)


def _line_breaks(node: Node) -> Iterator[str]:
    for child in _dicts(node.get("content")):
        text = child.get("text")
        if isinstance(text, str) and "\n" in text:
            yield f"the text “{_start(text)}” has a line break, which belongs in a hardBreak node"


def _text_problems(text: str) -> Iterator[str]:
    if not text:
        yield "it has an empty text node"
    if bad := _bad_character(text):
        yield f"the text “{_start(text)}” holds the character {bad}, which Jira refuses"
    if utf16_length(text) > MAX_DESCRIPTION_TEXT:
        yield f"one text of {utf16_length(text)} characters, Jira takes {MAX_DESCRIPTION_TEXT}"


def _mark_problems(mark: Node) -> Iterator[str]:
    kind = _kind(mark)
    if kind not in MARKS:
        yield f"the mark `{kind}` is not shown in Jira issues"
    if kind == "link":
        attributes = mark.get("attrs")
        href = str(attributes.get("href", "")) if isinstance(attributes, dict) else ""
        if not href.lower().startswith(LINK_SCHEMES) or _bad_character(href):
            yield f"the link “{_start(href)}” is not http, https or mailto"


def _ragged(table: Node) -> Iterator[str]:
    widths = {_width(row) for row in _dicts(table.get("content"))}
    spans = any(
        "rowspan" in (cell.get("attrs") or {})
        for row in _dicts(table.get("content"))
        for cell in _dicts(row.get("content"))
    )
    if len(widths) > 1 and not spans:
        yield f"the rows of the table have {' and '.join(str(width) for width in sorted(widths))} cells"
    if 0 in widths:
        yield "a row of the table has no cells"


def _width(row: Node) -> int:
    return sum(int((cell.get("attrs") or {}).get("colspan", 1)) for cell in _dicts(row.get("content")))


def _attachment_problems(file: AttachmentFile) -> Iterator[str]:
    if bad := _bad_character(file.content):
        yield f"attachment {file.filename}: it holds the character {bad}, which cannot be shown"
        return
    size = len(file.content.encode())
    if size > MAX_BYTES:
        yield (
            f"attachment {file.filename}: {size:,} bytes, at most {MAX_BYTES:,} are taken; "
            "make smaller tickets (granularity: apart or per row)"
        )


def _bad_character(text: str) -> str:
    if text.isascii() and text.isprintable():
        return ""
    return next((f"U+{ord(character):04X}" for character in text if is_refused(character)), "")


def _dicts(value: Any) -> list[Node]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _kind(node: Any) -> str:
    return str(node.get("type", "?")) if isinstance(node, dict) else "?"


def _text(block: Node) -> str:
    return "".join(str(node.get("text", "")) for _, node in _walk(block))


def _start(text: str, length: int = 40) -> str:
    shown = text.encode("ascii", "backslashreplace").decode() if _bad_character(text) else text
    return shown if len(shown) <= length else shown[:length] + "…"
