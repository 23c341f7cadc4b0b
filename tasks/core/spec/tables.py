"""From a file and its tab type to a table: separator rows left out, scope read."""

from collections.abc import Sequence

import numpy as np

from tasks.core.settings import SessionSettings
from tasks.core.spec.detection import Detection
from tasks.core.spec.model import BOOKKEEPING, NO_FACT, ParsedFile, Table
from tasks.core.spec.names import header_key
from tasks.core.spec.scope import read_scope


def build_table(parsed: ParsedFile, detection: Detection, settings: SessionSettings) -> Table:
    """The filled rows of a file as a table of its type."""
    separators = separator_rows(parsed)
    data, numbers = parsed.data, parsed.numbers
    if separators:
        data = tuple([column.without(separators) for column in data])
        numbers = np.delete(numbers, separators).tolist()
    x = detection.columns.get("x")
    scope = read_scope(None if x is None else data[x], len(numbers), settings.scope)
    return Table(
        filename=parsed.filename,
        csv_type=detection.csv_type or "custom",
        confidence=detection.confidence,
        reasons=detection.reasons,
        header=parsed.header,
        columns=detection.columns,
        data=data,
        numbers=numbers,
        codes=scope.codes,
        actions=scope.actions,
        has_x=scope.uses_x,
        unknown_codes=scope.unknown,
        implied=detection.implied,
    )


def separator_rows(parsed: ParsedFile) -> Sequence[int]:
    """Rows in which nothing but X, ID, Dev, QA and formula errors stands."""
    facts = [
        cells.are(NO_FACT)
        for name, cells in zip(parsed.header, parsed.data, strict=True)
        if header_key(name) not in BOOKKEEPING
    ]
    empty = np.logical_and.reduce([np.ones(len(parsed.numbers), np.bool), *facts])
    return np.flatnonzero(empty).tolist()
