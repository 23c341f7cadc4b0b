"""The Markdown file that carries what is too long for the description: every cell, whole."""

import re
from collections.abc import Iterable, Sequence

from tasks.core.tickets import gfm
from tasks.core.tickets.hashing import digest
from tasks.core.tickets.model import AttachmentFile, PlannedTicket, ReferenceTable
from tasks.core.tickets.wording import visible

MAX_BYTES = 1_000_000
_MAX_STEM = 80
HOW_TO_READ = (
    "The tables below are copied from the spec, cell by cell. This file is Markdown: a backslash before a "
    "punctuation mark belongs to Markdown and not to the value, `<br>` is a line break inside a value, and "
    "`&#x...;` is the character with that number."
)


def filename(ticket: PlannedTicket) -> str:
    """A name that any system takes, stable for the ticket."""
    stem = re.sub(r"[^A-Za-z0-9_]+", "-", ticket.key).strip("-")
    if len(stem) > _MAX_STEM or not stem.strip("_"):
        stem = f"{stem[: _MAX_STEM - 9]}-{digest(ticket.key)[:8]}"
    return f"{stem}.md"


def write_attachment(ticket: PlannedTicket, parts: Iterable[str]) -> AttachmentFile:
    """The file with its heading, how to read it, and the parts that moved here."""
    head = [f"# {gfm.escape(f'{visible(ticket.name)} ({ticket.subject})')}", HOW_TO_READ]
    return AttachmentFile(filename=filename(ticket), content="\n\n".join([*head, *parts]) + "\n")


def tables(reference: Sequence[ReferenceTable]) -> str:
    """All reference tables, complete: a value that is equal in all rows stands in each of them."""
    return "\n\n".join(["## Configuration", *(_table(one) for one in reference)])


def _table(reference: ReferenceTable) -> str:
    equal = tuple(value for _, value in reference.constants)
    header = [name for name, _ in reference.constants] + list(reference.columns)
    rows = [equal + row for row in reference.rows] or [equal]
    return f"### {gfm.escape(reference.title)}\n\n{gfm.table(header, rows)}"


def bullets(title: str, items: Iterable[str]) -> str:
    """Sentences as a list under a heading."""
    lines = "\n".join(f"- {gfm.prose(item)}" for item in items)
    return f"## {gfm.escape(title)}\n\n{lines}"
