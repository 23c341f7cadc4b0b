"""What tickets hang on: who must be built first, what exists already, and what is referred to in vain."""

from dataclasses import dataclass, field

from tasks.core.settings import RowAction
from tasks.core.spec.model import Row
from tasks.core.spec.references import References
from tasks.core.spec.registry import tab_type
from tasks.core.tickets.drafts import Draft, Drafts
from tasks.core.tickets.facts import fact, label
from tasks.core.tickets.things import Thing, Things

_WHY_NOT = {RowAction.SKIP: "marked to be deleted", RowAction.REMOVE: "removed by another ticket"}


@dataclass(slots=True)
class Relations:
    """One draft's relations, each in the order of the rows that say so."""

    needs: dict[int, list[Row]] = field(default_factory=dict)  # by the id of the other draft
    already_built: dict[str, None] = field(default_factory=dict)
    not_built: dict[str, None] = field(default_factory=dict)


class Web:
    """The relations of all drafts."""

    def __init__(self, drafts: Drafts, things: Things, references: References) -> None:
        self._drafts, self._things = drafts, things
        self._of = {id(draft): Relations() for draft in drafts}
        for draft in drafts:
            for row in draft.rows:
                for target in references.of(row):
                    self._relate(draft, row, target)
        for thing in things:
            self._name_built_parts(thing)

    def __getitem__(self, draft: Draft) -> Relations:
        return self._of[id(draft)]

    def _relate(self, draft: Draft, row: Row, target: Row) -> None:
        other = self._drafts.of_row.get(target.place)
        removed = other is not None and other.action == "removal"
        if other is draft:
            return
        if draft.action == "removal":
            if other is not None and removed:  # what refers to a thing goes before the thing itself
                self[other].needs.setdefault(id(draft), []).append(row)
        elif other is not None and not removed:
            self[draft].needs.setdefault(id(other), []).append(row)
        else:
            self._name(self[draft], target)

    def _name(self, relations: Relations, target: Row) -> None:
        belongs = tab_type(target.csv_type).parent is not None
        called = _part(target) if belongs else self._things.of_row[target.place].called
        if target.action is RowAction.BUILT:
            relations.already_built[called] = None
        else:
            relations.not_built[f"{called}: {_WHY_NOT.get(target.action, 'on hold')}"] = None

    def _name_built_parts(self, thing: Thing) -> None:
        """What belongs to a thing and exists already is named in the ticket that builds the rest of it."""
        parts = [*(thing.mains if thing.is_family else ()), *thing.children]
        built = dict.fromkeys(_part(row) for row in parts if row.action is RowAction.BUILT)
        whole = next(filter(None, (self._drafts.of_row.get(row.place) for row in thing.mains)), None)
        if built and whole is not None and whole.action in {"build", "extend"}:
            self[whole].already_built.update(built)


def _part(row: Row) -> str:
    return f"{label(fact(row))} ({tab_type(row.csv_type).subject})"
