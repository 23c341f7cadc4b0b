"""What the registry says about one kind of tab."""

from dataclasses import dataclass
from enum import StrEnum

from db.enums import EntityGroup
from tasks.core.spec.names import header_key


class Granularity(StrEnum):
    """How the rows of a tab become tickets."""

    ROW = "row"  # one ticket per row
    GROUP = "group"  # one ticket per group of rows
    WITH_PARENT = "with_parent"  # in the ticket of the thing they belong to
    APART = "apart"  # one ticket of their own beside that of the thing they belong to


@dataclass(frozen=True, slots=True)
class Column:
    """A column under the name of the registry, and all names that templates gave it, as header keys.

    The first two are what it is usually called: where two headers mean one column, they win.
    """

    name: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """Cells of `column` name rows of the tab `target`; the cell in `beside` says which of several with one name."""

    column: str
    target: str
    many: bool = False
    beside: str | None = None
    family: bool = False  # names a family of image styles, not one style
    parent: bool = False  # the row belongs to what it names


@dataclass(frozen=True, slots=True)
class Lookup:
    """A machine-name column that the sheet fills by formula from the label beside it."""

    column: str
    reference: str


@dataclass(frozen=True, slots=True)
class TabType:
    """Everything the product knows about one kind of tab."""

    name: str
    title: str  # what people call the tab
    subject: str  # what one row is
    columns: tuple[Column, ...]
    label: str  # canonical column of the name people know a row by
    key: tuple[str, ...]
    needs: tuple[tuple[str, ...], ...]  # of each group at least one column must be there
    telling: frozenset[str] = frozenset()  # columns that hardly any other tab has
    file_words: tuple[str, ...] = ()
    of_core: frozenset[str] = frozenset()  # machine names that a Drupal site has from the start
    free_form: bool = False  # may have any header
    group: EntityGroup = EntityGroup.CUSTOM
    kind: str = "custom"  # of a ticket that begins with such a row: which text it gets
    kind_column: str | None = None  # says what kind of bundle a row is about
    qualifier: str | None = None  # the column that tells rows of one name apart
    references: tuple[Reference, ...] = ()
    lookups: tuple[Lookup, ...] = ()
    granularity: Granularity = Granularity.ROW
    switches: tuple[Granularity, ...] = (Granularity.ROW, Granularity.GROUP)
    group_by: tuple[str, ...] = ()
    machine_name: str = "a-z0-9_"  # the characters that Drupal allows
    machine_name_length: int | None = None

    @property
    def parent(self) -> str | None:
        """The tab type that rows belong to."""
        return next((reference.target for reference in self.references if reference.parent), None)

    def column(self, name: str) -> Column:
        """The column of that canonical name."""
        return next(column for column in self.columns if column.name == name)


def named_column(name: str, *names: str) -> Column:
    """A column and all the names that templates gave it, the usual ones first."""
    keys = dict.fromkeys(header_key(text) for text in (name.replace("_", " "), *names))
    return Column(name, tuple(keys))
