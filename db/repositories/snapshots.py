"""What a row was before and what it is after: kept by the audit trail at its comprehensive level."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import inspect

from db.base import Base


def snapshot(row: Base, but: Collection[str]) -> dict[str, Any]:
    """The loaded values of a row, without those that are too large to tell or no values of its own."""
    state = inspect(row)
    names = [column.key for column in state.mapper.column_attrs if column.key not in but]
    return {name: state.dict[name] for name in names if name in state.dict}


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The values that are not what they were, before and after."""
    changed = [name for name, value in after.items() if before.get(name) != value]
    if not changed:
        return {}
    return {
        "before": {name: before.get(name) for name in changed},
        "after": {name: after[name] for name in changed},
    }
