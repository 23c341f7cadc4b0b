"""What people may change in a ticket outside of the database, and the mark by which a change is told from none.

A file carries a mark of the ticket as it was read: its revision and a short hash of each field. With it the three
sides of a merge (as read, as it is now, as the person has it) are compared field by field, and no other copy of what
was read is needed.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

from tasks.core.tickets.hashing import digest
from tasks.core.tickets.model import Frozen

TEXTS = ("title", "story", "criteria", "user_notes")
SINGLE = ("sprint", "assignee", "issue_type", "priority")
SEVERAL = ("labels", "components")
FIELDS = (*TEXTS, *SINGLE, *SEVERAL, "ready_for_jira")
# What people call them.
NAMES = {name: name.replace("_", " ") for name in FIELDS} | {"user_notes": "notes", "ready_for_jira": "ready"}
_DIGITS = 10

Value: TypeAlias = str | bool | tuple[str, ...]


class Copy(Frozen):
    """One ticket as a file has it: which, as of when, and the fields that the file gives."""

    ticket_id: str
    base: str
    values: dict[str, Value]
    place: str = ""


class Conflict(Frozen):
    """A field that was changed on both sides, differently."""

    field: str
    theirs: Value
    mine: Value


class Merge(Frozen):
    """What a copy changes in a ticket, and where it cannot say without overwriting somebody."""

    changes: dict[str, Value]
    conflicts: tuple[Conflict, ...] = ()


def normal(field: str, value: Any) -> Value:
    """A field in the one spelling that files keep: no trailing blanks, one line where it is one."""
    if field == "user_notes":
        return str(value or "").replace("\r\n", "\n").strip("\n").rstrip()
    if field == "ready_for_jira":
        return bool(value)
    if field in ("criteria", *SEVERAL):
        return tuple(line for line in (_one_line(item) for item in value or ()) if line)
    return _one_line(value or "")


def normal_values(ticket: Mapping[str, Any]) -> dict[str, Value]:
    """All fields of a ticket in that spelling."""
    return {field: normal(field, ticket[field]) for field in FIELDS}


def storable(field: str, value: Value) -> Any:
    """A field as the database has it: nothing chosen is no text there."""
    if isinstance(value, tuple):
        return list(value)
    return (value or None) if field in SINGLE else value


def mark(revision: int, values: Mapping[str, Value]) -> str:
    """The mark of a ticket as it is read now."""
    return ".".join([f"r{revision}", *(_hash(values[field]) for field in FIELDS)])


def is_mark(text: str) -> bool:
    """Whether a text can be the mark of a ticket."""
    parts = text.split(".")
    return len(parts) == len(FIELDS) + 1 and all(len(part) == _DIGITS for part in parts[1:])


def edits(copy: Copy) -> dict[str, Value]:
    """The fields that differ from what was read."""
    base = _of(copy.base)
    return {field: value for field, value in copy.values.items() if _hash(value) != base[field]}


def merge(copy: Copy, now: Mapping[str, Value]) -> Merge:
    """Hold a copy against the ticket as it is now."""
    base = _of(copy.base)
    changed = {field: value for field, value in edits(copy).items() if value != now[field]}
    conflicts = tuple(
        Conflict(field=field, theirs=now[field], mine=value)
        for field, value in changed.items()
        if _hash(now[field]) != base[field]
    )
    taken = {conflict.field for conflict in conflicts}
    return Merge(changes={f: value for f, value in changed.items() if f not in taken}, conflicts=conflicts)


def shown(value: Value) -> str:
    """A value in a difference."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else "\n".join(value)


def _of(base: str) -> dict[str, str]:
    return dict(zip(FIELDS, base.split(".")[1:], strict=True))


def _hash(value: Value) -> str:
    return digest(value)[:_DIGITS]


def _one_line(text: object) -> str:
    return " ".join(str(text).split())
