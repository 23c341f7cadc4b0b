"""The spec report as one HTML page to send to the client: no scripts, nothing loaded, every text escaped."""

import base64
import hashlib
from collections.abc import Iterator
from html import escape

from tasks.core.spec.report import Section, SpecReport
from tasks.core.tickets.picture import svg
from tasks.core.tickets.wording import visible

_STYLE = """
body { font: 15px/1.5 Arial, Helvetica, 'DejaVu Sans', sans-serif; color: #1f2937; max-width: 1640px;
  margin: 2rem auto; padding: 0 1.5rem }
h1 { font-size: 1.7rem }
h2 { font-size: 1.2rem; margin-top: 2.2rem; border-bottom: 1px solid #cbd5e1 }
table { border-collapse: collapse; width: 100%; font-size: 13px }
th, td { border: 1px solid #d1d5db; padding: .3rem .5rem; text-align: left; vertical-align: top;
  overflow-wrap: anywhere; min-width: 7em }
th { background: #f1f5f9; white-space: nowrap }
td.number { text-align: right; white-space: nowrap; min-width: 2em }
.verdict { font-size: 1.1rem; background: #f1f5f9; padding: .7rem 1rem; border-radius: 6px }
svg { max-width: 100%; height: auto }
li { margin: .3rem 0 }
nav a { margin-right: 1rem }
@media print {
  body { max-width: none; margin: 0 }
  h2 { break-after: avoid }
  tr { break-inside: avoid }
  nav { display: none }
}
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'"


def as_html(report: SpecReport) -> str:
    """The whole report as a page of its own."""
    title = escape(visible(report.title))
    contents = " ".join(
        f'<a href="#s{number}">{escape(visible(section.heading))}</a>'
        for number, section in enumerate(report.sections, start=1)
    )
    parts = [part for at, section in enumerate(report.sections, 1) for part in _section(at, section, report)]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="referrer" content="no-referrer"><meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{_STYLE}</style></head>\n<body><h1>{title}</h1>\n"
        f'<p class="verdict">{_shown(report.verdict)}</p>\n<nav>{contents}</nav>\n{"".join(parts)}</body></html>\n'
    )


def _section(number: int, section: Section, report: SpecReport) -> Iterator[str]:
    yield f'<h2 id="s{number}">{_shown(section.heading)}</h2>\n'
    yield from (f"<p>{_shown(text)}</p>\n" for text in section.text)
    if section.steps:
        yield f"<ol>{''.join(f'<li>{_shown(step)}</li>' for step in section.steps)}</ol>\n"
    if section.rows:
        yield _table(section)
    if section.graph is not None:
        yield f"{svg(section.graph, report.site_name, 'bundle')}\n"


def _table(section: Section) -> str:
    head = "".join(f"<th>{_shown(name)}</th>" for name in section.header)
    rows = "\n".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in section.rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{rows}</tbody></table>\n"


def _cell(value: object) -> str:
    if isinstance(value, int):
        return f'<td class="number">{value}</td>'
    return f"<td>{_shown(value)}</td>"


def _shown(text: object) -> str:
    """A text line by line; nothing in it is markup, and nothing in it hides or turns around what follows."""
    return "<br>".join(escape(visible(line)) for line in str(text).split("\n"))
