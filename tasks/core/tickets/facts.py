"""What a ticket's rows say: one place to read a value, a name or a machine name from a planned row."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from tasks.core.spec.model import FORMULA_ERRORS, Row
from tasks.core.spec.registry import REGISTRY
from tasks.core.tickets.model import PlannedTicket
from tasks.core.tickets.wording import code, quoted, spoken, visible

Fact: TypeAlias = Mapping[str, Any]

META = ("csv_type", "file", "record", "x", "action")  # what a fact holds beside the row's cells
_BOOKKEEPING = frozenset({"x", "id", "dev", "qa"})
_LONGEST_MENTION = 120


def fact(row: Row) -> dict[str, Any]:
    """A row as a ticket keeps it: canonical names first, then columns that only this file has.

    A blank stays, for a blank is a question that nobody answered; a formula error is no value at all.
    """
    kept: dict[str, Any] = {
        "csv_type": row.csv_type,
        "file": row.file,
        "record": row.record,
        "x": row.x,
        "action": row.action.value,
    }
    for name, cell in row.values.items():
        if name not in _BOOKKEEPING and cell not in FORMULA_ERRORS:
            kept[name] = cell
    said = set(kept.values())
    for header, cell in row.facts():
        if cell not in said:
            kept[header if header not in kept else f"{header} (column)"] = cell
    return kept


def value(row: Fact, column: str) -> str:
    """The cell under a canonical name; "" where it is blank or says that it does not apply."""
    cell = str(row.get(column, ""))
    return "" if cell == "-" else cell


def label(row: Fact) -> str:
    """What people call the row; where it has no name that can be spoken, its record number."""
    tab = REGISTRY.get(row["csv_type"], REGISTRY["custom"])
    named = (value(row, tab.label), value(row, "machine_name"), _first_cell(row))
    return next((name for name in map(spoken, named) if name), f"record {row['record']}")


def _first_cell(row: Fact) -> str:
    return next((str(cell) for name, cell in row.items() if name not in META and cell not in ("", "-")), "")


def called(row: Fact) -> str:
    """Name and machine name, as a criterion names the row."""
    machine = code(value(row, "machine_name"))
    return f"{quoted(label(row))} ({machine})" if machine else quoted(label(row))


def mention(cell: str) -> str:
    """A technical value in a sentence: as code where it can stand there whole, else as far as it can be spoken."""
    shown = visible(cell)
    if (
        shown
        and len(shown) <= _LONGEST_MENTION
        and "`" not in shown
        and spoken(shown, _LONGEST_MENTION) == shown
    ):
        return code(shown)
    return (
        quoted(spoken(cell, _LONGEST_MENTION)) if spoken(cell, _LONGEST_MENTION) else "the value in the table"
    )


def of_type(ticket: PlannedTicket, *csv_types: str) -> list[dict[str, Any]]:
    """The ticket's rows of these tabs."""
    return [row for row in ticket.rows if row["csv_type"] in csv_types]


def distinct(rows: Iterable[Fact], column: str) -> list[str]:
    """The values of a column, each once, in the order of the rows."""
    return [cell for cell in dict.fromkeys(value(row, column) for row in rows) if cell]


def grouped(rows: Sequence[Fact], *columns: str) -> dict[tuple[str, ...], list[Fact]]:
    """Rows by the values of some columns, in the order in which those first stand."""
    groups: dict[tuple[str, ...], list[Fact]] = {}
    for row in rows:
        groups.setdefault(tuple(value(row, column) for column in columns), []).append(row)
    return groups
