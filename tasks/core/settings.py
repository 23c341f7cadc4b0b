"""What a person can set for one session; stored as `sessions.settings`."""

from decimal import Decimal
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from db.enums import AuditLevel


class RowAction(StrEnum):
    """What is done with a row of the spec."""

    BUILD = "build"
    CHANGE = "change"
    REMOVE = "remove"
    HOLD = "hold"
    BUILT = "built"
    SKIP = "skip"


DEFAULT_SCOPE = {
    "a": RowAction.BUILD,
    "w": RowAction.HOLD,
    "x": RowAction.BUILT,
    "c": RowAction.CHANGE,
    "d": RowAction.SKIP,
}


class Limits(BaseModel):
    """How much a session may upload."""

    model_config = ConfigDict(frozen=True)

    files: int = Field(default=40, ge=1, description="How many files at most; a workbook is one file.")
    file_bytes: int = Field(default=2_000_000, ge=1, description="Bytes of one file after unpacking.")
    total_bytes: int = Field(default=50_000_000, ge=1, description="Bytes of all files together.")


class JiraSettings(BaseModel):
    """How the issues of a session look in Jira."""

    model_config = ConfigDict(frozen=True)

    issue_type: str = "Task"
    labels: tuple[str, ...] = ()
    parent_key: str | None = Field(default=None, description="Epic or parent issue of all tickets.")
    components: tuple[str, ...] = ()
    link_type: str = "Blocks"
    in_flight: int = Field(default=8, ge=1, le=32, description="Requests to Jira at the same time.")
    request_seconds: float = Field(
        default=60, gt=0, description="A request that was sent takes effect within this time (T_request)."
    )
    index_seconds: float = Field(
        default=120, ge=0, description="A created issue can be found by search within this time (T_index)."
    )

    @property
    def search_again_seconds(self) -> float:
        """When to look once more for a second issue after an unknown outcome: long after the assumed times."""
        return 10 * (self.request_seconds + self.index_seconds)


class Language(StrEnum):
    """The language that a model writes tickets in; the offline writer knows English only."""

    ENGLISH = "en"
    GERMAN = "de"
    FRENCH = "fr"
    SPANISH = "es"
    DUTCH = "nl"


class OnBudget(StrEnum):
    """What becomes of the tickets that are left when the budget is reached."""

    OFFLINE = "offline"
    STOP = "stop"


class CriteriaFormat(StrEnum):
    """How success criteria read."""

    STATEMENTS = "statements"
    GIVEN_WHEN_THEN = "given_when_then"


class WritingSettings(BaseModel):
    """Who writes the tickets of a session, and the house style of their text."""

    model_config = ConfigDict(frozen=True)

    provider: Literal["auto", "offline", "anthropic", "openai"] = Field(
        default="auto",
        description="`auto` takes a model where there is a key for one. Fixed once processing has begun.",
    )
    model: str = Field(default="", max_length=100, description="Empty: the model of the provider's block.")
    on_budget: OnBudget = Field(
        default=OnBudget.OFFLINE, description="Reaching the budget: write the rest offline, or stop."
    )
    language: Language = Field(
        default=Language.ENGLISH,
        description="The language a model writes the tickets in; the offline writer knows English only.",
    )
    criteria_format: CriteriaFormat = Field(
        default=CriteriaFormat.STATEMENTS, description="How success criteria read."
    )
    voice: str = Field(
        default="", max_length=500, description="Whose voice the stories speak in, e.g. `marketing editors`."
    )
    glossary: dict[str, str] = Field(
        default_factory=dict,
        description="Words of the house and what they mean, for whoever writes the text.",
    )
    instruction: str = Field(
        default="", max_length=2_000, description="Anything else the writer shall keep to."
    )


class SessionSettings(BaseModel):
    """Scope, granularity, budget, audit level and Jira fields of one session."""

    model_config = ConfigDict(frozen=True)

    scope: dict[str, RowAction] = Field(
        default_factory=lambda: dict(DEFAULT_SCOPE),
        description="What each code of the X column means; `remove` makes removal tickets.",
    )
    granularity: dict[str, str] = Field(
        default_factory=dict,
        description="Per tab type, how rows become tickets, where it differs from the registry's rule.",
    )
    budget_usd: Decimal = Field(default=Decimal(5), ge=0, description="What the model may cost at most.")
    audit_level: AuditLevel = AuditLevel.BASIC
    limits: Limits = Limits()
    jira: JiraSettings = JiraSettings()
    writing: WritingSettings = WritingSettings()
