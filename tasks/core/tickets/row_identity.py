"""What makes a row of a spec the same row in a later version of the spec."""

from collections.abc import Mapping
from typing import Any

from tasks.core.spec.registry import REGISTRY


def row_identity(row: Mapping[str, Any]) -> str:
    """The row's type and key, as the registry knows it; without a key its place, which is the best there is."""
    csv_type = str(row["csv_type"])
    tab = REGISTRY.get(csv_type)
    key = [str(row.get(column) or "").strip().casefold() for column in tab.key] if tab else []
    if key and all(key):
        return ":".join((csv_type, *key))
    return f"{csv_type}:{row.get('file')}:{row.get('record')}"
