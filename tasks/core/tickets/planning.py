"""From rows to tickets: which rows make which ticket, in what order, and which rows have to wait."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from db.enums import ErrorSeverity
from tasks.core.findings import Finding
from tasks.core.settings import SessionSettings
from tasks.core.spec.model import Held, Spec
from tasks.core.spec.references import resolve
from tasks.core.spec.registry import check_granularity, tab_type
from tasks.core.tickets import structural
from tasks.core.tickets.drafts import Draft, Drafts
from tasks.core.tickets.facts import fact
from tasks.core.tickets.hashing import digest
from tasks.core.tickets.model import PlannedTicket
from tasks.core.tickets.ordering import natural_place, order
from tasks.core.tickets.relations import Web
from tasks.core.tickets.tables import reference_tables, sources
from tasks.core.tickets.things import Things, in_reading_order
from tasks.core.tickets.wording import counted, visible

_WHERE = frozenset({"file", "record", "x"})


@dataclass(frozen=True, slots=True)
class Plan:
    """The tickets in their natural order, all rows without a ticket, and what planning noticed."""

    tickets: tuple[PlannedTicket, ...]
    held: tuple[Held, ...]
    findings: tuple[Finding, ...] = ()


def plan_tickets(spec: Spec, settings: SessionSettings) -> Plan:
    """The tickets of a spec: every row in scope is in exactly one of them, or held with a reason."""
    check_granularity(settings.granularity)
    references = resolve(spec)
    things = Things(spec, settings, references)
    drafts = Drafts(things, settings)
    planned = _Planned(drafts, Web(drafts, things, references))
    held = sorted({*spec.held, *drafts.waiting}, key=lambda one: (one.file, one.record))
    return Plan(planned.tickets, tuple(held), (*_waiting(drafts.waiting), *planned.findings))


def _waiting(rows: Sequence[Held]) -> Iterator[Finding]:
    """Rows in scope that no ticket takes, one finding for each file and reason."""
    places: dict[tuple[str, str], list[int]] = {}
    for row in rows:
        places.setdefault((row.file, row.reason), []).append(row.record)
    for (file, reason), records in places.items():
        yield Finding(
            code="row-waits",
            severity=ErrorSeverity.INFO,
            message=f"{counted(len(records), 'row')} in scope {'gets' if len(records) == 1 else 'get'} no ticket: "
            f"{'it' if len(records) == 1 else 'each'} {reason}.",
            file=file,
            records=tuple(records),
            actions=("Set the X of what it belongs to, or of the row, so that both agree.",),
        )


class _Planned:
    """Drafts as tickets: keyed, related, ordered."""

    def __init__(self, drafts: Iterable[Draft], web: Web) -> None:
        self._web = web
        self._drafts = sorted(drafts, key=_place)
        self._key_of = _keys(self._drafts)
        self._reasons = {
            (self._key_of[id(draft)], self._key_of[needed]): rows
            for draft in self._drafts
            for needed, rows in web[draft].needs.items()
        }
        self._called = {self._key_of[id(draft)]: visible(draft.called) for draft in self._drafts}
        self._tickets = {self._key_of[id(draft)]: self._ticket(draft) for draft in self._drafts}
        self._order = order(self._tickets.values())
        self._gave_way: dict[str, list[str]] = {}
        for key, to in self._order.given_way:
            self._gave_way.setdefault(key, []).append(to)
        self.tickets = tuple(map(self._settled, sorted(self._tickets.values(), key=natural_place)))
        self.findings = tuple(self._cycle(*edge) for edge in self._order.given_way)

    def _ticket(self, draft: Draft) -> PlannedTicket:
        rows, relations = in_reading_order(draft.rows), self._web[draft]
        facts = tuple(map(fact, rows))
        return PlannedTicket(
            key=self._key_of[id(draft)],
            kind=tab_type(rows[0].csv_type).kind,
            action=draft.action,
            entity_group=draft.group,
            name=draft.name,
            subject=draft.subject,
            sources=sources(rows),
            tables=reference_tables(rows),
            structural_criteria=structural.criteria(facts),
            depends_on=tuple(self._key_of[needed] for needed in relations.needs),
            already_built=tuple(map(visible, relations.already_built)),
            not_built=tuple(map(visible, relations.not_built)),
            rows=facts,
            source_hash="",
        )

    def _settled(self, ticket: PlannedTicket) -> PlannedTicket:
        """The ticket with the dependencies that hold, those that gave way, and its hash."""
        gave_way = tuple(self._gave_way.get(ticket.key, ()))
        depends_on = self._order.depends_on[ticket.key]
        settled = ticket.model_copy(
            update={
                "depends_on": depends_on,
                "depends_on_names": tuple(self._called[key] for key in depends_on),
                "gave_way": gave_way,
                "gave_way_names": tuple(self._called[key] for key in gave_way),
            }
        )
        return settled.model_copy(update={"source_hash": source_hash(settled)})

    def _cycle(self, key: str, to: str) -> Finding:
        rows = self._reasons[key, to]
        return Finding(
            code="cycle-broken",
            severity=ErrorSeverity.INFO,
            message=f"{self._called[key]} refers to {self._called[to]}, which refers back: it does not wait for it.",
            file=rows[0].file,
            records=tuple(row.record for row in rows if row.file == rows[0].file),
            actions=("Nothing has to be done; in review the order can be changed.",),
        )


def source_hash(ticket: PlannedTicket) -> str:
    """Hash of what the text depends on: not of where in which file it stands, for that changes with every new row."""
    content = ticket.model_dump(
        mode="json", exclude={"key", "sources", "source_hash", "depends_on", "gave_way"}
    )
    for table in content["tables"]:
        del table["title"], table["file"], table["records"]
    content["rows"] = [
        {name: cell for name, cell in row.items() if name not in _WHERE} for row in ticket.rows
    ]
    return digest(content)


def _place(draft: Draft) -> tuple[str, int]:
    return min(row.place for row in draft.rows)


def _keys(drafts: Sequence[Draft]) -> dict[int, str]:
    """A key per draft, by its id; of several with one key the later ones are numbered."""
    taken: Counter[str] = Counter()
    keys: dict[int, str] = {}
    for draft in drafts:
        key = f"{draft.slug}:{draft.action}"
        taken[key] += 1
        keys[id(draft)] = key if taken[key] == 1 else f"{key}~{taken[key]}"
    return keys
