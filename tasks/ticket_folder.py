"""A folder of tickets: one Markdown file for each and one sheet of all, read and written without following links."""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from db.models import Ticket
from tasks.core.errors import UserFixable
from tasks.core.tickets.editable import FIELDS, Copy, Value, mark, normal_values
from tasks.core.tickets.model import Frozen, PlannedTicket
from tasks.core.tickets.sheet import read_sheet, write_sheet
from tasks.core.tickets.ticket_file import read_file, write_file

SHEET = "tickets.csv"
LARGEST = 20_000_000
_PRIVATE = 0o600


class Pulled(Frozen):
    """What was written where."""

    folder: str
    files: int


def values_of(ticket: Ticket) -> dict[str, Value]:
    """The fields of a ticket as files have them."""
    return normal_values({field: getattr(ticket, field) for field in FIELDS})


def write_folder(folder: Path, tickets: Sequence[Ticket]) -> Pulled:
    """Write the files of these tickets and the sheet."""
    with _told(folder):
        return _write_all(folder, tickets)


def _write_all(folder: Path, tickets: Sequence[Ticket]) -> Pulled:
    rows = []
    for ticket in tickets:
        values = values_of(ticket)
        plan = PlannedTicket.model_validate(ticket.plan)
        text = write_file(str(ticket.id), ticket.revision, values, plan, ticket.jira_ticket_key)
        _write(folder / f"{ticket.id}.md", text.encode())
        rows.append((str(ticket.id), mark(ticket.revision, values), ticket.entity_group.value, values))
    _write(folder / SHEET, write_sheet(rows))
    return Pulled(folder=str(folder), files=len(tickets))


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, and never through a link that somebody put there."""
    _require_plain(path)
    half = path.with_name(f".{path.name}.new")
    half.unlink(missing_ok=True)
    with os.fdopen(os.open(half, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _PRIVATE), "wb") as file:
        file.write(content)
    half.replace(path)


def read_folder(folder: Path) -> list[Copy]:
    """Every ticket that the files and the sheet of a folder hold."""
    with _told(folder):
        return list(_copies(folder))


def _copies(folder: Path) -> Iterator[Copy]:
    for path in _files(folder):
        text = _read(path)
        if path.suffix == ".md":
            copy = read_file(text, path.name)
            if copy.ticket_id != path.stem:
                raise UserFixable(
                    f"{path.name}: its id is not the one in its name.",
                    actions=("A copy of a file cannot be pushed; remove it or restore its name.",),
                    code="ticket-file",
                )
            yield copy
        else:
            yield from read_sheet(text, path.name)


def _files(folder: Path) -> list[Path]:
    """The files that are ours by their names; others lie there unread."""
    return [path for path in sorted(folder.iterdir()) if path.name == SHEET or _is_ticket(path)]


def _is_ticket(path: Path) -> bool:
    try:
        return path.suffix == ".md" and str(UUID(path.stem)) == path.stem
    except ValueError:
        return False


def _read(path: Path) -> str:
    _require_plain(path)
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        content = file.read(LARGEST + 1)
    try:
        if len(content) <= LARGEST:
            return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserFixable(
            f"{path.name}: it is not UTF-8.", actions=("Save it as UTF-8.",), code="ticket-file"
        ) from error
    raise UserFixable(f"{path.name}: it is larger than {LARGEST:,} bytes.", code="ticket-file")


def _require_plain(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        raise UserFixable(
            f"{path.name} is a link or no plain file; it is neither read nor written.",
            actions=("Replace it by the file itself, or pull into another folder.",),
            code="ticket-file-link",
        )


def require_folder(folder: Path, *, new: bool = False) -> None:
    """Refuse what is no folder; a `new` one is made."""
    with _told(folder):
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise UserFixable(f"{folder} is not a folder.", code="no-folder")
        if new:
            folder.mkdir(parents=True, exist_ok=True)
        elif not folder.is_dir():
            raise UserFixable(
                f"There is no folder {folder}.", actions=("Pull the tickets first.",), code="no-folder"
            )


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """What the file system refuses, in words."""
    try:
        yield
    except OSError as error:
        raise UserFixable(
            f"{error.filename or folder}: {error.strerror or 'it cannot be read or written'}.",
            actions=("Choose another folder.",),
            code="no-folder",
        ) from error
