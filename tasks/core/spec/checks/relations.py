"""What is wrong between rows: references to nothing, bundles without fields, rows that wait for others."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from db.enums import ErrorSeverity
from tasks.core.findings import Finding
from tasks.core.settings import RowAction
from tasks.core.spec.names import kind_key
from tasks.core.spec.references import Links, Resolver, State
from tasks.core.spec.registry import tab_type
from tasks.core.spec.reporting import each, quoted
from tasks.core.spec.tab_type import Reference
from tasks.core.spec.tabs import Tab, beside_of

_TROUBLE = frozenset({State.MISSING, State.AMBIGUOUS})
_IN_WORK = frozenset({RowAction.BUILD, RowAction.CHANGE})


@dataclass(frozen=True, slots=True)
class _Problem:
    """A name that does not resolve, and the cell that should tell things of that name apart."""

    value: str
    beside: str
    state: State


def unresolved(tab: Tab, resolver: Resolver) -> Iterable[Finding]:
    """References that name nothing, or things of several kinds."""
    for reference in tab.type.references:
        if reference.target in resolver.tabs and tab.has(reference.column):
            for problem, rows in _problems(tab, resolver, reference).items():
                ambiguous = problem.state is State.AMBIGUOUS
                said = (
                    _ambiguous(problem, reference)
                    if ambiguous
                    else _missing(problem, tab, resolver, reference)
                )
                yield from each(tab, rows, column=reference.column, value=problem.value, **said)


def _missing(problem: _Problem, tab: Tab, resolver: Resolver, reference: Reference) -> dict[str, Any]:
    """The name is nowhere; a field whose bundle exists nowhere can become no ticket."""
    index = resolver.index(reference.target)
    nearest = index.nearest(problem.value)
    nowhere = reference.parent and tab.type.name == "fields" and index.lacks(problem.value, problem.beside)
    title = tab_type(reference.target).title
    return {
        "code": "bundle-missing" if nowhere else "reference-unresolved",
        "message": f"{title} has no {'family ' * reference.family}“{problem.value}”.",
        "severity": ErrorSeverity.BLOCKING if nowhere else ErrorSeverity.WARNING,
        "actions": [
            *([f"Did you mean {quoted(nearest)}?"] if nearest else []),
            f"Correct the cell, or add “{problem.value}” to {title}.",
        ],
    }


def _ambiguous(problem: _Problem, reference: Reference) -> dict[str, Any]:
    return {
        "code": "reference-ambiguous",
        "message": f"{tab_type(reference.target).title} has “{problem.value}” more than once, of different kinds.",
        "actions": [f"Say which one is meant, for example “{problem.value} (Content type)”."],
    }


def _problems(tab: Tab, resolver: Resolver, reference: Reference) -> dict[_Problem, list[int]]:
    """The rows of every name that does not resolve."""
    bad = {
        cell: problems
        for cell, named in resolver.links(tab, reference).others.items()
        if (
            problems := [
                _Problem(one.value, beside_of(cell), one.state) for one in named if one.state in _TROUBLE
            ]
        )
    }
    found: dict[_Problem, list[int]] = {}
    cells = tab.named_by(reference)
    for at in cells.where(bad):
        for problem in bad[cells[at]]:
            found.setdefault(problem, []).append(at)
    return found


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
        why = _naming_held(resolver.links(tab, reference), target)
        rows: dict[str, list[int]] = {}
        cells = tab.named_by(reference)
        for at in cells.where(why):
            if tab.actions[at] in _IN_WORK:
                rows.setdefault(why[cells[at]], []).append(at)
        for code, found in rows.items():
            yield from each(
                tab,
                found,
                "waits-on-held",
                f"An approved row refers to a {target.type.subject} that waits "
                f"({f'X is “{code}”' if code else 'its X is blank'}).",
                column=reference.column,
                actions=["Approve what it waits for, or set this row to wait as well."],
            )


def _naming_held(links: Links, target: Tab) -> dict[str, str]:
    """The cells that name something that waits, and the X of what that is."""
    codes = {
        row: target.at(row)[0].codes[target.at(row)[1]]
        for row, action in enumerate(target.actions)
        if action is RowAction.HOLD
    }
    named = {cell: codes[row] for cell, row in links.settled.items() if row in codes}
    for cell, several in links.others.items():
        held = [row for one in several for row in one.rows if row in codes]
        named |= {cell: codes[held[0]]} if held else {}
    return named
