"""What a folder of files changes: the copies of each ticket brought together, and conflicts settled or named."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from tasks.core.errors import UserFixable
from tasks.core.tickets.editable import NAMES, Copy, Merge, Value, edits, shown
from tasks.core.tickets.model import Frozen

_LONGEST = 60


class Side(StrEnum):
    """Whose change stands where both sides changed a field."""

    MINE = "mine"
    THEIRS = "theirs"


class Change(Frozen):
    """What is to become of one ticket."""

    ticket_id: str
    title: str
    before: dict[str, Value]
    after: dict[str, Value]


class Push(Frozen):
    """Everything that a folder changes, and the conflicts that keep it from being applied."""

    changes: tuple[Change, ...] = ()
    conflicts: tuple[tuple[str, Merge], ...] = ()


def gather(copies: Iterable[Copy]) -> list[Copy]:
    """One copy per ticket: what its own file and the sheet changed, together.

    Raises UserFixable where one of them stands there twice, or where both changed a field differently.
    """
    by_place: dict[tuple[str, bool], Copy] = {}
    for copy in copies:
        key = (copy.ticket_id, copy.place.endswith(".md"))
        if key in by_place:
            raise UserFixable(
                f"{copy.place}: ticket {copy.ticket_id} stands there twice.", code="ticket-twice"
            )
        by_place[key] = copy
    together: dict[str, Copy] = {}
    for copy in by_place.values():
        other = together.get(copy.ticket_id)
        together[copy.ticket_id] = _together(other, copy) if other else copy
    return list(together.values())


def _together(one: Copy, other: Copy) -> Copy:
    """The copy that was edited where only one was; with marks of different pulls only that is possible."""
    first, second = edits(one), edits(other)
    if not first or not second:
        return one if first else other
    differing = [field for field in first.keys() & second.keys() if first[field] != second[field]]
    if one.base != other.base or differing:
        names = ", ".join(NAMES[field] for field in sorted(differing)) or "different fields"
        raise UserFixable(
            f"{one.place} and {other.place} both changed the ticket, differently: {names}.",
            actions=("Keep the change in one of them.",),
            code="push-two-places",
        )
    return one.model_copy(update={"values": {**one.values, **second}})


def settled(found: Iterable[tuple[str, Mapping[str, Value], Merge]], side: Side | None) -> Push:
    """The changes of these tickets (id, values now, merge), conflicts decided for one side where one is chosen."""
    changes, conflicts = [], []
    for ticket_id, now, merged in found:
        title = str(now["title"])
        after = dict(merged.changes)
        if merged.conflicts and side is None:
            conflicts.append((title, merged))
        if side is Side.MINE:
            after |= {conflict.field: conflict.mine for conflict in merged.conflicts}
        if after:
            before = {field: now[field] for field in after}
            changes.append(Change(ticket_id=ticket_id, title=title, before=before, after=after))
    return Push(changes=tuple(changes), conflicts=tuple(conflicts))


def conflict_lines(push: Push) -> Sequence[str]:
    """Each conflict in a line: ticket, field, both values."""
    return [
        f"{title}, {NAMES[one.field]}: “{_short(one.theirs)}” there, “{_short(one.mine)}” here"
        for title, merged in push.conflicts
        for one in merged.conflicts
    ]


def _short(value: Value) -> str:
    text = " / ".join(shown(value).split("\n"))
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
