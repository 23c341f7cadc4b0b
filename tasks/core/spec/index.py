"""The names of a tab's rows, for those that refer to them and for those that are looked for in vain."""

import re
from collections.abc import Callable, Iterable
from difflib import SequenceMatcher
from functools import cached_property

from tasks.core.spec.families import family_label, family_machine_name
from tasks.core.spec.names import kind_key, label_key, split_typed
from tasks.core.spec.tabs import Tab

Rows = tuple[int, ...]
_WORD = re.compile(r"\w+")
_MOST_CANDIDATES = 200  # compared letter by letter
_NEAR = 0.5


class LabelIndex:
    """Finds rows by label or machine name; the qualifier tells rows of one name apart."""

    def __init__(self, tab: Tab) -> None:
        self._tab = tab
        self._labels = tab.column(tab.type.label)
        self._machines = tab.column("machine_name")
        qualifier = tab.type.qualifier
        self._qualify: Callable[[str], str] = kind_key if tab.type.name == "bundles" else label_key
        self._qualifiers = _keys(tab.column(qualifier), self._qualify) if qualifier else []

    def find(self, value: str, beside: str) -> tuple[Rows, bool]:
        """The rows of that name, and whether they are things of several kinds."""
        name, kind = split_typed(value) if self._tab.type.name == "bundles" else (value, "")
        qualifier = (kind or self._qualify(beside)) if self._qualifiers else ""
        rows = self._named(name, qualifier)
        if not rows and kind:  # the brackets may be part of the name
            rows = self._named(value, self._qualify(beside))
        return rows, bool(self._qualifiers) and len({self._qualifiers[row] for row in rows}) > 1

    def knows(self, value: str) -> bool:
        """Whether anything at all has this name, whatever its kind."""
        name = split_typed(value)[0]
        return (
            label_key(name) in self._by_label
            or name in self._by_machine
            or label_key(value) in self._by_label
        )

    def family(self, value: str) -> Rows:
        """The styles of a family; its machine name counts where the text can be nothing else."""
        return self._families.get(label_key(value), ()) or (
            ("_" in value and self._machine_families.get(value)) or ()
        )

    def nearest(self, value: str, most: int = 3) -> list[str]:
        """The names most like a text that names nothing."""
        wanted = label_key(value)
        words = set(_WORD.findall(wanted))
        shared: dict[str, int] = {}
        for word in words:
            for label in self._by_word.get(word, ()):
                shared[label] = shared.get(label, 0) + 1
        closest = (
            sorted(shared, key=lambda label: -shared[label])[:_MOST_CANDIDATES]
            or self._shown[:_MOST_CANDIDATES]
        )
        scored = [(SequenceMatcher(None, wanted, label_key(label)).ratio(), label) for label in closest]
        return [label for score, label in sorted(scored, reverse=True)[:most] if score >= _NEAR]

    def _named(self, name: str, qualifier: str) -> Rows:
        by_label = self._only(self._by_label.get(label_key(name), ()), qualifier)
        return by_label or self._only(self._by_machine.get(name, ()), qualifier)

    def _only(self, rows: Rows, qualifier: str) -> Rows:
        return tuple([row for row in rows if self._qualifiers[row] == qualifier]) if qualifier else rows

    @cached_property
    def _by_label(self) -> dict[str, Rows]:
        return _positions(_keys(self._labels, label_key))

    @cached_property
    def _by_machine(self) -> dict[str, Rows]:
        return _positions(self._machines)

    @cached_property
    def _families(self) -> dict[str, Rows]:
        return _positions([label_key(family_label(label)) for label in self._labels])

    @cached_property
    def _machine_families(self) -> dict[str, Rows]:
        return _positions([family_machine_name(name) for name in self._machines])

    @cached_property
    def _shown(self) -> list[str]:
        """Every name as people write it when they refer to it."""
        if self._tab.type.name != "bundles":
            return list(dict.fromkeys(filter(None, self._labels)))
        kinds = self._tab.column("type")
        return list(
            dict.fromkeys(
                f"{label} ({kind})" if kind else label
                for label, kind in zip(self._labels, kinds, strict=True)
                if label
            )
        )

    @cached_property
    def _by_word(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for label in self._shown:
            for word in set(_WORD.findall(label_key(label))):
                found.setdefault(word, []).append(label)
        return found


def _keys(cells: Iterable[str], key: Callable[[str], str]) -> list[str]:
    """The key of every cell, made once per text."""
    cells = list(cells)
    made = {cell: key(cell) for cell in set(cells)}
    return [made[cell] for cell in cells]


def _positions(keys: Iterable[str]) -> dict[str, Rows]:
    found: dict[str, list[int]] = {}
    for at, key in enumerate(keys):
        if key and key != "-":
            found.setdefault(key, []).append(at)
    return {key: tuple(rows) for key, rows in found.items()}
