"""How tickets become issues exactly once, although Jira has no idempotency keys and its search lags.

For each chunk: the intents in one transaction, then one request, then the keys. Which issue is which ticket is
proven by the entity property that the issue carries, never by its place in an answer. When nobody knows what
became of a request, nothing is sent again before Jira was asked, and it is asked only when the request must have
taken effect (T_request) and an issue can be found (T_index). Meanwhile other chunks go on.

Assumed: a request takes effect within T_request of its intent, or never; an issue is found by search within T_index
of its creation; an issue read by key is read as it is. Where one of these fails there can be a second issue; it is
found by the later search and named.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from blocks.jira_answers import BulkCreated, ElementError, Issue
from blocks.jira_client import BULK_CREATE, JiraClient
from blocks.jira_errors import JiraRefused, NotSent
from tasks.concurrency import together, unbroken
from tasks.core.errors import AdminRequired, Temporary, UnknownOutcome
from tasks.core.settings import JiraSettings
from tasks.core.tickets.payload import (
    PROPERTY,
    Outgoing,
    Payload,
    Target,
    chunks,
    content_update,
    payload,
)
from tasks.export_intents import IntentLedger
from tasks.export_marks import by_ticket, hash_in, require_marks
from tasks.export_refusals import LeftOut, Refusals, refusals, require_access_to

ROUNDS = 6  # how often a chunk may be refused in part, or get lost, before we give up for now
SENDS = 5  # how often Jira may turn a chunk away at the door


@dataclass(frozen=True)
class Rest:
    """What one exchange left undone."""

    lost: tuple[Outgoing, ...] = ()  # nobody knows whether they were created
    again: LeftOut = field(default_factory=dict)  # to be sent again, without these fields
    halve: bool = False  # refused as a whole, for one of them or for being too much


class Sender:
    """Sends the tickets of one session."""

    def __init__(
        self, client: JiraClient, ledger: IntentLedger, target: Target, settings: JiraSettings
    ) -> None:
        self.client, self.ledger, self.target, self.settings = client, ledger, target, settings
        self._turn = asyncio.Lock()  # one create request at a time: keys in the order of work
        self.refusals = Refusals(client, ledger, target)

    async def send(self, fresh: Sequence[Outgoing], unknown: Sequence[Outgoing]) -> None:
        """Bring every ticket to a known end: in Jira with its key stored, or refused with the reason.

        Raises ValidationRequired, Cancelled or AdminRequired as soon as one shows, UnknownOutcome or Temporary
        when Jira was away for too long. All of them can be resumed.
        """
        await self.ledger.uncertain(unknown, self.settings.search_again_seconds)
        await together(
            *(self._deliver(chunk, unknown=True) for chunk in chunks(unknown, BULK_CREATE)),
            *(self._deliver(chunk) for chunk in chunks(fresh, BULK_CREATE)),
        )
        self.refusals.require_none_shortened()

    async def _deliver(
        self,
        chunk: Sequence[Outgoing],
        *,
        unknown: bool = False,
        left_out: LeftOut | None = None,
        rounds: int = ROUNDS,
    ) -> None:
        if rounds == 0:
            raise UnknownOutcome(
                f"Jira kept losing {len(chunk)} tickets.",
                actions=("Resume the session when Jira is well again; nothing is created twice.",),
            )
        if unknown:
            await self._wait_until_jira_must_know(chunk)
            chunk = await self._missing(chunk)
        async with self._turn:
            if unknown and chunk:  # the turn may have been long in coming: ask again just before sending
                chunk = await self._missing(chunk)
            if not chunk:
                return
            rest = await self._send(chunk, left_out or {}, again=unknown)
        await self._go_on(chunk, rest, left_out or {}, rounds - 1)

    async def _go_on(self, chunk: Sequence[Outgoing], rest: Rest, left_out: LeftOut, rounds: int) -> None:
        if rest.halve:
            middle = len(chunk) // 2
            halves = (chunk[:middle], chunk[middle:])
            await together(*(self._deliver(half, left_out=left_out, rounds=rounds + 1) for half in halves))
            return
        again = [ticket for ticket in chunk if ticket.ticket_id in rest.again]
        jobs = []
        if again:
            jobs.append(self._deliver(again, left_out={**left_out, **rest.again}, rounds=rounds))
        if rest.lost:
            jobs.append(self._deliver(rest.lost, unknown=True, left_out=left_out, rounds=rounds))
        await together(*jobs)

    # One exchange

    async def _send(self, chunk: Sequence[Outgoing], left_out: LeftOut, *, again: bool) -> Rest:
        """One exchange, again while Jira turns it away at the door."""
        made = [payload(ticket, self.target, left_out.get(ticket.ticket_id, ())) for ticket in chunk]
        for attempt in range(1, SENDS):
            await self.client.ready()
            try:
                return await unbroken(self._exchange(chunk, made, left_out, again=again))
            except NotSent:
                await asyncio.sleep(0.2 * attempt)
        await self.client.ready()
        return await unbroken(self._exchange(chunk, made, left_out, again=again))

    async def _exchange(
        self, chunk: Sequence[Outgoing], made: Sequence[Payload], left_out: LeftOut, *, again: bool
    ) -> Rest:
        """Intents, then the request, then the keys."""
        late = time.time() + self.settings.request_seconds / 2
        await self.ledger.open_intents(chunk, [each.fixes for each in made], again=again)
        try:
            answer = await self.client.create_issues([each.body for each in made], within=late - time.time())
        except UnknownOutcome:
            return await self._lost(chunk)
        except (NotSent, AdminRequired) as error:
            await self.ledger.not_created(chunk, error.message)
            raise
        except JiraRefused as error:
            if len(chunk) > 1:
                await self.ledger.not_created(chunk, error.message)
                await require_access_to(self.client, self.target)
                return Rest(halve=True)
            alone = ElementError(failed_element_number=0, element_errors=error.reasons)
            return Rest(again=await self.refusals.note(chunk, {chunk[0].ticket_id: alone}, left_out))
        return await self._store(chunk, answer, left_out)

    async def _store(self, chunk: Sequence[Outgoing], answer: BulkCreated, left_out: LeftOut) -> Rest:
        """Store what is proven; the rest was refused, or nobody knows."""
        why = refusals(chunk, answer)
        proven = await self._prove(chunk, answer)
        refused = [t for t in chunk if t.ticket_id in why and t.ticket_id not in proven]
        lost = [t for t in chunk if t.ticket_id not in why and t.ticket_id not in proven]
        rest = await self._lost(lost) if lost else Rest()
        return Rest(lost=rest.lost, again=await self.refusals.note(refused, why, left_out))

    async def _lost(self, chunk: Sequence[Outgoing]) -> Rest:
        await self.ledger.uncertain(chunk, self.settings.search_again_seconds)
        return Rest(lost=tuple(chunk))

    # Proof

    async def _prove(self, chunk: Sequence[Outgoing], answer: BulkCreated) -> set[str]:
        """Read the new issues back, and store the keys of those that say which ticket they are."""
        try:
            issues = await self.client.fetch((issue.key for issue in answer.issues), properties=[PROPERTY])
        except Temporary:
            return set()  # whatever was created is found again by its label
        require_marks(issues)
        return await self._adopt(chunk, by_ticket(issues, self.target.session_id))

    async def _missing(self, chunk: Sequence[Outgoing]) -> list[Outgoing]:
        """Ask Jira for the issues of this session; adopt what is found, return what is not there."""
        found = await self.client.search_label(self.target.label)
        known = await self.ledger.known_issues()
        unknown = [issue.key for issue in found if issue.id not in known and issue.key not in known]
        issues = await self.client.fetch(unknown, properties=[PROPERTY])
        titles = {ticket.title for ticket in chunk}
        require_marks([issue for issue in issues if issue.fields.get("summary") in titles])
        adopted = await unbroken(self._adopt(chunk, by_ticket(issues, self.target.session_id)))
        missing = [ticket for ticket in chunk if ticket.ticket_id not in adopted]
        if missing:
            # Who may not see the project finds nothing in it, either.
            await require_access_to(self.client, self.target)
        return missing

    async def _adopt(self, chunk: Sequence[Outgoing], found: Mapping[str, Sequence[Issue]]) -> set[str]:
        """Store the keys of the tickets that were found; an issue with an older text gets the current one."""
        ours = {ticket.ticket_id: ticket for ticket in chunk if ticket.ticket_id in found}
        outdated = [
            ticket for ticket in ours.values() if hash_in(found[ticket.ticket_id][0]) != ticket.content_hash
        ]
        if outdated:
            await self.ledger.open_intents(outdated, again=True)
        for ticket in outdated:
            body = content_update(ticket, self.target)
            await self.client.update_issue(found[ticket.ticket_id][0].key, body)
        if ours:
            await self.ledger.created(list(ours.values()), found)
        return set(ours)

    # Waiting

    async def _wait_until_jira_must_know(self, chunk: Sequence[Outgoing]) -> None:
        assumed = self.settings.request_seconds + self.settings.index_seconds
        await asyncio.sleep(max(0.0, assumed - await self.ledger.seconds_since_intent(chunk)))
