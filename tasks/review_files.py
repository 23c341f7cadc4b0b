"""Pull and push: the tickets of a session as files in a folder, changed with whatever people like to work with."""

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from db.actor import Actor
from db.engine import session_scope
from db.errors import Refused
from db.models import Ticket
from db.repositories.tickets import Edit, TicketChanges, TicketRepository
from tasks.core.errors import UserFixable
from tasks.core.tickets.editable import FIELDS, Copy, Value, edits, mark, merge, normal_values, storable
from tasks.core.tickets.model import Frozen, PlannedTicket
from tasks.core.tickets.pushing import Change, Push, Side, conflict_lines, gather, settled
from tasks.core.tickets.sheet import read_sheet, write_sheet
from tasks.core.tickets.ticket_file import read_file, write_file
from tasks.review import tidied
from tasks.review_choices import Refresh, choose
from tasks.review_content import TEXT, rebuild

SHEET = "tickets.csv"
LARGEST = 20_000_000
_PRIVATE = 0o600


class Pulled(Frozen):
    """What was written where."""

    folder: str
    files: int


async def pull(engine: AsyncEngine, session_id: UUID, folder: Path, *, discard: bool = False) -> Pulled:
    """Write one Markdown file per ticket and one sheet of all.

    Raises UserFixable when the folder holds changes that were not pushed, unless they are to be discarded, or files of
    other tickets.
    """
    async with session_scope(engine) as session:
        tickets = await TicketRepository(session).list_tickets(session_id)
    _require_folder(folder, new=True)
    if not discard:
        _require_nothing_unpushed(folder, {str(ticket.id) for ticket in tickets})
    return _write_all(folder, tickets)


async def push(
    engine: AsyncEngine,
    session_id: UUID,
    folder: Path,
    actor: Actor,
    *,
    dry_run: bool = False,
    side: Side | None = None,
    refresh: Refresh | None = None,
) -> Push:
    """Apply what people changed in the files of a folder, all of it or nothing, and bring the files up to date.

    A field changed here and there is a conflict: it is named, nothing is applied, unless a `side` is chosen.
    """
    _require_folder(folder)
    copies = gather(_copies(folder))
    async with session_scope(engine) as session:
        tickets = TicketRepository(session)
        await tickets.lock(session_id)
        stored = {str(ticket.id): ticket for ticket in await tickets.list_tickets(session_id)}
        _require_known(copies, stored)
        found = [(stored[copy.ticket_id], copy) for copy in copies]
        pushed = settled(
            [(str(t.id), now, merge(copy, now)) for t, copy in found if edits(copy) for now in [_values(t)]],
            side,
        )
    if pushed.conflicts:
        raise UserFixable(
            "Some fields were changed here and in the files; nothing was applied.",
            actions=(
                *conflict_lines(pushed),
                "Push again with --prefer mine or --prefer theirs, or pull anew.",
            ),
            code="push-conflict",
        )
    if dry_run or not (pushed.changes or side):
        return pushed
    await _apply(engine, session_id, pushed.changes, {t.id: t for t in stored.values()}, actor, refresh)
    async with session_scope(engine) as session:
        _write_all(folder, await TicketRepository(session).list_tickets(session_id))
    return pushed


async def _apply(
    engine: AsyncEngine,
    session_id: UUID,
    changes: Sequence[Change],
    read: Mapping[UUID, Ticket],
    actor: Actor,
    refresh: Refresh | None,
) -> None:
    """All changes in one transaction; each is refused when its ticket is no longer as it was compared."""
    chosen = [await _chosen(engine, session_id, change, refresh) for change in changes]
    problems: list[str] = []
    edits_: list[Edit] = []
    async with session_scope(engine) as session:
        tickets = TicketRepository(session)
        await tickets.lock(session_id)
        waited = await tickets.plans_waited_for(session_id)
        now = {ticket.id: ticket for ticket in await tickets.list_tickets(session_id)}
        for change, values in zip(changes, chosen, strict=True):
            ticket = now.get(UUID(change.ticket_id))
            if ticket is None or _values(ticket) != _values(read[ticket.id]):
                raise UserFixable(
                    f"“{change.title}” was changed at this very moment; nothing was applied. Push again.",
                    code="push-raced",
                )
            try:
                content = rebuild(ticket, values, waited.get(ticket.id, ())) if TEXT & values.keys() else None
            except UserFixable as error:
                problems += [f"{change.title}: {action}" for action in error.actions]
            else:
                edits_.append(Edit(ticket.id, cast("TicketChanges", values), ticket.revision, content))
        _refuse(problems)
        try:
            await tickets.edit_many(session_id, edits_, actor=actor)
        except Refused as error:
            _refuse([error.message])


async def _chosen(
    engine: AsyncEngine, session_id: UUID, change: Change, refresh: Refresh | None
) -> dict[str, Any]:
    plain = {field: storable(field, value) for field, value in change.after.items()}
    try:
        return await choose(engine, session_id, tidied(plain), refresh)
    except UserFixable as error:
        raise UserFixable(
            f"{change.title}: {error.message}", actions=error.actions, code=error.code
        ) from error


def _refuse(problems: Sequence[str]) -> None:
    if problems:
        raise UserFixable(
            "Nothing was applied: some changes are not possible.",
            actions=tuple(problems),
            code="push-refused",
        )


def _values(ticket: Ticket) -> dict[str, Value]:
    return normal_values({field: getattr(ticket, field) for field in FIELDS})


# The folder


def _write_all(folder: Path, tickets: Sequence[Ticket]) -> Pulled:
    rows = []
    for ticket in tickets:
        values = _values(ticket)
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


def _require_folder(folder: Path, *, new: bool = False) -> None:
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise UserFixable(f"{folder} is not a folder.", code="no-folder")
    if new:
        folder.mkdir(parents=True, exist_ok=True)
    elif not folder.is_dir():
        raise UserFixable(
            f"There is no folder {folder}.", actions=("Pull the tickets first.",), code="no-folder"
        )


def _require_nothing_unpushed(folder: Path, known: set[str]) -> None:
    changed = []
    for copy in _copies(folder):
        if copy.ticket_id not in known:
            raise UserFixable(
                f"{copy.place} is a ticket of another session, or one that is gone.",
                actions=("Pull into an empty folder.",),
                code="ticket-unknown",
            )
        if edits(copy):
            changed.append(copy.place)
    if changed:
        raise UserFixable(
            f"{len(changed)} files hold changes that were not pushed: {', '.join(changed[:5])}.",
            actions=("Push them first, or pull with --discard to lose them.",),
            code="pull-over-changes",
        )


def _require_known(copies: Sequence[Copy], stored: Mapping[str, Ticket]) -> None:
    if unknown := [copy for copy in copies if copy.ticket_id not in stored]:
        raise UserFixable(
            f"{unknown[0].place}: there is no ticket {unknown[0].ticket_id} in this session.",
            actions=("Remove it from the folder, or push to the session that it was pulled from.",),
            code="ticket-unknown",
        )
