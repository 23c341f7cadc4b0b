"""A description as Markdown, for people who read it in a terminal or a diff."""

from collections.abc import Callable, Iterable
from typing import Any

from tasks.core.tickets import gfm
from tasks.core.tickets.wording import code

Node = dict[str, Any]
_MARKS = {"strong": ("**", "**"), "em": ("*", "*"), "strike": ("~~", "~~"), "underline": ("<u>", "</u>")}


def to_markdown(adf: Node) -> str:
    """The document as Markdown; what has no Markdown of its own keeps its text."""
    return "\n\n".join(_blocks(adf)) + "\n"


def _blocks(node: Node) -> Iterable[str]:
    return filter(None, (_block(child) for child in node.get("content", ())))


def _block(node: Node) -> str:
    written = _BLOCKS.get(node.get("type", ""))
    if written is not None:
        return written(node)
    return "\n\n".join(_blocks(node)) or _inline(node)


def _paragraph(node: Node) -> str:
    return gfm.without_line_start(_inline(node))


def _heading(node: Node) -> str:
    return f"{'#' * node['attrs']['level']} {_inline(node)}"


def _list(node: Node) -> str:
    numbered = node["type"] == "orderedList"
    items = [
        _indented(f"{number}. " if numbered else "- ", "\n".join(_blocks(item)))
        for number, item in enumerate(node["content"], start=1)
    ]
    return "\n".join(items)


def _indented(mark: str, text: str) -> str:
    return mark + text.replace("\n", "\n" + " " * len(mark))


def _quote(node: Node) -> str:
    return "\n".join(f"> {line}".rstrip() for line in "\n\n".join(_blocks(node)).split("\n"))


def _code_block(node: Node) -> str:
    text = "".join(child.get("text", "") for child in node.get("content", ()))
    return f"```\n{text}\n```"


def _table(node: Node) -> str:
    rows = [[_cell(cell) for cell in row["content"]] for row in node["content"]]
    headed = all(cell["type"] == "tableHeader" for cell in node["content"][0]["content"])
    header, body = (rows[0], rows[1:]) if headed else ([""] * len(rows[0]), rows)
    return gfm.rows(header, body)


def _cell(node: Node) -> str:
    return "<br>".join(_inline(block, "<br>") for block in node["content"])


def _inline(node: Node, line_break: str = "\n") -> str:
    return "".join(_piece(child, line_break) for child in node.get("content", ()))


def _piece(node: Node, line_break: str) -> str:
    if node.get("type") == "hardBreak":
        return line_break
    if "text" not in node:
        return _inline(node, line_break)
    marks = {mark["type"]: mark for mark in node.get("marks", ())}
    text = _code(node["text"], line_break) if "code" in marks else gfm.escape(node["text"])
    for kind, (before, after) in _MARKS.items():
        text = f"{before}{text}{after}" if kind in marks else text
    return f"[{text}]({marks['link']['attrs']['href']})" if "link" in marks else text


def _code(text: str, line_break: str) -> str:
    """In a table even code has its pipes escaped; that is how Markdown has it."""
    return code(text) if line_break == "\n" else code(text).replace("|", "\\|")


_BLOCKS: dict[str, Callable[[Node], str]] = {
    "paragraph": _paragraph,
    "heading": _heading,
    "bulletList": _list,
    "orderedList": _list,
    "blockquote": _quote,
    "panel": _quote,
    "codeBlock": _code_block,
    "table": _table,
    "rule": lambda _: "---",
}
