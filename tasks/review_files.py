"""Pull and push: the tickets of a session as files in a folder, changed with whatever people like to work with."""

from collections.abc import Mapping, Sequence
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
from tasks.core.tickets.editable import Copy, edits, merge, storable
from tasks.core.tickets.pushing import Change, Push, Side, conflict_lines, gather, settled
from tasks.review import tidied
from tasks.review_choices import Refresh, choose
from tasks.review_content import TEXT, rebuild
from tasks.ticket_folder import Pulled, read_folder, require_folder, values_of, write_folder


async def pull(engine: AsyncEngine, session_id: UUID, folder: Path, *, discard: bool = False) -> Pulled:
    """Write one Markdown file per ticket and one sheet of all.

    Raises UserFixable when the folder holds changes that were not pushed, unless they are to be discarded, or files of
    other tickets.
    """
    async with session_scope(engine) as session:
        tickets = await TicketRepository(session).list_tickets(session_id)
    require_folder(folder, new=True)
    if not discard:
        _require_nothing_unpushed(folder, {str(ticket.id) for ticket in tickets})
    return write_folder(folder, tickets)


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
    require_folder(folder)
    copies = gather(read_folder(folder))
    async with session_scope(engine) as session:
        tickets = TicketRepository(session)
        await tickets.lock(session_id)
        stored = {str(ticket.id): ticket for ticket in await tickets.list_tickets(session_id)}
        _require_known(copies, stored)
        found = [(stored[copy.ticket_id], copy) for copy in copies]
        pushed = settled(
            [
                (str(t.id), now, merge(copy, now))
                for t, copy in found
                if edits(copy)
                for now in [values_of(t)]
            ],
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
        write_folder(folder, await TicketRepository(session).list_tickets(session_id))
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
            if ticket is None or values_of(ticket) != values_of(read[ticket.id]):
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


def _require_nothing_unpushed(folder: Path, known: set[str]) -> None:
    changed = []
    for copy in read_folder(folder):
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
