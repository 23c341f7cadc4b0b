"""The names of a tab's rows, for those that refer to them and for those that are looked for in vain."""

import re
from collections.abc import Callable, Iterable, Sequence
from difflib import SequenceMatcher
from functools import cached_property
from html import unescape

from tasks.core.spec.column import Column
from tasks.core.spec.families import family_label, family_machine_name
from tasks.core.spec.names import SEPARATORS, kind_key, label_key, label_keys, respelled, split_typed
from tasks.core.spec.tabs import Tab

Rows = Sequence[int]
_WORD = re.compile(r"\w+")
_MOST_CANDIDATES = 20  # compared letter by letter
_MOST_COMPARED = 10_000  # names looked at in vain before no more are proposed
_NEAR = 0.5


class LabelIndex:
    """Finds rows by label or machine name; the qualifier tells rows of one name apart."""

    def __init__(self, tab: Tab) -> None:
        self._left = _MOST_COMPARED
        self._labels = tab.column(tab.type.label)
        self._machines = tab.column("machine_name")
        self._typed = tab.type.name == "bundles"
        self._qualify: Callable[[str], str] = kind_key if self._typed else label_key
        self._beside = tab.column(tab.type.qualifier) if tab.type.qualifier else Column.of(())

    def find(self, value: str, beside: str) -> tuple[Rows, bool]:
        """The rows of that name, and whether they are things of several kinds."""
        rows = () if beside else self.by_text.rows(value.casefold())
        if len(rows) == 1:
            return rows, False
        name, kind = split_typed(value) if self._typed else (value, "")
        qualifier = (kind or self._qualify(beside)) if self.qualifiers else ""
        rows = self._named(name, qualifier)
        if not rows and kind:  # the brackets may be part of the name
            rows = self._named(value, self._qualify(beside))
        if not rows and self._typed:
            rows = self._otherwise(value)
        return rows, self._several(rows)

    def _otherwise(self, value: str) -> Rows:
        """Rows named in another of the ways that people have: escaped, with its kind around it or its machine name."""
        plain = unescape(value)
        if plain != value:
            return self.find(plain, "")[0]
        name, kind = respelled(value)
        if name:
            return self._named(name, kind)
        name, _, machine = value.removesuffix(")").rpartition("(")
        same = self._by_machine.rows(machine.strip()) if name else ()
        return [row for row in same if label_key(self._labels[row]) == label_key(name)]

    def _several(self, rows: Rows) -> bool:
        return len(rows) > 1 and bool(self.qualifiers) and len({self.qualifiers[row] for row in rows}) > 1

    @cached_property
    def qualifiers(self) -> list[str]:
        """What tells rows of one name apart, by row; empty where nothing does."""
        return self._beside.each(self._qualify)

    def lacks(self, value: str, beside: str) -> bool:
        """Whether the tab has things of this kind, but nothing of any kind by this name, spelled however."""
        name, kind = split_typed(value)
        kind = kind or self._qualify(beside)
        possible = kind in self.qualifiers if kind else not value.endswith(")")  # else of who knows what kind
        return possible and not self._knows(name, value) and not self._knows(*SEPARATORS.split(value))

    def _knows(self, *names: str) -> bool:
        """Whether there is something by one of these names, however it is spelled."""
        plain = [split_typed(unescape(name))[0] for name in names]
        return any(name in self._by_machine for name in plain) or not self._loosely.isdisjoint(
            map(_loose, plain)
        )

    def family(self, value: str) -> Rows:
        """The styles of a family; its machine name counts where the text can be nothing else."""
        return (
            self._families.rows(label_key(value))
            or ("_" in value and self._machine_families.rows(value))
            or ()
        )

    def nearest(self, value: str, most: int = 3) -> list[str]:
        """The names most like a text that names nothing; none once many names were looked for among many."""
        self._left -= len(self._shown)
        if self._left < 0:
            return []
        wanted = label_key(value)
        shared = [0] * len(self._compared)
        for word in sorted(_WORD.findall(wanted), key=len, reverse=True)[:3]:
            shared = [count + (word in shown) for count, shown in zip(shared, self._compared, strict=True)]
        shared = [
            count or shown[:2] == wanted[:2] for count, shown in zip(shared, self._compared, strict=True)
        ]
        best = max(shared, default=0)
        closest = [at for at, count in enumerate(shared) if count == best][:_MOST_CANDIDATES]
        matcher = SequenceMatcher(b=wanted)
        scored = set()
        for at in closest:
            matcher.set_seq1(self._compared[at])
            scored.add((matcher.ratio(), self._shown[at]))
        return [label for score, label in sorted(scored, reverse=True)[:most] if score >= _NEAR]

    def _named(self, name: str, qualifier: str) -> Rows:
        by_label = self._only(self._by_label.rows(label_key(name)), qualifier)
        return by_label or self._only(self._by_machine.rows(name), qualifier)

    def _only(self, rows: Rows, qualifier: str) -> Rows:
        """The rows of a kind, else those that do not say theirs."""
        if not qualifier:
            return rows
        return [row for row in rows if self.qualifiers[row] == qualifier] or [
            row for row in rows if not self.qualifiers[row]
        ]

    @cached_property
    def by_text(self) -> "Positions":
        """Names as they are mostly written, in lower case: one look settles nearly all references."""
        return Positions(map(str.casefold, self._shown))

    @cached_property
    def _by_label(self) -> "Positions":
        return Positions(label_keys(self._labels))

    @cached_property
    def _loosely(self) -> frozenset[str]:
        return frozenset(map(_loose, self._labels))

    @cached_property
    def _by_machine(self) -> "Positions":
        return Positions(self._machines)

    @cached_property
    def _families(self) -> "Positions":
        return Positions(label_keys(list(map(family_label, self._labels))))

    @cached_property
    def _machine_families(self) -> "Positions":
        return Positions(map(family_machine_name, self._machines))

    @cached_property
    def _shown(self) -> Sequence[str]:
        """Every row's name as people write it when they refer to it."""
        if not self._typed:
            return self._labels
        both = zip(self._labels, self._beside, strict=True)
        return [f"{label} ({kind})" if label and kind else label for label, kind in both]

    @cached_property
    def _compared(self) -> list[str]:
        return [label.casefold() for label in self._shown]


def _loose(label: str) -> str:
    """The letters and digits of a label, for names that differ in spaces and signs only."""
    return "".join(filter(str.isalnum, label.casefold()))


class Positions:
    """The rows of every key. Most keys have one row: those stand in one dictionary without a list each."""

    def __init__(self, keys: Iterable[str]) -> None:
        keys = list(keys)
        self.first = dict(zip(reversed(keys), range(len(keys) - 1, -1, -1), strict=True))
        self._more: dict[str, list[int]] = {}
        if len(self.first) < len(keys):
            for at, key in enumerate(keys):
                if self.first[key] != at:
                    self._more.setdefault(key, [self.first[key]]).append(at)
        for nothing in ("", "-"):
            self.first.pop(nothing, None)
            self._more.pop(nothing, None)

    def __contains__(self, key: str) -> bool:
        return key in self.first

    def rows(self, key: str) -> Rows:
        """The rows of a key, in order."""
        if key not in self.first:
            return ()
        return self._more.get(key) or (self.first[key],)

    def settle(self, texts: Iterable[str]) -> dict[str, int]:
        """Those texts that one row alone has, in any case, and the row."""
        first, more = self.first, self._more
        return {
            text: first[key]
            for text in texts
            if (key := text.casefold()) in first and not (more and key in more)
        }
