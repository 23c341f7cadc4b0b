"""What people write, in Markdown, as a document that Jira takes and that can do nothing but be read.

HTML is text, a mention is text, an image is a link to it. The parser is marklassian; nothing of what it makes is
trusted: the document is built anew from the nodes and marks that are allowed, and a block that Atlassian's schema
would still refuse is shown as plain text. Nothing that was written is lost.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import marklassian

from tasks.core.tickets import adf
from tasks.core.tickets.wording import is_refused

Node = dict[str, Any]
LINKS = ("http://", "https://", "mailto:")
MAX_DEPTH = 12
MARKS = frozenset({"strong", "em", "strike", "code"})
_AUTOLINK = re.compile(r"<(?=(?:https?://|mailto:)[^\s<>]+>)", re.IGNORECASE)
_LINE_END = re.compile(r"(?<=[^\n])\n")
_HARD_BREAK = "  \n"
_ADDED = re.compile(r"  $", re.MULTILINE)
_PRIVATE = range(0xE000, 0xF8FF)


def to_blocks(markdown: str) -> list[Node]:
    """The blocks of a document that says what the Markdown says."""
    text = markdown.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    if not text.strip():
        return []
    stand_in = next((chr(code) for code in _PRIVATE if chr(code) not in text), None)
    if stand_in is None or any(map(is_refused, text)):
        return _as_written(text)  # validation names the character
    # A line break that a person made stays one; HTML is not HTML.
    kept = _LINE_END.sub(_HARD_BREAK, _escape(text, stand_in))
    try:
        parsed = marklassian.markdown_to_adf(kept)["content"]
        blocks = list(_Walk(stand_in).blocks(parsed, 0))
    except RecursionError:
        return _as_written(text)
    return blocks if blocks else _as_written(text)


def _escape(text: str, stand_in: str) -> str:
    links = {match.start() for match in _AUTOLINK.finditer(text)}
    return "".join(stand_in if c == "<" and at not in links else c for at, c in enumerate(text))


def _as_written(text: str) -> list[Node]:
    return [adf.paragraph(adf.verbatim(part)) for part in re.split(r"\n{2,}", text) if part.strip()]


class _Walk:
    """Builds the document anew; whatever is not known keeps its text."""

    def __init__(self, stand_in: str) -> None:
        self._stand_in = stand_in
        self._made: dict[str, Callable[[Node, int], Node | None]] = {
            "paragraph": lambda node, _: self._paragraph(node),
            "heading": self._heading,
            "bulletList": self._list,
            "orderedList": self._list,
            "taskList": self._task_list,
            "blockquote": self._quote,
            "codeBlock": self._code_block,
            "table": self._table,
            "rule": lambda _node, _depth: {"type": "rule"},
        }

    def blocks(self, nodes: Iterable[Any], depth: int) -> Iterator[Node]:
        for node in nodes:
            make = self._made.get(node.get("type", "")) if depth < MAX_DEPTH else None
            block = make(node, depth) if make else self._paragraph(node)
            if block is not None:
                yield block

    def _paragraph(self, node: Node) -> Node | None:
        inline = self._inline(node)
        return adf.paragraph(inline) if inline else None

    def _heading(self, node: Node, depth: int) -> Node | None:
        inline = self._inline(node)
        level = min(max(int(node.get("attrs", {}).get("level", 3)) + 2, 3), 6)  # below our own headings
        if not inline or depth:
            return adf.paragraph(inline) if inline else None
        return {"type": "heading", "attrs": {"level": level}, "content": inline}

    def _list(self, node: Node, depth: int) -> Node | None:
        items = [self._item(item.get("content", ()), depth) for item in node.get("content", ())]
        return {"type": node["type"], "content": items} if items else None

    def _task_list(self, node: Node, depth: int) -> Node | None:
        items = []
        for task in node.get("content", ()):
            done = task.get("attrs", {}).get("state") == "DONE"
            mark = {"type": "text", "text": "[x] " if done else "[ ] "}
            parts = task.get("content", ())
            items.append(self._item([{"type": "paragraph", "content": [mark, *parts]}], depth))
        return {"type": "bulletList", "content": items} if items else None

    def _item(self, content: Iterable[Node], depth: int) -> Node:
        """A list item holds paragraphs, code and lists, a paragraph or code first."""
        blocks: list[Node] = []
        for block in self.blocks(content, depth + 1):
            if block["type"] in ("paragraph", "codeBlock"):
                blocks.append(block)
            elif block["type"] in ("bulletList", "orderedList"):
                blocks += [block] if blocks else [adf.paragraph([]), block]
            else:
                blocks += list(_paragraphs_in(block))
        return {"type": "listItem", "content": blocks or [adf.paragraph([])]}

    def _quote(self, node: Node, depth: int) -> Node | None:
        inner = list(self.blocks(node.get("content", ()), depth + 1))
        content = [part for block in inner for part in _fit_for_quote(block)]
        return {"type": "blockquote", "content": content} if content else None

    def _code_block(self, node: Node, _depth: int) -> Node | None:
        text = "".join(part.get("text", "") for part in node.get("content", ()))
        text = self._restored(_ADDED.sub("", text))
        return {"type": "codeBlock", "content": [{"type": "text", "text": text}]} if text else None

    def _table(self, node: Node, depth: int) -> Node | None:
        rows = [
            [
                (cell.get("type"), [p for p in map(self._paragraph, cell.get("content", ())) if p])
                for cell in row.get("content", ())
            ]
            for row in node.get("content", ())
        ]
        width = max(map(len, rows), default=0)
        if depth or not width:
            return self._paragraph(node)
        return {"type": "table", "content": [_row(row, width) for row in rows]}

    def _inline(self, node: Node) -> list[Node]:
        nodes = list(self._pieces(node))
        while nodes and nodes[-1]["type"] == "hardBreak":
            nodes.pop()
        return nodes

    def _pieces(self, node: Node) -> Iterator[Node]:
        kind = node.get("type")
        if kind == "hardBreak":
            yield {"type": "hardBreak"}
        elif kind == "media":
            yield from self._image(node.get("attrs", {}))
        elif "text" in node:
            yield from adf.verbatim(self._restored(node["text"]), *self._marks(node.get("marks", ())))
        else:
            for number, child in enumerate(node.get("content", ())):
                if number and child.get("type") not in ("text", "hardBreak", "media"):
                    yield {"type": "text", "text": " "}
                yield from self._pieces(child)

    def _image(self, attributes: Node) -> Iterator[Node]:
        url = self._restored(str(attributes.get("url", "")))
        shown = self._restored(str(attributes.get("alt") or url))
        yield from adf.verbatim(shown, *([_link(url)] if _is_safe(url) else []))

    def _marks(self, marks: Iterable[Node]) -> list[Node]:
        found = {mark.get("type"): mark for mark in marks}
        href = self._restored(str(found.get("link", {}).get("attrs", {}).get("href", "")))
        kept = [_link(href)] if _is_safe(href) else []
        if "code" in found:  # beside code Atlassian's schema takes a link and nothing else
            return [adf.CODE, *kept]
        return [{"type": kind} for kind in ("strong", "em", "strike") if kind in found] + kept

    def _restored(self, text: str) -> str:
        return text.replace(self._stand_in, "<")


def _row(cells: list[tuple[str | None, list[Node]]], width: int) -> Node:
    padded = [*cells, *((cells[-1][0], []) for _ in range(width - len(cells)))] if cells else []
    content = [
        {
            "type": "tableHeader" if kind == "tableHeader" else "tableCell",
            "content": paragraphs or [adf.paragraph([])],
        }
        for kind, paragraphs in padded
    ]
    return {"type": "tableRow", "content": content}


def _fit_for_quote(block: Node) -> Iterator[Node]:
    if block["type"] in ("paragraph", "bulletList", "orderedList", "codeBlock"):
        yield block
    else:
        yield from _paragraphs_in(block)


def _paragraphs_in(block: Node) -> Iterator[Node]:
    """The paragraphs somewhere below a block that cannot stand where it is."""
    if block["type"] == "paragraph":
        yield block
    for child in block.get("content", ()):
        yield from _paragraphs_in(child)


def _is_safe(href: str) -> bool:
    return href.lower().startswith(LINKS) and href.isprintable() and " " not in href


def _link(href: str) -> Node:
    return {"type": "link", "attrs": {"href": href}}
