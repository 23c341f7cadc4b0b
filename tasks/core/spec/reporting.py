"""How findings about rows are made: folded by cause, weighed by scope."""

from collections.abc import Iterable, Sequence
from typing import Any

from db.enums import ErrorSeverity
from tasks.core.findings import Finding
from tasks.core.settings import RowAction
from tasks.core.spec.tabs import Tab

# What is built already or gets no ticket by the session's scope is nobody's trouble now.
_OUT_OF_SCOPE = frozenset({RowAction.SKIP, RowAction.BUILT})
_MOST_VALUES = 5
VALUES = "{values}"


def in_scope(action: RowAction) -> bool:
    """Whether what is wrong with a row matters to this session."""
    return action not in _OUT_OF_SCOPE


def each(
    tab: Tab,
    rows: Iterable[int],
    code: str,
    message: str,
    *,
    column: str | None = None,
    value: str | None = None,
    actions: Sequence[str] = (),
    severity: ErrorSeverity = ErrorSeverity.WARNING,
) -> list[Finding]:
    """Rows that have one trouble each: one finding per file, and one of its own for the rows out of scope.

    The message may hold VALUES: the cells of `column` stand there, as far as they are not too many.
    """
    folded: dict[tuple[str, bool], list[int]] = {}
    for row in rows:
        folded.setdefault((tab.filename(row), in_scope(tab.actions[row])), []).append(row)
    return [
        Finding(
            code=code,
            severity=severity if matters else ErrorSeverity.INFO,
            actions=tuple(actions),
            **_said(tab, found, message, column, value),
        )
        for (_, matters), found in folded.items()
    ]


def together(
    tab: Tab,
    rows: Sequence[int],
    code: str,
    message: str,
    *,
    column: str | None = None,
    actions: Sequence[str] = (),
) -> Finding:
    """Rows that are in trouble with each other; it matters as soon as one of them is in scope.

    A finding has one file: rows in other files are named in its message.
    """
    first = tab.filename(rows[0])
    here = [row for row in rows if tab.filename(row) == first]
    others = [f"{tab.filename(row)} record {tab.numbers[row]}" for row in rows if tab.filename(row) != first]
    more = " and more" if len(others) > _MOST_VALUES else ""
    also = f" Also in {', '.join(others[:_MOST_VALUES])}{more}." if others else ""
    matters = any(in_scope(tab.actions[row]) for row in rows)
    severity = ErrorSeverity.WARNING if matters else ErrorSeverity.INFO
    return Finding(
        code=code, severity=severity, actions=tuple(actions), **_said(tab, here, message + also, column)
    )


def _said(
    tab: Tab, rows: Sequence[int], message: str, column: str | None, value: str | None = None
) -> dict[str, Any]:
    """The place of some rows of one file, what stands there, and the message with its values."""
    values = list(dict.fromkeys(tab.column(column).at(rows))) if column and not value else []
    return {
        "message": message.replace(VALUES, quoted(values)),
        "file": tab.filename(rows[0]),
        "records": tuple([tab.numbers[row] for row in rows]),
        "column": tab.header(column, rows[0]) if column else None,
        "value": value or ", ".join(values[:_MOST_VALUES]) or None,
    }


def quoted(values: Sequence[str]) -> str:
    """A few values as people read them."""
    shown = ", ".join(f"“{value}”" for value in values[:_MOST_VALUES])
    return f"{shown} and {len(values) - _MOST_VALUES} more" if len(values) > _MOST_VALUES else shown
