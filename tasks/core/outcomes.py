"""What a stage hands on: ids and counts, never content."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from db.enums import SessionStage


class StageRun(BaseModel):
    """The run of one stage that a flow passes to its tasks: for whom, by whom, and the fence."""

    model_config = ConfigDict(frozen=True)

    session_id: UUID
    site_name: str
    stage: SessionStage = Field(description="Where the session stood when the run began.")
    requested_by: str
    flow_run_id: str
    attempt: int | None = Field(
        default=None, description="The fence of a background run; None for other flows."
    )


class StageOutcome(BaseModel):
    """The result of one stage: what a person reads and what a script counts."""

    model_config = ConfigDict(frozen=True)

    session_id: UUID
    stage: SessionStage = Field(description="Where the session stands now.")
    message: str
    counts: dict[str, int] = Field(default_factory=dict)


class TicketsWritten(BaseModel):
    """What became of the planned tickets of a session."""

    model_config = ConfigDict(frozen=True)

    tickets: int
    attachments: int
    given_way: int = Field(description="Dependencies that gave way to break a cycle.")


class ValidationSummary(BaseModel):
    """The outcome of one ADF validation."""

    model_config = ConfigDict(frozen=True)

    tickets: int
    failed: int

    @property
    def passed(self) -> bool:
        """Whether every ticket may be sent."""
        return self.failed == 0
