"""What a spec holds and what is wrong with it, as sections of a page for the director and the client."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from db.enums import ErrorSeverity
from tasks.core.findings import Finding
from tasks.core.settings import RowAction
from tasks.core.spec.bundle_graph import bundle_graph
from tasks.core.spec.changes import SpecChanges
from tasks.core.spec.model import Spec, Table
from tasks.core.spec.registry import tab_type
from tasks.core.spec.scope import BLANK
from tasks.core.tickets.waves import Graph

_HEADINGS = {
    ErrorSeverity.BLOCKING: "Must be fixed before tickets can be made",
    ErrorSeverity.WARNING: "Worth fixing",
    ErrorSeverity.INFO: "Good to know",
}
_QUESTIONS = ("open-question", "unconfirmed")
# What a developer would stumble over first; what is not named here comes after.
_FIRST = (
    "open-question", "storage-type-clash", "storage-cardinality-clash", "duplicate-key", "machine-name-refused",
    "reference-ambiguous", "reference-unresolved", "waits-on-held", "field-type-missing", "list-without-options",
    "bundle-without-fields", "storage-cardinality-blank", "scope-undecided", "type-unsure",
)  # fmt: skip
_MOST_FIRST = 8
_MOST_CHANGES = 200
_MADE = (RowAction.BUILD, RowAction.CHANGE, RowAction.REMOVE)


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the report: sentences, a numbered list, a table, a graph; whatever it has."""

    heading: str
    text: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    rows: tuple[tuple[object, ...], ...] = ()
    graph: Graph | None = None


@dataclass(frozen=True, slots=True)
class SpecReport:
    """The report of one spec; a renderer escapes every text of it."""

    site_name: str
    verdict: str
    sections: tuple[Section, ...]

    @property
    def title(self) -> str:
        """What stands above it all."""
        return f"Spec report: {self.site_name}"


def spec_report(
    spec: Spec, findings: Sequence[Finding], site_name: str, changes: SpecChanges | None = None
) -> SpecReport:
    """Everything about a spec on one page, what to do first at its top."""
    sections = [
        *_first(findings),
        *(_changes(changes) if changes else ()),
        *_questions(spec, findings),
        _scope(spec),
        _tabs(spec),
        *_bundles(spec),
        *_findings(findings),
        *_held(spec),
    ]
    return SpecReport(site_name, _verdict(spec, findings), tuple(sections))


def _verdict(spec: Spec, findings: Sequence[Finding]) -> str:
    count = Counter(finding.severity for finding in findings)
    made = sum(action in _MADE for table in spec.tables for action in table.actions)
    rows = f"{sum(map(len, spec.tables))} rows in {len(spec.tables)} tabs, {made} of them for tickets."
    found = f"{count[ErrorSeverity.WARNING]} warnings and {count[ErrorSeverity.INFO]} notes."
    if count[ErrorSeverity.BLOCKING]:
        return (
            f"{count[ErrorSeverity.BLOCKING]} things must be fixed before tickets can be made. {rows} {found}"
        )
    return f"Nothing stands in the way of tickets. {rows} {found}"


def _first(findings: Sequence[Finding]) -> Iterator[Section]:
    """What blocks, then what costs a developer most; of each kind the one that touches most rows."""
    pressing = [finding for finding in findings if finding.severity is not ErrorSeverity.INFO]
    kinds: dict[str, list[Finding]] = {}
    for finding in sorted(pressing, key=_urgency):
        kinds.setdefault(finding.code, []).append(finding)
    if kinds:
        yield Section("What to fix first", steps=tuple(map(_step, list(kinds.values())[:_MOST_FIRST])))


def _step(alike: Sequence[Finding]) -> str:
    first, *others = alike
    more = f"{len(others)} more like this stand below." if others else ""
    return " ".join(filter(None, (first.message, _place(first), *first.actions, more)))


def _urgency(finding: Finding) -> tuple[bool, int, int]:
    place = _FIRST.index(finding.code) if finding.code in _FIRST else len(_FIRST)
    return finding.severity is not ErrorSeverity.BLOCKING, place, -len(finding.records)


def _place(finding: Finding) -> str:
    records = (
        f"record{'s' * (len(finding.records) != 1)} {_numbers(finding.records)}" if finding.records else ""
    )
    where = ", ".join(filter(None, (finding.file, finding.column, records)))
    return f"[{where}]" if where else ""


def _numbers(records: Iterable[int]) -> str:
    return ", ".join(map(str, records))


def _changes(changes: SpecChanges) -> Iterator[Section]:
    rows: list[tuple[object, ...]] = [
        *(("added", row.file, row.record, f"{row.tab}: {row.name}", "") for row in changes.added),
        *(("removed", row.file, row.record, f"{row.tab}: {row.name}", "") for row in changes.removed),
        *(
            ("changed", row.file, row.record, f"{row.tab}: {row.name}",
             "; ".join(f"{cell.column}: “{cell.before}” → “{cell.after}”" for cell in row.cells))
            for row in changes.changed
        ),
        *(("finding gone", f.file or "", _numbers(f.records), f.message, "") for f in changes.findings_gone),
        *(("finding new", f.file or "", _numbers(f.records), f.message, "") for f in changes.findings_new),
    ]  # fmt: skip
    more = [f"{len(rows) - _MOST_CHANGES} more are not listed here."] if len(rows) > _MOST_CHANGES else []
    yield Section(
        "What the last upload changed",
        text=(f"{changes.summary}.", *_scope_moves(changes), *more),
        header=("what", "file", "record", "where", "cells"),
        rows=tuple(rows[:_MOST_CHANGES]),
    )


def _scope_moves(changes: SpecChanges) -> Iterator[str]:
    for tab in sorted({*changes.scope_before, *changes.scope_after}):
        before, after = changes.scope_before.get(tab, {}), changes.scope_after.get(tab, {})
        if before != after:
            yield f"{_title(tab)}: {_counted(before)} before, {_counted(after)} now."


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {code}" for code, count in counts.items()) or "no rows"


def _questions(spec: Spec, findings: Sequence[Finding]) -> Iterator[Section]:
    """What the notes leave open, each with its words."""
    tables = {table.filename: table for table in spec.tables}
    asked = [
        (finding.file, record, *_asked(tables[finding.file], record, finding.column or ""))
        for finding in findings
        if finding.code in _QUESTIONS and finding.file in tables
        for record in finding.records
    ]
    if asked:
        yield Section(
            "Open questions", header=("file", "record", "of", "what the spec says"), rows=tuple(asked)
        )


def _asked(table: Table, record: int, column: str) -> tuple[str, str]:
    row = next(row for row in table.rows if row.record == record)
    label = row[tab_type(table.csv_type).label] or row["machine_name"]
    return label, next((cell for header, cell in row.cells if header == column), "")


def _scope(spec: Spec) -> Section:
    codes = sorted({code for counts in spec.scope_counts.values() for code in counts} - {BLANK})
    shown = [*codes, BLANK]
    rows = [
        (_title(tab), *(counts.get(code, 0) for code in shown), sum(counts.values()))
        for tab, counts in sorted(spec.scope_counts.items())
    ]
    total = ("Together", *(sum(column) for column in zip(*(row[1:] for row in rows), strict=True)))
    return Section(
        "Scope: rows by their X", header=("tab", *shown, "rows"), rows=(*rows, total) if rows else ()
    )


def _tabs(spec: Spec) -> Section:
    rows = tuple(
        (table.filename, _title(table.csv_type), len(table), *_fates(table), f"{table.confidence:.0%}",
         "; ".join(table.reasons))
        for table in spec.tables
    )  # fmt: skip
    header = ("file", "taken for", "rows", "for tickets", "held", "built", "left out", "sure", "because")
    return Section("Tabs", header=header, rows=rows)


def _fates(table: Table) -> tuple[int, int, int, int]:
    count = Counter(table.actions)
    made = sum(count[action] for action in _MADE)
    return made, count[RowAction.HOLD], count[RowAction.BUILT], count[RowAction.SKIP]


def _bundles(spec: Spec) -> Iterator[Section]:
    found = bundle_graph(spec)
    if not found.graph.nodes:
        return
    text = [
        f"{len(found.graph.nodes)} bundles; an arrow leads from a bundle to those whose fields refer to it. "
        "Cycles are normal in Drupal: the reference drawn in red gives way, and tickets are built in that order."
    ]
    if found.to_themselves:
        text.append(f"Refer to themselves: {', '.join(found.to_themselves)}.")
    text += [f"Cycle: {' → '.join(cycle)}." for cycle in found.cycles]
    yield Section("How the bundles refer to each other", text=tuple(text), graph=found.graph)


def _findings(findings: Sequence[Finding]) -> Iterator[Section]:
    for severity, heading in _HEADINGS.items():
        rows = tuple(
            (f.file or "", _numbers(f.records), f.column or "", f.message, " ".join(f.actions))
            for f in findings
            if f.severity is severity
        )
        if rows:
            header = ("file", "records", "column", "what", "what to do")
            yield Section(f"{heading} ({len(rows)})", header=header, rows=rows)
    if not findings:
        yield Section("Findings", text=("Nothing is wrong with this spec.",))


def _held(spec: Spec) -> Iterator[Section]:
    """Every row that gets no ticket, folded by file and reason."""
    places: dict[tuple[str, str], list[int]] = {}
    for held in spec.held:
        places.setdefault((held.file, held.reason), []).append(held.record)
    if places:
        rows = tuple((file, len(found), reason, _numbers(found)) for (file, reason), found in places.items())
        header = ("file", "rows", "why", "records")
        yield Section(f"Rows without a ticket ({len(spec.held)})", header=header, rows=rows)


def _title(csv_type: str) -> str:
    return tab_type(csv_type).title
