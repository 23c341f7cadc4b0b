"""All tickets as one HTML page to send around: no scripts, nothing loaded, every text escaped."""

import base64
import hashlib
from collections.abc import Iterable
from html import escape
from typing import Any

from tasks.core.tickets.handover import Handed, Handover
from tasks.core.tickets.wording import is_invisible, visible

Node = dict[str, Any]

_STYLE = """
body { font: 15px/1.5 Arial, Helvetica, 'DejaVu Sans', sans-serif; color: #1f2937; max-width: 1100px;
  margin: 2rem auto; padding: 0 1.5rem }
article { border-top: 2px solid #cbd5e1; margin-top: 2.5rem }
table { border-collapse: collapse; font-size: 13px }
th, td { border: 1px solid #d1d5db; padding: .3rem .5rem; text-align: left; vertical-align: top;
  overflow-wrap: anywhere }
th { background: #f1f5f9 }
code, pre { font-family: 'DejaVu Sans Mono', monospace; font-size: .92em; background: #f1f5f9 }
pre { white-space: pre-wrap; padding: .7rem }
dl { display: grid; grid-template-columns: max-content auto; gap: .1rem 1rem }
dt { color: #475569 }
dd { margin: 0 }
@media print { article { break-before: page } nav { display: none } }
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'"
_MARKS = {"strong": "strong", "em": "em", "strike": "s", "underline": "u", "code": "code"}
_BLOCKS = {
    "paragraph": "p",
    "bulletList": "ul",
    "orderedList": "ol",
    "listItem": "li",
    "blockquote": "blockquote",
    "panel": "blockquote",
    "codeBlock": "pre",
    "table": "table",
    "tableRow": "tr",
    "tableHeader": "th",
    "tableCell": "td",
}
_EMPTY = {"hardBreak": "<br>", "rule": "<hr>"}
_SAFE = ("http://", "https://", "mailto:")


def html_page(handover: Handover) -> bytes:
    """The page; tickets in the order of work, each with a link to those that it waits for."""
    title = escape(visible(f"{handover.site_name}: {len(handover.tickets)} tickets"))
    numbers = handover.numbers()
    contents = "".join(
        f'<li><a href="#t{number}">{_text(ticket.title)}</a></li>'
        for number, ticket in enumerate(handover.tickets, start=1)
    )
    articles = "\n".join(_article(ticket, numbers, handover) for ticket in handover.tickets)
    page = (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="referrer" content="no-referrer"><meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{_STYLE}</style></head>\n<body><h1>{title}</h1>\n"
        f"<nav><ol>{contents}</ol></nav>\n{articles}\n</body></html>\n"
    )
    return page.encode()


def _article(ticket: Handed, numbers: dict[str, int], handover: Handover) -> str:
    titles = {other.key: other.title for other in handover.tickets}
    after = ", ".join(
        f'<a href="#t{numbers[key]}">{_text(titles[key])}</a>' for key in ticket.depends_on if key in numbers
    )
    issue = (
        f'<a href="{escape(ticket.jira_url or "")}">{_text(ticket.jira_key)}</a>' if ticket.jira_key else ""
    )
    facts = {
        "Issue": issue,
        "Type": _text(ticket.issue_type),
        "Group": _text(ticket.group),
        "Priority": _text(ticket.priority or ""),
        "Assignee": _text(ticket.assignee or ""),
        "Sprint": _text(ticket.sprint or ""),
        "Labels": _text(", ".join(ticket.labels)),
        "Components": _text(", ".join(ticket.components)),
        "Build after": after,
        "Source": _text("; ".join(ticket.sources)),
    }
    listed = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in facts.items() if value)
    return (
        f'<article id="t{numbers[ticket.key]}"><h2>{_text(ticket.title)}</h2>\n<dl>{listed}</dl>\n'
        f"{description_html(ticket.description)}{_file(ticket)}</article>"
    )


def description_html(document: Node) -> str:
    """A description; what is unknown keeps its text."""
    return "".join(map(_node, document.get("content", ())))


def _file(ticket: Handed) -> str:
    if ticket.attachment is None:
        return ""
    content = escape("".join(c for c in ticket.attachment.content if c == "\n" or not is_invisible(c)))
    return f"<details><summary>{_text(ticket.attachment.filename)}</summary><pre>{content}</pre></details>"


def _node(node: Node) -> str:
    kind = str(node.get("type"))
    if kind == "text":
        return _marked(node)
    inner = "".join(map(_node, node.get("content", ())))
    if kind == "heading":
        level = min(6, int(node["attrs"]["level"]) + 1)  # the title of the ticket stands above
        return f"<h{level}>{inner}</h{level}>\n"
    if kind in _EMPTY:
        return _EMPTY[kind]
    name = _BLOCKS.get(kind)
    return f"<{name}>{inner}</{name}>\n" if name else inner


def _marked(node: Node) -> str:
    text = _text(node.get("text", ""))
    marks: Iterable[Node] = node.get("marks", ())
    for mark in marks:
        if name := _MARKS.get(mark["type"]):
            text = f"<{name}>{text}</{name}>"
        elif mark["type"] == "link" and str(mark["attrs"]["href"]).startswith(_SAFE):
            text = f'<a href="{escape(str(mark["attrs"]["href"]))}">{text}</a>'
    return text


def _text(text: object) -> str:
    """A text line by line; nothing in it is markup, and nothing in it hides or turns around what follows."""
    return "<br>".join(
        escape("".join(c for c in line if not is_invisible(c))) for line in str(text).split("\n")
    )
