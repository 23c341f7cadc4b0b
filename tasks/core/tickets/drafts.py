"""Which rows make one ticket: things become drafts by what is done with them and by the session's granularity."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from db.enums import EntityGroup
from tasks.core.settings import RowAction, SessionSettings
from tasks.core.spec.model import Held, Row
from tasks.core.spec.names import label_key
from tasks.core.spec.registry import granularity_of, tab_type
from tasks.core.spec.tab_type import Granularity
from tasks.core.tickets.facts import fact, label
from tasks.core.tickets.model import Action
from tasks.core.tickets.things import Thing, Things, slugged
from tasks.core.tickets.wording import visible

_ACTIONS: dict[RowAction, Action] = {
    RowAction.BUILD: "build",
    RowAction.CHANGE: "change",
    RowAction.REMOVE: "removal",
}
_EXISTS = frozenset({RowAction.BUILT, RowAction.CHANGE})
_GOES_AWAY = frozenset({RowAction.REMOVE, RowAction.SKIP})
Unit = tuple[str, ...]


@dataclass(slots=True)
class Draft:
    """The rows of one ticket to be, and how people call what they are about."""

    action: Action
    name: str
    subject: str
    slug: str
    group: EntityGroup
    rows: list[Row] = field(default_factory=list)

    @property
    def called(self) -> str:
        """How other tickets speak of it."""
        done = {"build": "", "extend": ", extended", "change": ", changed", "removal": ", removed"}[
            self.action
        ]
        return f"{self.name} ({self.subject}){done}"


class Drafts:
    """All drafts of a spec, in reading order, and the rows that wait with the thing they belong to."""

    def __init__(self, things: Things, settings: SessionSettings) -> None:
        self._settings = settings
        self._drafts: dict[Unit, Draft] = {}
        self.of_row: dict[tuple[str, int], Draft] = {}
        self.waiting: list[Held] = []
        for thing in things:
            for row in thing.mains:
                self._take_main(thing, row)
            for row in thing.children:
                self._take_child(thing, row)

    def __iter__(self) -> Iterator[Draft]:
        return iter(self._drafts.values())

    def _take_main(self, thing: Thing, row: Row) -> None:
        if action := _ACTIONS.get(row.action):
            extends = action == "build" and thing.is_family and thing.has_built_mains
            self._add(row, self._whole(thing, "extend" if extends else action))

    def _take_child(self, thing: Thing, row: Row) -> None:
        if row.action not in _ACTIONS:
            return
        if reason := _waits(thing, row):
            self.waiting.append(Held(row.file, row.record, row.x, reason))
            return
        action = _child_action(thing, row)
        how = granularity_of(row.csv_type, self._settings.granularity)
        if how is Granularity.ROW:
            draft = self._apart(thing, action, f":{_slug_of_row(row)}", (row.file, str(row.record)))
        elif how is Granularity.APART:
            draft = self._apart(thing, action, f":{row.csv_type}", (row.csv_type,))
        elif thing.state in (row.action, None):
            draft = self._whole(thing, action)
        else:
            draft = self._apart(thing, action, "", ())
        self._add(row, draft)

    def _add(self, row: Row, draft: Draft) -> None:
        draft.rows.append(row)
        self.of_row[row.place] = draft

    def _whole(self, thing: Thing, action: Action) -> Draft:
        """The ticket of the thing itself, or of the group that the session puts it into."""
        if thing.mains and _is_grouped(thing, self._settings):
            return self._group(thing, action)
        fresh = Draft(action, thing.name, thing.subject, thing.slug, thing.group)
        return self._drafts.setdefault((*thing.identity, "whole", action), fresh)

    def _group(self, thing: Thing, action: Action) -> Draft:
        tab = tab_type(thing.csv_type)
        values = [thing.mains[0][column] for column in tab.group_by]
        name = visible(" ".join(values)) or tab.title
        subject = "entity type" if tab.name == "view_modes" else tab.subject
        slug = ":".join(slugged(part) for part in (tab.name, *values) if part)
        fresh = Draft(action, name, subject, slug, thing.group)
        return self._drafts.setdefault(("group", tab.name, *map(label_key, values), action), fresh)

    def _apart(self, thing: Thing, action: Action, part: str, unit: Unit) -> Draft:
        """A ticket of some of what belongs to a thing, beside the ticket of the thing."""
        fresh = Draft(action, thing.name, thing.subject, thing.slug + part, thing.group)
        return self._drafts.setdefault((*thing.identity, "part", *unit, action), fresh)


def _is_grouped(thing: Thing, settings: SessionSettings) -> bool:
    grouped = granularity_of(thing.csv_type, settings.granularity) is Granularity.GROUP
    return grouped and not thing.is_family  # which is a group already


def _waits(thing: Thing, row: Row) -> str:
    """Why a row that is in scope gets no ticket: the thing it belongs to is not there to take it."""
    called = f"the {thing.subject} “{thing.name}”"
    if thing.state is RowAction.HOLD:
        return f"waits with {called}, which is on hold"
    if thing.state in _GOES_AWAY and row.action is not RowAction.REMOVE:
        return f"belongs to {called}, which is marked to be deleted"
    return ""


def _child_action(thing: Thing, row: Row) -> Action:
    if row.action is RowAction.BUILD and thing.state in _EXISTS:
        return "extend"
    return _ACTIONS[row.action]


def _slug_of_row(row: Row) -> str:
    return slugged(row["machine_name"] or label(fact(row)))
