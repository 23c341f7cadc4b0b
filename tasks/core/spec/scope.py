"""What is done with each row: the X column read by the session's map."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tasks.core.settings import RowAction

BLANK = "blank"  # the name of an empty X in the scope map and in counts

_REASONS = {
    RowAction.HOLD: "waits",
    RowAction.BUILT: "is built already",
    RowAction.SKIP: "gets no ticket by the session's scope",
}


@dataclass(frozen=True, slots=True)
class Scope:
    """The codes of a file's rows and what they mean; `uses_x` is False where every row is in scope for want of X."""

    codes: list[str]
    actions: list[RowAction]
    uses_x: bool


def read_scope(cells: Sequence[str] | None, rows: int, codes: Mapping[str, RowAction]) -> Scope:
    """The action of every row of a file, given its X column, if it has one."""
    cells = list(map(str.lower, cells)) if cells is not None else [""] * rows
    found = set(cells)
    if not any(found):
        return Scope(cells, [RowAction.BUILD] * rows, uses_x=False)
    known = {code.lower(): action for code, action in codes.items()}
    meaning = {code: known.get(code or BLANK, RowAction.HOLD) for code in found}
    return Scope(cells, [meaning[code] for code in cells], uses_x=True)


def count_codes(codes: Sequence[str]) -> dict[str, int]:
    """Rows per code; a blank X counts as `blank`."""
    return {code or BLANK: count for code, count in sorted(Counter(codes).items())}


def reason(x: str, action: RowAction, known: Mapping[str, RowAction]) -> str:
    """Why a row gets no ticket, in a few words."""
    if not x:
        return "X is blank while other rows of the file have one: undecided"
    if x not in known:
        return f"“{x}” is no code of the session's scope"
    return f"X is “{x}”: the row {_REASONS.get(action, 'gets no ticket')}"
