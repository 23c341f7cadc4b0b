"""What is wrong between rows: references to nothing, bundles without fields, rows that wait for others."""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from itertools import compress

from db.enums import ErrorSeverity
from tasks.core.findings import Finding
from tasks.core.settings import RowAction
from tasks.core.spec.names import kind_key
from tasks.core.spec.references import Links, Resolver, State
from tasks.core.spec.registry import Reference, tab_type
from tasks.core.spec.reporting import each, quoted
from tasks.core.spec.tabs import Tab

_TROUBLE = frozenset({State.MISSING, State.AMBIGUOUS})
_IN_WORK = frozenset({RowAction.BUILD, RowAction.CHANGE})


@dataclass(frozen=True, slots=True)
class Unresolved:
    """A name that does not resolve, where it stands and what is like it."""

    tab: Tab
    reference: Reference
    value: str
    nearest: list[str]

    def missing(self, rows: list[int], known: bool) -> Iterable[Finding]:
        """The name is nowhere; a field whose bundle exists nowhere can become no ticket."""
        nowhere = self.tab.type.name == "fields" and self.reference.parent and not known
        target = tab_type(self.reference.target).title
        what = (
            f"{target} has no family “{self.value}”."
            if self.reference.family
            else f"{target} has no “{self.value}”."
        )
        return self._each(
            rows,
            "bundle-missing" if nowhere else "reference-unresolved",
            what,
            *([f"Did you mean {quoted(self.nearest)}?"] if self.nearest else []),
            f"Correct the cell, or add “{self.value}” to {target}.",
            severity=ErrorSeverity.BLOCKING if nowhere else ErrorSeverity.WARNING,
        )

    def ambiguous(self, rows: list[int]) -> Iterable[Finding]:
        """The name is that of several things of different kinds."""
        message = f"“{self.value}” is the name of several kinds of {tab_type(self.reference.target).title}."
        action = f"Say which one is meant, for example “{self.value} (Content type)”."
        return self._each(rows, "reference-ambiguous", message, action, severity=ErrorSeverity.WARNING)

    def _each(
        self, rows: list[int], code: str, message: str, *actions: str, severity: ErrorSeverity
    ) -> Iterable[Finding]:
        column = self.reference.column
        return each(
            self.tab, rows, code, message, column=column, value=self.value, actions=actions, severity=severity
        )


def unresolved(tab: Tab, resolver: Resolver) -> Iterable[Finding]:
    """References that name nothing, or things of several kinds."""
    for reference in tab.type.references:
        if reference.target not in resolver.tabs or not tab.has(reference.column):
            continue
        index = resolver.index(reference.target)
        for (value, state), rows in _trouble(tab, resolver, reference).items():
            problem = Unresolved(tab, reference, value, index.nearest(value))
            found = (
                problem.ambiguous(rows)
                if state is State.AMBIGUOUS
                else problem.missing(rows, index.knows(value))
            )
            yield from found


def _trouble(tab: Tab, resolver: Resolver, reference: Reference) -> dict[tuple[str, State], list[int]]:
    """The rows of every name that does not resolve."""
    links = resolver.links(tab, reference)
    bad = {
        cell: trouble
        for cell, named in links.others.items()
        if (trouble := [(one.value, one.state) for one in named if one.state in _TROUBLE])
    }
    found: dict[tuple[str, State], list[int]] = {}
    for at, cell in _those(tab, reference, bad):
        for problem in bad[cell]:
            found.setdefault(problem, []).append(at)
    return found


def _those(tab: Tab, reference: Reference, wanted: Container[str]) -> Iterable[tuple[int, str]]:
    """The rows whose reference is one of these, and which."""
    if not wanted:
        return ()
    cells = tab.named_by(reference)
    return compress(enumerate(cells), map(wanted.__contains__, cells))


def bundles_without_fields(bundles: Tab, fields: Tab, resolver: Resolver) -> Iterable[Finding]:
    """Approved bundles that no field is on; a vocabulary needs none."""
    reference = fields.type.references[0]
    filled = resolver.links(fields, reference).rows()
    notes, kinds = bundles.column("notes"), bundles.column("type")
    yield from each(
        bundles,
        [
            at
            for at, action in enumerate(bundles.actions)
            if at not in filled
            and action in _IN_WORK
            and kind_key(kinds[at]) != "vocabulary"
            and "no field" not in notes[at].lower()
            and "no additional field" not in notes[at].lower()
        ],
        "bundle-without-fields",
        "An approved bundle has no fields.",
        column="name",
        actions=["Add its fields, or write “No fields needed” into its notes."],
    )


def waiting(tab: Tab, resolver: Resolver) -> Iterable[Finding]:
    """Approved rows that refer to something that waits."""
    for reference in tab.type.references:
        if reference.parent or reference.target not in resolver.tabs or not tab.has(reference.column):
            continue
        target = resolver.tabs[reference.target]
        if RowAction.HOLD not in target.actions:
            continue
        held = _naming_held(resolver.links(tab, reference), target)
        yield from each(
            tab,
            [at for at, _ in _those(tab, reference, held) if tab.actions[at] in _IN_WORK],
            "waits-on-held",
            f"An approved row refers to a {target.type.subject} that waits (X is “w”).",
            column=reference.column,
            actions=["Approve what it waits for, or set this row to wait as well."],
        )


def _naming_held(links: Links, target: Tab) -> set[str]:
    """The cells that name something that waits."""
    rows = {row for row, action in enumerate(target.actions) if action is RowAction.HOLD}
    settled = {cell for cell, row in links.settled.items() if row in rows}
    return settled | {
        cell for cell, named in links.others.items() for one in named if not rows.isdisjoint(one.rows)
    }
