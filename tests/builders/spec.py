"""Specs for tests, built the way real ones come: as CSV text through the one door."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tasks.core.findings import Finding
from tasks.core.settings import SessionSettings
from tasks.core.spec.load import load_spec
from tasks.core.spec.model import SourceFile, Spec
from tasks.core.tickets.planning import plan_tickets

ROOT = Path(__file__).parents[2]
UWEC = ROOT.parent / "shared" / "data" / "uwec"
LAKESIDE = ROOT / "examples" / "lakeside"

# Columns as the template has them; a row fills in what it says and leaves the rest blank.
HEADERS = {
    "Bundles": "ID,Name,Machine name,X,Dev,QA,Description,Mod.,Layout,Trns.,Migr.,Meta,Sched.,Srch.,Type,"
    "URL alias pattern,Settings/notes",
    "Fields": "ID,Bundle,Field label,Machine name,Reused Field,X,Dev,QA,Field group,Field type,Ref. bundle,Req'd,"
    "Vals.,Form widget,Trns.,Settings/notes,Help text,Bundle machine name",
    "CustomViewModes": "ID,View Modes,Entity Type,X,Dev,QA,Entities Used On,Notes,Format",
    "CustomViews": "ID,View name,Machine name,X,Dev,QA,Base table,Status,Description,Notes",
    "CustomViewsDisplays": "ID,View,Title,Machine name,X,Dev,QA,Display plugin,Notes,View ID",
    "Imagestyles": "ID,Style name,Machine name,X,Dev,QA,Notes",
    "ResponsiveImageStyles": "ID,Responsive style,Machine Name,Breakpoint Group,Breakpoints Used,Fallback Style,"
    "Image Style Group(s),X,Dev,QA,Notes,Fallback machine name",
    "Userroles": "ID,Name,Machine name,X,Dev,QA,Notes",
    "Workflows": "ID,Label,Machine name,X,Dev,QA,Type,Notes",
    "Workflowstates": "ID,Workflow,Label,Machine name,X,Dev,QA,Notes",
    "Workflowtransitions": "ID,Workflow,Label,Machine name,X,Dev,QA,From state,To state,Notes",
    "Menus": "ID,Title,Machine name,X,Dev,QA,Description",
    "ImageEffects": "ID,Image style,Effect,Summary,X,Dev,QA,Notes",
    "Migrations": "ID,Name,Machine name,X,Dev,QA,Source,Destination,Notes",
}  # fmt: skip


def csv_text(rows: Sequence[Sequence[str]], *, delimiter: str = ",", newline: str = "\r\n") -> str:
    """Rows as CSV text, header first."""
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator=newline).writerows(rows)
    return out.getvalue()


def csv_file(
    name: str,
    rows: Sequence[Sequence[str]],
    *,
    delimiter: str = ",",
    newline: str = "\r\n",
    encoding: str = "utf-8",
) -> SourceFile:
    """A CSV file of any rows, header first."""
    return SourceFile(name, csv_text(rows, delimiter=delimiter, newline=newline).encode(encoding))


def tab(name: str, *rows: Mapping[str, str], filename: str = "") -> SourceFile:
    """A tab of the template: `tab("Bundles", {"Name": "Page", "Machine name": "page", "X": "a"})`."""
    header = next(csv.reader([HEADERS[name]]))
    unknown = {column for row in rows for column in row} - set(header)
    assert not unknown, f"{name} has no columns {unknown}"
    cells = [[row.get(column, "") for column in header] for row in rows]
    return csv_file(filename or f"{name}.csv", [header, *cells])


def bundle(name: str, kind: str = "Content type", x: str = "a", **more: str) -> dict[str, str]:
    """A row of Bundles."""
    return {"Name": name, "Machine name": machine(name), "X": x, "Type": kind} | more


def field(on: str, label: str, kind: str = "Text (plain)", x: str = "a", **more: str) -> dict[str, str]:
    """A row of Fields; `on` reads “Name (Type)”."""
    row = {"Bundle": on, "Field label": label, "Machine name": f"field_{machine(label)}", "X": x}
    return row | {"Field type": kind, "Req'd": "n", "Vals.": "1"} | more


def machine(label: str) -> str:
    """A label as a machine name."""
    return "_".join("".join(c if c.isalnum() else " " for c in label.lower()).split())


def load(
    *files: SourceFile, settings: SessionSettings | None = None, types: Mapping[str, str] | None = None
) -> Spec:
    """These files as a spec."""
    return load_spec(files, settings or SessionSettings(), types)


def files_of(folder: Path) -> list[SourceFile]:
    """The CSV files of a folder."""
    return [SourceFile(path.name, path.read_bytes()) for path in sorted(folder.glob("*.csv"))]


def uwec_files() -> list[SourceFile]:
    """The files of the one real spec; skips the test where it is not there."""
    if not UWEC.is_dir():
        pytest.skip("../shared/data/uwec is not here")
    return files_of(UWEC)


def uwec(settings: SessionSettings | None = None) -> Spec:
    """The one real spec."""
    return load(*uwec_files(), settings=settings)


def lakeside(settings: SessionSettings | None = None) -> Spec:
    """The example spec."""
    return load(*files_of(LAKESIDE), settings=settings)


def tickets_of(spec: Spec) -> list[tuple[object, ...]]:
    """The tickets of a spec, whatever its files are called."""
    return [
        (
            ticket.key,
            ticket.depends_on,
            ticket.structural_criteria,
            [(table.constants, table.columns, table.rows, table.records) for table in ticket.tables],
        )
        for ticket in plan_tickets(spec, SessionSettings()).tickets
    ]


def coded(spec: Spec, code: str) -> list[Finding]:
    """The findings of one code."""
    return [finding for finding in spec.findings if finding.code == code]
