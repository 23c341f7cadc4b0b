"""The values that a ticket is made of, from plan to what is sent."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from db.enums import EntityGroup, WrittenBy

Action = Literal["build", "extend", "change", "removal"]


class Frozen(BaseModel):
    """Base of the values below."""

    model_config = ConfigDict(frozen=True)


class Source(Frozen):
    """The records of one file that a ticket is made from."""

    file: str
    records: tuple[int, ...]


class ReferenceTable(Frozen):
    """Cells copied from the spec. A column equal in all rows may stand once above, in `constants`."""

    title: str
    constants: tuple[tuple[str, str], ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    records: tuple[int, ...] = Field(default=(), description="Record number of each row.")
    file: str = ""


class PlannedTicket(Frozen):
    """One ticket before anyone wrote a word: which rows, what kind, what it hangs on. JSON-safe: stored as it is."""

    key: str = Field(
        description="Stable identity over re-uploads, e.g. `content_type:academic_program:build`."
    )
    kind: str = Field(
        description="bundle, fields, view, workflow, image_style, responsive_style, view_modes, role, "
        "menu, migration, setting, custom"
    )
    action: Action = "build"
    entity_group: EntityGroup
    name: str = Field(description="The label people know the thing by, e.g. `Academic Program`.")
    subject: str = Field(description="What it is, e.g. `content type`.")
    sources: tuple[Source, ...]
    tables: tuple[ReferenceTable, ...]
    structural_criteria: tuple[str, ...] = Field(
        description="One per row, written by code; names machine names."
    )
    depends_on: tuple[str, ...] = Field(default=(), description="Keys of tickets that must be built first.")
    depends_on_names: tuple[str, ...] = Field(default=(), description="What people call them, in that order.")
    gave_way: tuple[str, ...] = Field(
        default=(),
        description="Keys that this ticket refers to as well, left out of `depends_on` to break a cycle.",
    )
    gave_way_names: tuple[str, ...] = Field(default=(), description="What people call those, in that order.")
    already_built: tuple[str, ...] = Field(default=(), description="Things of the spec that exist already.")
    not_built: tuple[str, ...] = Field(
        default=(),
        description="Things this ticket refers to that no ticket builds now, each with the reason.",
    )
    rows: tuple[dict[str, Any], ...] = Field(
        description="The rows under canonical names with csv_type, file, record, x and action: what a writer may use."
    )
    source_hash: str = Field(description="Hash of everything above that the text depends on.")


class Prose(Frozen):
    """What a writer writes."""

    title: str
    story: str
    criteria: tuple[str, ...]
    written_by: WrittenBy = WrittenBy.OFFLINE


class AttachmentFile(Frozen):
    """A Markdown file that carries what is too long for the description."""

    filename: str
    content: str


class Description(Frozen):
    """What is sent as the issue's description, and the file beside it when it would be too long."""

    adf: dict[str, Any]
    attachment: AttachmentFile | None = None
