"""Text of specs and people inside Markdown: shown as it is, never interpreted."""

import html
import re
from collections.abc import Iterable, Sequence

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~>-])")
# What GitHub's Markdown makes a link of by itself.
_LINK = re.compile(r"(:(?=//)|@|(?<=www)\.)", re.IGNORECASE)


def escape(text: object) -> str:
    """One line of Markdown that shows `text` and nothing else: no link, no HTML, no emphasis."""
    shown = _SPECIAL.sub(r"\\\1", html.escape(str(text), quote=False)).replace("\n", " ")
    return _LINK.sub(r"\\\1", shown)


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table with every cell escaped."""
    lines = [header, ["---"] * len(header)]
    body = [[escape(cell) for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in [*lines, *body])
