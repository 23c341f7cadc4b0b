"""What a new upload changes: rows by what they are, findings by their cause, scope by its counts."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from tasks.core.findings import Finding
from tasks.core.spec.model import Row, Spec
from tasks.core.spec.registry import tab_type

ScopeCounts = Mapping[str, Mapping[str, int]]
_Cause = tuple[str | None, ...]
_X = "X"


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class KnownRow(_Value):
    """A row as it was read: where it stood, what people call it, and its cells."""

    file: str
    record: int
    tab: str
    name: str
    cells: dict[str, str]


class ChangedCell(_Value):
    """A cell that reads otherwise now."""

    column: str
    before: str
    after: str


class ChangedRow(_Value):
    """A row that is still there, with the cells that differ; `record` is where it stands now."""

    file: str
    record: int
    tab: str
    name: str
    cells: tuple[ChangedCell, ...]


class Reading(_Value):
    """What one check of a session's files found, as far as the next one is compared with it."""

    rows: dict[str, KnownRow] = {}
    findings: tuple[Finding, ...] = ()
    scope: dict[str, dict[str, int]] = {}


class SpecChanges(_Value):
    """What differs between two readings."""

    added: tuple[KnownRow, ...] = ()
    removed: tuple[KnownRow, ...] = ()
    changed: tuple[ChangedRow, ...] = ()
    findings_gone: tuple[Finding, ...] = ()
    findings_new: tuple[Finding, ...] = ()
    scope_before: dict[str, dict[str, int]] = {}
    scope_after: dict[str, dict[str, int]] = {}

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return bool(
            self.added or self.removed or self.changed or self.findings_gone or self.findings_new
        ) or (self.scope_before != self.scope_after)

    @property
    def summary(self) -> str:
        """The counts in one line."""
        rows = f"{len(self.added)} rows added, {len(self.removed)} removed, {len(self.changed)} changed"
        return f"{rows}; {len(self.findings_gone)} findings gone, {len(self.findings_new)} new"


def reading_of(spec: Spec, findings: Sequence[Finding]) -> Reading:
    """What is kept of a spec to compare the next upload with."""
    seen: Counter[str] = Counter()
    rows: dict[str, KnownRow] = {}
    for row in (row for table in spec.tables for row in table.rows):
        identity = _identity(row)
        seen[identity] += 1
        rows[f"{identity}~{seen[identity]}"] = _known(row)
    scope = {tab: dict(counts) for tab, counts in spec.scope_counts.items()}
    return Reading(rows=rows, findings=tuple(findings), scope=scope)


def compare(before: Reading, after: Reading) -> SpecChanges:
    """From one reading to the next."""
    gone, new = _by_cause(before.findings), _by_cause(after.findings)
    return SpecChanges(
        added=tuple(row for key, row in after.rows.items() if key not in before.rows),
        removed=tuple(row for key, row in before.rows.items() if key not in after.rows),
        changed=tuple(_changed(before.rows, after.rows)),
        findings_gone=tuple(_more(gone, new)),
        findings_new=tuple(_more(new, gone)),
        scope_before=before.scope,
        scope_after=after.scope,
    )


def _identity(row: Row) -> str:
    """Type and key, whatever file it is in; the label where the machine name is missing, else all that it says."""
    tab = tab_type(row.csv_type)
    key = [row[column] or row[tab.label] for column in tab.key]
    said = key if any(key) else [row[tab.label]] if row[tab.label] else [cell for _, cell in row.facts()]
    return "\x1f".join([row.csv_type, *map(str.casefold, said)])


def _known(row: Row) -> KnownRow:
    tab = tab_type(row.csv_type)
    cells = {_X: row.x} if row.x else {}
    for header, cell in row.cells:
        if cell:
            cells.setdefault(header, cell)
    name = row[tab.label] or row["machine_name"]
    return KnownRow(file=row.file, record=row.record, tab=tab.title, name=name, cells=cells)


def _changed(before: Mapping[str, KnownRow], after: Mapping[str, KnownRow]) -> Iterable[ChangedRow]:
    for key, row in after.items():
        old = before.get(key)
        if old is not None and old.cells != row.cells:
            cells = tuple(_changed_cells(old.cells, row.cells))
            yield ChangedRow(file=row.file, record=row.record, tab=row.tab, name=row.name, cells=cells)


def _changed_cells(before: Mapping[str, str], after: Mapping[str, str]) -> Iterable[ChangedCell]:
    for column in dict.fromkeys([*before, *after]):
        was, now = before.get(column, ""), after.get(column, "")
        if was != now:
            yield ChangedCell(column=column, before=was, after=now)


def _by_cause(findings: Sequence[Finding]) -> dict[_Cause, Finding]:
    """Findings by what they say, not by their records: these move with every new row."""
    return {(one.code, one.severity, one.file, one.column, one.message): one for one in findings}


def _more(these: Mapping[_Cause, Finding], those: Mapping[_Cause, Finding]) -> Iterable[Finding]:
    """The findings that are only here, or about more rows here than there."""
    for cause, finding in these.items():
        other = those.get(cause)
        if other is None:
            yield finding
        elif len(finding.records) > len(other.records):
            said = f"{finding.message} ({len(finding.records)} rows instead of {len(other.records)})"
            yield finding.model_copy(update={"message": said})
