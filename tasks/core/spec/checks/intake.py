"""What is said about files as wholes: what tab they are, what their headers lack, what X means in them."""

from collections import Counter
from collections.abc import Iterable

from db.enums import ErrorSeverity
from tasks.core.findings import Finding
from tasks.core.settings import RowAction, SessionSettings
from tasks.core.spec.detection import Detection
from tasks.core.spec.model import ParsedFile, Table
from tasks.core.spec.registry import REGISTRY, tab_type
from tasks.core.spec.reporting import each, quoted
from tasks.core.spec.scope import BLANK
from tasks.core.spec.tabs import Tab

_SET_TYPE = "Say what it is: drupal-tickets upload SESSION --as '{file}=TYPE', with one of {types}."
_UNSURE = 0.5


def detection_findings(parsed: ParsedFile, detection: Detection) -> Iterable[Finding]:
    """How sure it is what tab a file is, where it is not."""
    title = tab_type(detection.csv_type).title if detection.csv_type else ""
    if detection.csv_type is None:
        yield _file(
            parsed,
            "header-unknown",
            ErrorSeverity.BLOCKING,
            f"“{parsed.filename}” has no header that any tab has: {quoted([name for name in parsed.header if name])}.",
            _set_type(parsed, REGISTRY),
        )
    elif detection.rivals:
        message = f"“{parsed.filename}” fits several tabs alike; until you say which, its rows become Custom tickets."
        yield _file(
            parsed, "type-unsure", ErrorSeverity.WARNING, message, _set_type(parsed, detection.rivals)
        )
    elif detection.csv_type == "custom" and detection.confidence < 1:
        message = f"“{parsed.filename}” is no tab of the template; each of its rows becomes a Custom ticket."
        yield _file(parsed, "custom-tab", ErrorSeverity.INFO, message, _set_type(parsed, REGISTRY))
    for kind in detection.implied.values():
        message = (
            f"“{parsed.filename}” has no column for the kind of bundle; by its name or header all are {kind}."
        )
        yield _file(
            parsed, "kind-implied", ErrorSeverity.INFO, message, "Add a column “Type” if that is not so."
        )
    for name in detection.missing:
        message = (
            f"“{parsed.filename}” was taken for {title}, which needs a column “{name.replace('_', ' ')}”."
        )
        yield _file(
            parsed, "column-missing", ErrorSeverity.WARNING, message, "Add the column, or correct the type."
        )


def left_out(parsed: ParsedFile, why: str) -> Iterable[Finding]:
    """A file that makes no tickets, and nobody would expect it to."""
    message = f"“{parsed.filename}” was left out: {why}."
    yield _file(parsed, "file-left-out", ErrorSeverity.INFO, message, _set_type(parsed, REGISTRY))


def header_findings(parsed: ParsedFile) -> Iterable[Finding]:
    """Headers that stand twice, and columns without one."""
    twice = [name for name, count in Counter(parsed.header).items() if name and count > 1]
    if twice:
        message = f"“{parsed.filename}” has columns of the same name: {quoted(twice)}. The first one counts."
        yield _file(
            parsed,
            "header-duplicate",
            ErrorSeverity.INFO,
            message,
            "Rename the others; their cells are kept.",
        )
    if "" in parsed.header:
        message = (
            f"“{parsed.filename}” has cells in columns without a header; they are kept without a column name."
        )
        yield _file(parsed, "column-nameless", ErrorSeverity.INFO, message, "Give these columns a header.")


def scope_findings(table: Table, settings: SessionSettings) -> Iterable[Finding]:
    """What the X column leaves open."""
    if not table.has_x:
        message = f"“{table.filename}” has no X: all its {len(table)} rows are in scope."
        yield Finding(
            code="scope-without-x", severity=ErrorSeverity.INFO, message=message, file=table.filename,
            actions=("Mark rows that are not to be built with an X of w, x or d.",),
        )  # fmt: skip
        return
    known = {code.lower() for code in settings.scope}
    tab = Tab([table])
    undecided = [
        at for at, code in enumerate(table.codes) if not code and table.actions[at] is RowAction.HOLD
    ]
    if BLANK not in known:
        yield from each(
            tab, undecided, "scope-undecided", "X is blank while other rows have one: these rows are held.",
            column="x", actions=["Fill in X: a to build, w to wait, x if it is built, d to delete."],
        )  # fmt: skip
    unknown = (
        [at for at, code in enumerate(table.codes) if code in table.unknown_codes]
        if table.unknown_codes
        else []
    )
    yield from each(
        tab, unknown, "scope-code-unknown", "X holds a code that this session does not know: these rows are held.",
        column="x", actions=[f"Use one of {', '.join(sorted(known))}, or give the code a meaning with --scope."],
    )  # fmt: skip


def _file(parsed: ParsedFile, code: str, severity: ErrorSeverity, message: str, action: str) -> Finding:
    return Finding(code=code, severity=severity, message=message, file=parsed.filename, actions=(action,))


def _set_type(parsed: ParsedFile, types: Iterable[str]) -> str:
    return _SET_TYPE.format(file=parsed.filename, types=", ".join(types))
