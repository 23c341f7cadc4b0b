"""What people fill in to start something."""

from base64 import b64decode
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from db.enums import EntityGroup
from tasks.core.errors import UserFixable
from tasks.core.settings import SessionSettings

Requester = Annotated[str, Field(max_length=255, pattern=r"\S")]


class InlineFile(BaseModel):
    """A small file given with the request itself."""

    model_config = ConfigDict(frozen=True)

    filename: str = Field(
        min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$", description="e.g. `Bundles.csv`."
    )
    text: str = Field(default="", max_length=400_000, description="The text of a CSV file, as exported.")
    base64: str = Field(
        default="", max_length=400_000, description="Or any file, a workbook or a zip too, in base64."
    )

    @property
    def content(self) -> bytes:
        """The bytes of the file; raises UserFixable where they are not what they should be."""
        try:
            return (
                b64decode(self.base64, validate=True) if self.base64 else self.text.encode(errors="replace")
            )
        except ValueError as error:
            raise UserFixable(
                f"“{self.filename}” is not in base64.",
                actions=["Encode the file's bytes in base64, or give its text as `text`."],
                code="inline-file-damaged",
            ) from error


class CustomTab(BaseModel):
    """A tab of one's own whose rows belong to the rows of another tab."""

    model_config = ConfigDict(frozen=True)

    filename: str = Field(min_length=1, description="Its file, e.g. `Permissions.csv`.")
    parent: str = Field(description="The tab that its rows belong to, e.g. `User roles`.")
    column: str = Field(description="The column that names a row of that tab, e.g. `Role`.")

    @property
    def csv_type(self) -> str:
        """The declaration as the registry reads it."""
        return f"custom:{self.parent}:{self.column}"


class NewSession(BaseModel):
    """A new session: what site, and where its tickets go."""

    model_config = ConfigDict(frozen=True)

    site_name: str = Field(
        min_length=1, max_length=255, description="The site's name, as it stands in the tickets."
    )
    jira_project_key: str = Field(
        pattern=r"^[A-Z][A-Z0-9_]{1,9}$", description="Key of the Jira project, e.g. `LAKE`."
    )
    site_description: str = Field(
        default="", max_length=10_000, description="Context for whoever writes the text."
    )
    jira_block: str = Field(
        default="jira", description="Name of the Jira block; it holds the address and the login."
    )
    settings: SessionSettings = Field(
        default=SessionSettings(), description="Scope, granularity, budget, Jira fields."
    )


class Rewrite(BaseModel):
    """Which tickets to write anew, and how."""

    model_config = ConfigDict(frozen=True)

    instruction: str = Field(
        default="",
        max_length=4000,
        description="What to do differently, in a sentence or two; a model follows it, the offline writer cannot.",
    )
    tickets: tuple[UUID, ...] = Field(
        default=(), description="Ids of single tickets; leave empty for the whole group, or for all."
    )
    group: EntityGroup | None = Field(default=None, description="Only the tickets of this group.")
    replace_edits: bool = Field(
        default=False, description="Switch on to have also those parts rewritten that a person changed."
    )
