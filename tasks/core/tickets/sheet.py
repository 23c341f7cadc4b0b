"""All tickets as one CSV: no cell is taken for a formula by a spreadsheet, and every cell comes back as it was."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping

from tasks.core.errors import UserFixable
from tasks.core.tickets.editable import FIELDS, NAMES, SEVERAL, Copy, Value, is_mark, normal, shown

COLUMNS = ("id", "base", "group", *(NAMES[field] for field in FIELDS))
_FIELD_OF = {NAMES[field]: field for field in FIELDS}
# What a spreadsheet takes for a formula; apostrophes before it belong to our own guard or to the text.
_FORMULA = re.compile(r"'*[=+\-@\t\r＝＋－＠]")
_WORDS = {
    "yes": True,
    "true": True,
    "wahr": True,
    "1": True,
    "no": False,
    "false": False,
    "falsch": False,
    "0": False,
}
_LIMIT = 1_000_000


def neutral(cell: str) -> str:
    """The cell with an apostrophe before what a spreadsheet would calculate."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def restored(cell: str) -> str:
    """The cell as it was; one whose guard a spreadsheet took away already is as it was."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def write_sheet(rows: Iterable[tuple[str, str, str, Mapping[str, Value]]]) -> bytes:
    """The sheet of these tickets: id, base mark, group and fields of each; UTF-8 with the mark that Excel wants."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
    writer.writerow(COLUMNS)
    for ticket_id, base, group, values in rows:
        writer.writerow([ticket_id, base, group, *(neutral(shown(values[field])) for field in FIELDS)])
    return out.getvalue().encode("utf-8-sig")


def read_sheet(text: str, place: str) -> Iterator[Copy]:
    """The tickets of a sheet. Columns may be missing or moved; raises UserFixable that names the line."""
    text = text.removeprefix("\ufeff")
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    before = csv.field_size_limit(_LIMIT)
    try:
        _require_columns(reader.fieldnames or (), place)
        for row in reader:
            if any(row.values()):
                yield _copy(row, f"{place}, line {reader.line_num}")
    except csv.Error as error:
        raise _refused(place, f"line {reader.line_num} cannot be read ({error})") from error
    finally:
        csv.field_size_limit(before)


def _require_columns(names: Iterable[str | None], place: str) -> None:
    known = [name for name in names if name]
    if not {"id", "base"} <= set(known):
        raise _refused(place, "the columns `id` and `base` are missing")
    if unknown := [name for name in known if name not in COLUMNS]:
        raise _refused(place, f"there is no column `{unknown[0]}`; there are {', '.join(COLUMNS)}")


def _copy(row: Mapping[str | None, str | list[str] | None], place: str) -> Copy:
    if None in row or any(not isinstance(cell, str) for cell in row.values()):
        raise _refused(place, "it has more or fewer cells than the first line")
    cells = {str(name): restored(str(cell)) for name, cell in row.items()}
    if not is_mark(cells["base"]):
        raise _refused(place, "the column `base` was changed")
    values = {
        _FIELD_OF[name]: _value(_FIELD_OF[name], cell, place)
        for name, cell in cells.items()
        if name in _FIELD_OF
    }
    return Copy(ticket_id=cells["id"], base=cells["base"], values=values, place=place)


def _value(field: str, cell: str, place: str) -> Value:
    if field == "ready_for_jira":
        if (word := _WORDS.get(cell.strip().lower())) is None:
            raise _refused(place, f"ready is “{cell}”, neither yes nor no")
        return word
    return normal(field, cell.split("\n") if field in ("criteria", *SEVERAL) else cell)


def _refused(place: str, why: str) -> UserFixable:
    return UserFixable(f"{place}: {why}.", actions=("Correct it, or pull again.",), code="ticket-sheet")
