"""Intake against pandas: `python -m benchmarks.intake [ROWS]`.

Reads, detects and checks a spec of many rows, and reads the same bytes with `pandas.read_csv` alone, each in a
process of its own: time is processor time, the best of several runs; memory is the highest resident size above that of
the imports.
"""

import csv
import io
import json
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tasks.core.settings import SessionSettings
from tasks.core.spec.load import load_spec
from tasks.core.spec.model import SourceFile

ROOT = Path(__file__).parents[1]
SPECS = (ROOT.parent / "shared" / "data" / "uwec", ROOT / "examples" / "lakeside")
RUNS = 5
# Columns whose cells name things of the spec, and so must differ between the copies.
_LABELS = re.compile(r"name|bundle|view$|view modes|title|workflow|label|style|state", re.IGNORECASE)
_MACHINE = re.compile(r"machine name|view id", re.IGNORECASE)


def repeated(folder: Path, rows: int) -> list[SourceFile]:
    """The spec over and over, each copy under names of its own, until it has so many rows."""
    tables = {
        path.name: list(csv.reader(path.open(newline="", encoding="utf-8-sig")))
        for path in folder.glob("*.csv")
    }
    copies = max(1, round(rows / sum(len(table) - 1 for table in tables.values())))
    return [SourceFile(name, _repeat(table, copies)) for name, table in sorted(tables.items())]


def _repeat(table: list[list[str]], copies: int) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")  # as the sheets are exported
    header = table[0]
    writer.writerow(header)
    for copy in range(copies):
        suffixes = [_suffix(name, copy) for name in header]
        writer.writerows(
            [_suffixed(cell, suffix) for cell, suffix in zip(row, suffixes, strict=True)] for row in table[1:]
        )
    return out.getvalue().encode()


def _suffix(header: str, copy: int) -> str:
    if _MACHINE.search(header):
        return f"_{copy}"
    return f" {copy}" if _LABELS.search(header) else ""


def _suffixed(cell: str, suffix: str) -> str:
    if not suffix or cell in ("", "-") or cell.startswith("#"):
        return cell
    named = re.fullmatch(r"(.*)( \([^()]* (?:type|block)\)| \(Vocabulary\))", cell, re.DOTALL)
    if named:
        return f"{named[1]}{suffix}{named[2]}"
    return ", ".join(part.strip() + suffix for part in cell.split(","))


def measure(what: str, rows: int) -> dict[str, float]:
    """Seconds and megabytes of one way of reading; meant to run in a process of its own."""
    import pandas as pd

    files = repeated(next(folder for folder in SPECS if folder.is_dir()), rows)
    ways: dict[str, Callable[[], object]] = {
        "pandas": lambda: [pd.read_csv(io.BytesIO(file.content)) for file in files],
        "ours": lambda: load_spec(files, SessionSettings()),
    }
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    first = _seconds(ways[what])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    best = min(first, *(_seconds(ways[what]) for _ in range(RUNS - 1)))
    return {"seconds": best, "megabytes": peak / 1024, "bytes": sum(len(file.content) for file in files)}


def _seconds(way: Callable[[], object]) -> float:
    started = time.process_time()
    kept = way()
    taken = time.process_time() - started
    del kept
    return taken


def _measured(what: str, rows: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.intake", "--measure", what, str(rows)]
    answer = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(answer.stdout)
    return found


def main() -> None:
    """Print the comparison, and fail where the promise is broken."""
    if "--measure" in sys.argv:
        print(json.dumps(measure(sys.argv[-2], int(sys.argv[-1]))))
        return
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    pandas, ours, tenth = _measured("pandas", rows), _measured("ours", rows), _measured("ours", rows // 10)
    slower, fatter = ours["seconds"] / pandas["seconds"], ours["megabytes"] / pandas["megabytes"]
    growth = ours["seconds"] / tenth["seconds"]
    print(f"{rows:,} rows, {ours['bytes'] / 1e6:.1f} MB")
    for what, found in (("pandas.read_csv alone", pandas), ("parse, detect, check", ours)):
        speed = f"{rows / found['seconds']:,.0f} rows/s"
        print(f"{what:<22} {found['seconds']:.3f} s {found['megabytes']:>5.0f} MB {speed:>16}")
    print(f"time x{slower:.2f} (at most 4), memory x{fatter:.2f} (at most 3)")
    print(f"ten times the rows take x{growth:.2f} the time (under 11)")
    sys.exit(slower > 4 or fatter > 3 or growth >= 11)  # noqa: PLR2004


if __name__ == "__main__":
    main()
