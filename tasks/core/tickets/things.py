"""The things a spec speaks of: a bundle with its fields, a view with its displays, a family of image styles.

Every filled row belongs to exactly one thing. A row of a tab that has a parent tab belongs to what it names there;
where that is nowhere in the spec, the name alone makes the thing.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from db.enums import EntityGroup
from tasks.core.settings import RowAction, SessionSettings
from tasks.core.spec.families import family_label, family_machine_name
from tasks.core.spec.model import Row, Spec
from tasks.core.spec.names import kind_key, label_key, split_typed
from tasks.core.spec.references import References
from tasks.core.spec.registry import TAB_TYPES, granularity_of, tab_type
from tasks.core.spec.tab_type import Granularity, TabType
from tasks.core.tickets.facts import fact, label
from tasks.core.tickets.hashing import digest
from tasks.core.tickets.wording import clause, visible

_PLACE_OF_TAB = {tab.name: (tab.parent is not None, -at) for at, tab in enumerate(TAB_TYPES)}
_OWN_TAB = (True, -len(TAB_TYPES))  # a tab that a person declared comes last
_STRENGTH = (
    RowAction.BUILD,
    RowAction.CHANGE,
    RowAction.BUILT,
    RowAction.HOLD,
    RowAction.REMOVE,
    RowAction.SKIP,
)
_LONGEST_SLUG = 60
Identity = tuple[str, ...]


@dataclass(slots=True)
class Thing:
    """One thing, by the rows that define it (none when the spec only refers to it) and those that belong to it."""

    identity: Identity
    csv_type: str  # the tab that defines such things
    name: str
    subject: str
    slug: str
    group: EntityGroup
    mains: list[Row] = field(default_factory=list)
    children: list[Row] = field(default_factory=list)

    @property
    def state(self) -> RowAction | None:
        """What is done with the thing itself; of two rows with one key the one that does more counts."""
        return min((row.action for row in self.mains), key=_STRENGTH.index, default=None)

    @property
    def is_family(self) -> bool:
        """Whether several rows are variants of this one thing."""
        return self.identity[0] == "family"

    @property
    def has_built_mains(self) -> bool:
        """Whether some of what defines it exists already."""
        return any(row.action is RowAction.BUILT for row in self.mains)

    @property
    def called(self) -> str:
        """How other tickets speak of it."""
        return f"{self.name} ({self.subject})"


class Things:
    """All things of a spec, and which thing each row belongs to."""

    def __init__(self, spec: Spec, settings: SessionSettings, references: References) -> None:
        self._settings = settings
        self._references = references
        self._by_identity: dict[Identity, Thing] = {}
        self.of_row: dict[tuple[str, int], Thing] = {}
        for row in in_reading_order(row for table in spec.tables for row in table.rows):
            self._place(row)

    def __iter__(self) -> Iterator[Thing]:
        return iter(self._by_identity.values())

    def _place(self, row: Row) -> None:
        tab = tab_type(row.csv_type)
        thing = self._parent(row, tab) if tab.parent else self._defined_by(row, tab)
        (thing.children if tab.parent else thing.mains).append(row)
        self.of_row[row.place] = thing

    def _parent(self, row: Row, tab: TabType) -> Thing:
        parent = self._references.parent(row)
        return self.of_row[parent.place] if parent else self._only_named(row, tab)

    def _defined_by(self, row: Row, tab: TabType) -> Thing:
        per_row = granularity_of(tab.name, self._settings.granularity) is Granularity.ROW
        identity = _family(row) if tab.name == "image_styles" and not per_row else _own(row, tab)
        if identity not in self._by_identity:
            self._by_identity[identity] = _thing(row, tab, identity)
        return self._by_identity[identity]

    def _only_named(self, row: Row, tab: TabType) -> Thing:
        """A thing that rows belong to and no row defines."""
        parent = tab_type(tab.parent or tab.name)
        named = next((row[column] for column in _parent_columns(tab) if row[column]), "")
        name, kind = _split(named, row) if parent.name == "bundles" else (named, "")
        identity = ("named", parent.name, label_key(name), kind_key(kind))
        if identity not in self._by_identity:
            subject = clause(kind).lower() or parent.subject
            name = visible(name) or f"unnamed {parent.subject}"
            slug = f"{slugged(subject)}:{slugged(name)}"
            thing = Thing(identity, parent.name, name, subject, slug, _group(parent, kind))
            self._by_identity[identity] = thing
        return self._by_identity[identity]


def in_reading_order(rows: Iterable[Row]) -> list[Row]:
    """What defines things before what belongs to them, then as in the files."""
    return sorted(rows, key=lambda row: (_PLACE_OF_TAB.get(row.csv_type, _OWN_TAB), row.file, row.record))


def slugged(text: str) -> str:
    """A part of a ticket's key: plain letters, never long, different for different texts."""
    plain = re.sub(r"[^a-z0-9]+", "_", text.casefold()).strip("_")
    if plain and len(plain) <= _LONGEST_SLUG and text.isascii():
        return plain
    return f"{plain[:_LONGEST_SLUG]}-{digest(visible(text))[:8]}".lstrip("-")


def _thing(row: Row, tab: TabType, identity: Identity) -> Thing:
    kind = row[tab.kind_column] if tab.kind_column else ""
    subject = (clause(kind).lower() if tab.name == "bundles" else "") or tab.subject
    name, machine_name = visible(row[tab.label]) or label(fact(row)), row["machine_name"]
    if identity[0] == "family":
        name, machine_name = family_label(name), family_machine_name(machine_name)
    slug = f"{slugged(subject)}:{slugged(machine_name or name)}"
    return Thing(identity, tab.name, name, subject, slug, _group(tab, kind))


def _own(row: Row, tab: TabType) -> Identity:
    """What makes a row the same thing as another: its key, else its name, else nothing."""
    key = [row[column] for column in tab.key]
    if key and all(key):
        return ("key", tab.name, *map(label_key, key))
    name = label_key(row[tab.label])
    if key and name:
        return (
            "label",
            tab.name,
            *(label_key(row[column]) for column in filter(None, [tab.qualifier])),
            name,
        )
    return ("place", tab.name, row.file, str(row.record))


def _family(row: Row) -> Identity:
    family = family_machine_name(row["machine_name"]) or family_label(row["style_name"])
    return ("family", row.csv_type, label_key(family))


def _parent_columns(tab: TabType) -> list[str]:
    """The column that names the parent, and the one that would hold its machine name."""
    column = next(reference.column for reference in tab.references if reference.parent)
    return [column, *(lookup.column for lookup in tab.lookups if lookup.reference == column)]


def _split(named: str, row: Row) -> tuple[str, str]:
    """`Article (Content type)` as its name and its kind, in the sheet's words; older sheets have a column for it."""
    name, kind = split_typed(named)
    return (name, named.strip()[len(name) :].strip(" ()")) if kind else (name, row["type"])


def _group(tab: TabType, kind: str) -> EntityGroup:
    return EntityGroup.MEDIA if tab.kind_column and kind_key(kind) == "media" else tab.group
