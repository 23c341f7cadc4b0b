"""An Atlassian Document as HTML for people: everything escaped, only tags of ours, no script."""

from collections.abc import Callable
from html import escape
from typing import Any
from urllib.parse import urlsplit

Node = dict[str, Any]
SAFE_SCHEMES = {"http", "https", "mailto"}
DEEPEST = 60
TAGS = {
    "paragraph": "p",
    "bulletList": "ul",
    "listItem": "li",
    "blockquote": "blockquote",
    "table": "table",
    "tableRow": "tr",
    "taskList": "ul",
    "decisionList": "ul",
    "decisionItem": "li",
    "nestedExpand": "section",
    "layoutSection": "section",
    "layoutColumn": "div",
}
MARKS = {"strong": "strong", "em": "em", "code": "code", "strike": "s", "underline": "u"}


def render(node: Node, depth: int = 0) -> str:
    """One node with all that it holds."""
    kind = str(node.get("type"))
    if depth > DEEPEST:
        return "<p>…</p>"
    if kind in RENDERERS:
        return RENDERERS[kind](node, depth)
    if kind in TAGS:
        return wrap(TAGS[kind], children(node, depth))
    return children(node, depth) or escape(str(node.get("text", "")))


def children(node: Node, depth: int) -> str:
    """The content of a node."""
    return "".join(render(child, depth + 1) for child in node.get("content") or [] if isinstance(child, dict))


def wrap(tag: str, inner: str, **attributes: str) -> str:
    """An element; attributes are escaped here, the inside is HTML already."""
    shown = "".join(f' {name.rstrip("_")}="{escape(value)}"' for name, value in attributes.items())
    return f"<{tag}{shown}>{inner}</{tag}>"


def attrs(node: Node) -> Node:
    """A node's attributes."""
    held = node.get("attrs")
    return held if isinstance(held, dict) else {}


def text(node: Node, _depth: int) -> str:
    """Text inside its marks."""
    html = escape(str(node.get("text", "")))
    for mark in node.get("marks") or []:
        kind = mark.get("type")
        if kind in MARKS:
            html = wrap(MARKS[kind], html)
        elif kind == "link":
            html = anchor(str(attrs(mark).get("href", "")), html)
        elif kind == "subsup":
            html = wrap("sup" if attrs(mark).get("type") == "sup" else "sub", html)
    return html


def anchor(href: str, inner: str) -> str:
    """A link, if it leads to a harmless place."""
    try:
        harmless = urlsplit(href.strip()).scheme.lower() in SAFE_SCHEMES
    except ValueError:
        harmless = False
    return wrap("a", inner, href=href.strip(), rel="noreferrer noopener nofollow") if harmless else inner


def heading(node: Node, depth: int) -> str:
    """A heading below the page's own."""
    level = attrs(node).get("level", 1)
    return wrap(f"h{min(int(level), 5) + 1 if isinstance(level, int) else 2}", children(node, depth))


def ordered_list(node: Node, depth: int) -> str:
    """A numbered list from its first number."""
    return wrap("ol", children(node, depth), start=str(attrs(node).get("order", 1)))


def cell(tag: str) -> Callable[[Node, int], str]:
    """A cell of a table."""

    def renderer(node: Node, depth: int) -> str:
        spans = {name: str(attrs(node)[name]) for name in ("colspan", "rowspan") if name in attrs(node)}
        return wrap(tag, children(node, depth), **spans)

    return renderer


def panel(node: Node, depth: int) -> str:
    """A coloured box."""
    return wrap("div", children(node, depth), class_=f"panel {attrs(node).get('panelType', 'info')}")


def expand(node: Node, depth: int) -> str:
    """A box that opens; open from the start, since there is no script."""
    title = wrap("summary", escape(str(attrs(node).get("title", ""))))
    return f"<details open>{title}{children(node, depth)}</details>"


def task(node: Node, depth: int) -> str:
    """A task with its box."""
    box = "☑ " if attrs(node).get("state") == "DONE" else "☐ "
    return wrap("li", box + children(node, depth))


def card(node: Node, _depth: int) -> str:
    """A smart link as a plain one."""
    url = str(attrs(node).get("url", ""))
    return anchor(url, escape(url))


def labelled(name: str) -> Callable[[Node, int], str]:
    """A node whose text is an attribute."""
    return lambda node, _depth: wrap("span", escape(str(attrs(node).get(name, ""))), class_="inline")


RENDERERS: dict[str, Callable[[Node, int], str]] = {
    "text": text,
    "heading": heading,
    "orderedList": ordered_list,
    "tableHeader": cell("th"),
    "tableCell": cell("td"),
    "codeBlock": lambda node, depth: wrap("pre", wrap("code", children(node, depth))),
    "panel": panel,
    "expand": expand,
    "nestedExpand": expand,
    "taskItem": task,
    "rule": lambda _node, _depth: "<hr>",
    "hardBreak": lambda _node, _depth: "<br>",
    "inlineCard": card,
    "blockCard": card,
    "embedCard": card,
    "status": labelled("text"),
    "mention": labelled("text"),
    "emoji": labelled("shortName"),
    "date": labelled("timestamp"),
}
