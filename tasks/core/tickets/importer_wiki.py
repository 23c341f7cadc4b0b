"""A description in Jira's wiki markup, which Jira's CSV importer reads."""

import re
from collections.abc import Callable, Iterable
from typing import Any

Node = dict[str, Any]

_MARKS = {"strong": "*", "em": "_", "strike": "-", "underline": "+"}
# What wiki markup would obey: braces, brackets, bars and backslashes anywhere, the rest at the edge of a word.
_ALWAYS = re.compile(r"[\\{}\[\]|]|!(?=\S)|\?(?=\?)")
_EDGES = re.compile(r"(?<![^\W_])[*_+^~-](?=\S)|(?<=\S)[*_+^~-](?![^\W_])")
_FACES = re.compile(r"[:;](?=[-()DP])|\((?=(?:[/x!?iyn+-]|on|off|\*[rgby]?|flagoff|flag)\))")
_LINE_START = re.compile(r"^(\s*)(?=#|h[1-6]\.|bq\.|-{3,})")


def to_wiki(adf: Node) -> str:
    """The document as wiki markup; what has no markup of its own keeps its text."""
    return "\n\n".join(_blocks(adf))


def escape(text: str) -> str:
    """One line of text that wiki markup shows as it is."""
    found = {match.start() for form in (_ALWAYS, _EDGES, _FACES) for match in form.finditer(text)}
    escaped = "".join(f"\\{character}" if at in found else character for at, character in enumerate(text))
    return _LINE_START.sub(r"\1\\", escaped)


def _blocks(node: Node, prefix: str = "") -> Iterable[str]:
    return filter(None, (_block(child, prefix) for child in node.get("content", ())))


def _block(node: Node, prefix: str = "") -> str:
    kind = str(node.get("type", ""))
    if kind in ("bulletList", "orderedList"):
        return _list(node, prefix + ("#" if kind == "orderedList" else "*"))
    written = _BLOCKS.get(kind)
    if written is not None:
        return written(node)
    return "\n\n".join(_blocks(node)) or _inline(node)


def _list(node: Node, prefix: str) -> str:
    lines = []
    for item in node.get("content", ()):
        # A blank line would end the list: the paragraphs of an item stand line by line.
        own = [_block(child, prefix) for child in item.get("content", ())]
        first = f"{prefix} {own[0]}" if own and not own[0].startswith(prefix) else "".join(own[:1])
        lines += [first, *own[1:]]
    return "\n".join(lines)


def _heading(node: Node) -> str:
    return f"h{node['attrs']['level']}. {_inline(node, ' ')}"


def _quote(node: Node) -> str:
    return "{quote}\n" + "\n\n".join(_blocks(node)) + "\n{quote}"


def _code_block(node: Node) -> str:
    text = "".join(child.get("text", "") for child in node.get("content", ()))
    return "{noformat}\n" + text.replace("{noformat}", "{ noformat }") + "\n{noformat}"


def _table(node: Node) -> str:
    return "\n".join(_row(row) for row in node["content"])


def _row(row: Node) -> str:
    written = ""
    for cell in row["content"]:
        bar = "||" if cell["type"] == "tableHeader" else "|"
        text = r" \\ ".join(_inline(block, r" \\ ") for block in cell["content"])
        written += bar + (text or " ")
    return written + ("||" if row["content"][-1]["type"] == "tableHeader" else "|")


def _inline(node: Node, line_break: str = "\n") -> str:
    return "".join(_piece(child, line_break) for child in node.get("content", ()))


def _piece(node: Node, line_break: str) -> str:
    if node.get("type") == "hardBreak":
        return line_break
    if "text" not in node:
        return _inline(node, line_break)
    marks = {mark["type"]: mark for mark in node.get("marks", ())}
    text = escape(node["text"])
    if "code" in marks:
        text = f"{{{{{text}}}}}"
    for kind, sign in _MARKS.items():
        text = f"{sign}{text}{sign}" if kind in marks and text.strip() else text
    return f"[{text}|{marks['link']['attrs']['href']}]" if "link" in marks else text


_BLOCKS: dict[str, Callable[[Node], str]] = {
    "paragraph": _inline,
    "heading": _heading,
    "blockquote": _quote,
    "panel": _quote,
    "codeBlock": _code_block,
    "table": _table,
    "rule": lambda _: "----",
}
