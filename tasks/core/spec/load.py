"""The one door of the intake: files in, a checked spec out."""

from collections.abc import Mapping, Sequence

from tasks.core.findings import Finding
from tasks.core.settings import RowAction, SessionSettings
from tasks.core.spec.detection import declared, detect
from tasks.core.spec.model import Held, ParsedFile, SourceFile, Spec, Table
from tasks.core.spec.reading import read
from tasks.core.spec.registry import tab_type
from tasks.core.spec.scope import count_codes, reason
from tasks.core.spec.tables import build_table

_NO_TICKET = frozenset({RowAction.HOLD, RowAction.BUILT, RowAction.SKIP})


def load_spec(
    files: Sequence[SourceFile], settings: SessionSettings, types: Mapping[str, str] | None = None
) -> Spec:
    """Read, detect, derive, scope and check all files of a session together.

    `types` says what tab a file is where a person set it. What is wrong comes out as findings.
    """
    findings: list[Finding] = []
    tables: list[Table] = []
    for file in files:
        reading = read(file)
        findings += reading.findings
        if reading.parsed is not None:
            table = _understand(reading.parsed, settings, types or {})
            if table is not None:
                tables.append(table)
    return Spec(tuple(tables), tuple(findings), tuple(_held(tables, settings)), _counts(tables))


def _understand(parsed: ParsedFile, settings: SessionSettings, types: Mapping[str, str]) -> Table | None:
    wanted = types.get(parsed.filename)
    detection = declared(parsed, tab_type(wanted).name) if wanted else detect(parsed)
    if detection.csv_type is None:
        return None
    return build_table(parsed, detection, settings)[0]


def _held(tables: Sequence[Table], settings: SessionSettings) -> list[Held]:
    """All filled rows that get no ticket by their X, with the reason."""
    return [
        Held(
            table.filename,
            table.numbers[at],
            table.codes[at],
            reason(table.codes[at], action, settings.scope),
        )
        for table in tables
        for at, action in enumerate(table.actions)
        if action in _NO_TICKET
    ]


def _counts(tables: Sequence[Table]) -> dict[str, dict[str, int]]:
    codes: dict[str, list[str]] = {}
    for table in tables:
        codes.setdefault(table.csv_type, []).extend(table.codes)
    return {csv_type: count_codes(found) for csv_type, found in codes.items()}
