"""What is done with each row: the X column read by the session's map."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tasks.core.settings import RowAction
from tasks.core.spec.column import Column

BLANK = "blank"  # the name of an empty X in the scope map and in counts


@dataclass(frozen=True, slots=True)
class Scope:
    """The codes of a file's rows and what they mean; `uses_x` is False where every row is in scope for want of X."""

    codes: list[str]
    actions: list[RowAction]
    uses_x: bool
    unknown: frozenset[str] = frozenset()


def read_scope(cells: Column | None, rows: int, codes: Mapping[str, RowAction]) -> Scope:
    """The action of every row of a file, given its X column, if it has one."""
    if cells is None or not any(cells):
        return Scope([""] * rows, [RowAction.BUILD] * rows, uses_x=False)
    known = {code.lower(): action for code, action in codes.items()}
    unknown = frozenset(map(str.lower, cells.texts)) - {"", *known}
    actions = cells.each(lambda text: known.get(text.lower() or BLANK, RowAction.HOLD))
    return Scope(cells.each(str.lower), actions, uses_x=True, unknown=unknown)


def count_codes(codes: Sequence[str]) -> dict[str, int]:
    """Rows per code; a blank X counts as `blank`."""
    return {code or BLANK: count for code, count in sorted(Counter(codes).items())}
