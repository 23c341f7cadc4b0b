r"""Markdown that renders, under CommonMark with tables, as exactly the text it was made from.

Read backwards: in a cell, a backslash before a punctuation mark is Markdown's and falls away, `<br>` is a line
break, and `&#x...;` is the character with that number. Nothing else is changed.
"""

import re
from collections.abc import Iterable, Sequence

from tasks.core.tickets.wording import code, is_invisible, is_refused, split_code

_ALWAYS = re.compile(r"[\\|`<~]|\*(?=\S)|(?<=\S)\*|(?<![^\W_])_|_(?![^\W_])|\](?=[(\[:])|&(?=#?\w+;)")
_LINE_STARTS = re.compile(r"^(?:[#+=>-]|\*(?=\s|$)|\d+(?=[.)]))")


def escape(text: str) -> str:
    """One line of text, escaped so that Markdown shows it as it is."""
    escaped = _ALWAYS.sub(r"\\\g<0>", text)
    if escaped.isascii() and escaped.isprintable():
        return escaped
    return "".join(f"&#x{ord(c):X};" if _is_unsafe(c) else c for c in escaped)


def _is_unsafe(character: str) -> bool:
    """Whether a character would be lost or would break the line; one that no file may hold stays, to be refused."""
    if is_refused(character):
        return False
    return is_invisible(character) or (character.isspace() and character not in " \N{NO-BREAK SPACE}")


def cell(value: str) -> str:
    """A value of any number of lines as the content of a table cell."""
    return "<br>".join(escape(line) for line in value.split("\n"))


def table(header: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    """A table of values; every row is as long as the header."""
    return rows([cell(name) for name in header], ([cell(value) for value in row] for row in body))


def rows(header: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    """A table of cells that are Markdown already."""
    lines = [_row(header), "|" + " --- |" * len(header), *map(_row, body)]
    return "\n".join(lines)


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def prose(text: str) -> str:
    """A sentence with code spans; a mark that would begin a list or a heading is escaped."""
    pieces = [code(piece) if is_code else escape(piece) for is_code, piece in split_code(text)]
    return without_line_start("".join(pieces))


def without_line_start(line: str) -> str:
    """A line that begins no list and no heading, whatever its first character."""
    begins = _LINE_STARTS.match(line)
    if not begins:
        return line
    at = begins.end() if begins.group()[0].isdigit() else 0
    return f"{line[:at]}\\{line[at:]}"
