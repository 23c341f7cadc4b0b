"""What a spec holds and what is wrong with it, as a page for the director."""

from db.enums import ErrorSeverity
from tasks.core.markdown import escape, table
from tasks.core.spec.model import Spec

_HEADINGS = {
    ErrorSeverity.BLOCKING: "Must be fixed before tickets can be made",
    ErrorSeverity.WARNING: "Worth fixing",
    ErrorSeverity.INFO: "Good to know",
}


def spec_report(spec: Spec, site_name: str) -> str:
    """Files, scope and findings as Markdown; every text of the spec escaped."""
    return "\n\n".join([f"# Spec report: {escape(site_name)}", _files(spec), _scope(spec), *_findings(spec)])


def _files(spec: Spec) -> str:
    rows = [
        (t.filename, t.csv_type, len(t), f"{t.confidence:.0%}", "; ".join(t.reasons)) for t in spec.tables
    ]
    return "## Files\n\n" + table(["file", "tab", "rows", "sure", "because"], rows)


def _scope(spec: Spec) -> str:
    codes = sorted({code for counts in spec.scope_counts.values() for code in counts})
    rows = [
        (tab, *(counts.get(code, 0) for code in codes)) for tab, counts in sorted(spec.scope_counts.items())
    ]
    held = f"{len(spec.held)} rows get no ticket now: they wait, are built already, or are to be deleted."
    return f"## Scope: rows by their X\n\n{table(['tab', *(escape(c) or 'blank' for c in codes)], rows)}\n\n{held}"


def _findings(spec: Spec) -> list[str]:
    sections = []
    for severity, heading in _HEADINGS.items():
        found = [finding for finding in spec.findings if finding.severity is severity]
        rows = [
            (f.file or "", ", ".join(map(str, f.records)), f.column or "", f.message, " ".join(f.actions))
            for f in found
        ]
        if found:
            header = ["file", "records", "column", "what", "what to do"]
            sections.append(f"## {heading} ({len(found)})\n\n{table(header, rows)}")
    return sections or ["## Findings\n\nNothing is wrong with this spec."]
