"""A text written anew beside what a person made of the last one: what they changed stays, unless they say otherwise."""

from collections.abc import Iterable
from typing import Protocol

from db.enums import WrittenBy
from tasks.core.tickets.model import Frozen, Prose

PARTS = ("title", "story", "criteria")


class Text(Protocol):
    """A ticket, or an earlier version of it."""

    title: str
    story: str
    criteria: list[str]
    written_by: WrittenBy


class Rewritten(Frozen):
    """The text that a ticket gets, and which parts of it are the person's."""

    prose: Prose
    kept: tuple[str, ...] = ()


def rewrite(now: Text, earlier: Iterable[Text], new: Prose, *, replace_edits: bool) -> Rewritten:
    """The new text, with the parts that a person changed since a machine last wrote them; `earlier` newest first."""
    if replace_edits or now.written_by is not WrittenBy.PERSON:
        return Rewritten(prose=new)
    machine = next((version for version in earlier if version.written_by is not WrittenBy.PERSON), None)
    kept = tuple(part for part in PARTS if machine is None or getattr(now, part) != getattr(machine, part))
    texts = {part: getattr(now, part) if part in kept else getattr(new, part) for part in PARTS}
    by = WrittenBy.PERSON if kept else new.written_by
    return Rewritten(
        prose=Prose(
            title=texts["title"], story=texts["story"], criteria=tuple(texts["criteria"]), written_by=by
        ),
        kept=kept,
    )
