"""A column of a tab: the texts in it, and which of them each cell has.

Cells repeat, so whatever is asked of a text is asked once, however many rows have it.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import TypeVar, overload

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")


class Column(Sequence[str]):
    """The cells from top to bottom: `which` says for each the place of its text in `texts`.

    No text is there twice; one of rows that were left out may still be there.
    """

    __slots__ = ("texts", "which")

    def __init__(self, texts: list[str], which: NDArray[np.int32]) -> None:
        self.texts = texts
        self.which = which

    @classmethod
    def of(cls, cells: Iterable[str]) -> "Column":
        """The column of these cells."""
        from pandas import factorize  # takes a second to load

        found = cells if isinstance(cells, np.ndarray) else np.array([*cells], dtype=object)
        which, texts = factorize(found)
        return cls(texts.tolist(), which.astype(np.int32))

    @classmethod
    def alike(cls, text: str, rows: int) -> "Column":
        """A column that says the same in every row."""
        return cls([text], np.zeros(rows, np.int32))

    def __len__(self) -> int:
        return len(self.which)

    def __iter__(self) -> Iterator[str]:
        return map(self.texts.__getitem__, self.which.tolist())

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> "Column": ...
    def __getitem__(self, index: int | slice) -> "str | Column":
        which = self.which[index]
        return Column(self.texts, which) if isinstance(index, slice) else self.texts[which]

    def below(self) -> "Column":
        """The cells below the first, and its text only if another has it."""
        first, rest = self.which[0], self.which[1:]
        if first in rest:
            return Column(self.texts, rest)
        return Column([*self.texts[:first], *self.texts[first + 1 :]], rest - (rest > first))

    def each(self, question: Callable[[str], T]) -> list[T]:
        """The answer for every cell."""
        answers = np.fromiter(map(question, self.texts), object, len(self.texts))
        found: list[T] = answers[self.which].tolist()
        return found

    def map(self, change: Callable[[str], str]) -> "Column":
        """The column with every text changed."""
        texts = list(map(change, self.texts))
        return self if texts == self.texts else _merged(texts, self.which)

    def are(self, wanted: Collection[str]) -> NDArray[np.bool]:
        """For every cell whether it has one of these texts."""
        found = np.fromiter(map(wanted.__contains__, self.texts), np.bool, len(self.texts))
        return found[self.which]

    def where(self, wanted: Collection[str]) -> list[int]:
        """The rows that have one of these texts."""
        return np.flatnonzero(self.are(wanted)).tolist()

    def at(self, rows: Sequence[int]) -> list[str]:
        """The cells of some rows."""
        return [self.texts[self.which[row]] for row in rows]

    def without(self, rows: Sequence[int]) -> "Column":
        """The column with some rows left out."""
        return Column(self.texts, np.delete(self.which, rows))

    def instead(self, wanted: Collection[str], others: "Column") -> "Column":
        """The column with the cells of another where it has one of these texts."""
        rows = self.where(wanted)
        if not rows:
            return self
        found = Column.of(others.at(rows))
        which = self.which.copy()
        which[rows] = found.which + len(self.texts)
        return _merged([*self.texts, *found.texts], which)


def _merged(texts: Sequence[str], which: NDArray[np.int32]) -> Column:
    """A column of texts of which some may be the same."""
    column = Column.of(texts)
    return Column(column.texts, column.which[which])


def combined(columns: Sequence[Column]) -> NDArray[np.int64]:
    """A number for every row: rows that have the same texts in all columns have the same."""
    numbers = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        numbers = numbers * len(column.texts) + column.which
    return numbers


def alike(columns: Sequence[Column]) -> list[list[int]]:
    """The rows that have the same texts in all columns as another, group by group."""
    from pandas import Series

    numbers = combined(columns)
    groups: dict[int, list[int]] = {}
    for row in np.flatnonzero(Series(numbers).duplicated(keep=False)).tolist():
        groups.setdefault(numbers[row], []).append(row)
    return list(groups.values())


def of_two_minds(column: Column, others: Sequence[Column]) -> set[str]:
    """The texts of a column that do not stand beside the same texts everywhere."""
    numbers = combined(others)
    last = np.zeros(len(column.texts), np.int64)
    last[column.which] = numbers
    odd = np.unique(column.which[last[column.which] != numbers])
    return {column.texts[text] for text in odd.tolist()}
