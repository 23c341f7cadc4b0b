"""What people fill in to start something."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from db.enums import EntityGroup
from tasks.core.settings import SessionSettings


class InlineFile(BaseModel):
    """A small file given with the request itself."""

    model_config = ConfigDict(frozen=True)

    filename: str = Field(min_length=1, max_length=255, description="e.g. `Bundles.csv`.")
    text: str = Field(max_length=400_000, description="The file's text, as exported.")


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
