"""The one door of the intake: files in, a checked spec out."""

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from tasks.core.findings import Finding
from tasks.core.settings import SessionSettings
from tasks.core.spec.checks import cells, fields, intake, relations
from tasks.core.spec.derive import derive
from tasks.core.spec.detection import Detection, declared, detect, why_left_out
from tasks.core.spec.model import ParsedFile, SourceFile, Spec, Table
from tasks.core.spec.reading import read
from tasks.core.spec.references import Resolver
from tasks.core.spec.registry import tab_type
from tasks.core.spec.scope import count_codes
from tasks.core.spec.tables import build_table
from tasks.core.spec.tabs import Tab, tabs_of


def load_spec(
    files: Sequence[SourceFile], settings: SessionSettings, types: Mapping[str, str] | None = None
) -> Spec:
    """Read, detect, derive, scope and check all files of a session together.

    `types` says what tab a file is where a person set it. What is wrong comes out as findings.
    """
    with collector_paused():
        return _load(files, settings, types or {})


def _load(files: Sequence[SourceFile], settings: SessionSettings, types: Mapping[str, str]) -> Spec:
    findings: list[Finding] = []
    tables: list[Table] = []
    odd: list[tuple[ParsedFile, Detection, str]] = []
    for file in files:
        reading = read(file)
        findings += reading.findings
        if reading.parsed is None:
            continue
        detection = _detect(reading.parsed, types)
        if why := why_left_out(reading.parsed, detection):
            odd.append((reading.parsed, detection, why))
        else:
            tables += _understand(reading.parsed, detection, settings, findings)
    for parsed, detection, why in odd:
        findings += intake.left_out(parsed, why) if tables else intake.detection_findings(parsed, detection)
    resolver = Resolver(tabs_of(tables))
    tables, derived = derive(tables, resolver)
    findings += derived
    findings += _check(tabs_of(tables), resolver)
    return Spec(tuple(tables), tuple(findings), _counts(tables))


@contextmanager
def collector_paused() -> Iterator[None]:
    """No search for garbage meanwhile: cells come by the million, none is garbage, and all would be looked at."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.freeze()  # and thawed at once: they count as old now, and enabling looks through none of them
            gc.unfreeze()
            gc.enable()


def _detect(parsed: ParsedFile, types: Mapping[str, str]) -> Detection:
    wanted = types.get(parsed.filename)
    return declared(parsed, tab_type(wanted).name) if wanted else detect(parsed)


def _understand(
    parsed: ParsedFile, detection: Detection, settings: SessionSettings, findings: list[Finding]
) -> Iterable[Table]:
    findings += intake.detection_findings(parsed, detection)
    findings += intake.header_findings(parsed)
    if detection.csv_type is not None:
        table = build_table(parsed, detection, settings)
        findings += intake.scope_findings(table, settings)
        yield table


def _check(tabs: Mapping[str, Tab], resolver: Resolver) -> Iterable[Finding]:
    """Everything that is asked of tabs and of what stands between them."""
    for tab in tabs.values():
        if len(tab):
            yield from relations.unresolved(tab, resolver)
            yield from relations.waiting(tab, resolver)
            yield from cells.formula_errors(tab)
            yield from cells.machine_names(tab)
            yield from cells.duplicate_keys(tab)
            yield from cells.open_questions(tab)
    if "fields" in tabs and len(tabs["fields"]):
        yield from fields.storages(tabs["fields"], resolver)
        yield from fields.lists_without_options(tabs["fields"])
        yield from fields.without_type(tabs["fields"])
        if "bundles" in tabs:
            yield from relations.bundles_without_fields(tabs["bundles"], tabs["fields"], resolver)


def _counts(tables: Sequence[Table]) -> dict[str, dict[str, int]]:
    codes: dict[str, list[str]] = {}
    for table in tables:
        codes.setdefault(table.csv_type, []).extend(table.codes)
    return {csv_type: count_codes(found) for csv_type, found in codes.items()}
