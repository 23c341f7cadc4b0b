"""Switches of a running sandbox: what the site is like. Faults, which strike single calls, are in faults.py."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Settings(BaseModel):
    """Everything that `/_sandbox/settings` can change while the sandbox runs."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    seed: int = Field(0, description="Decides which issues lag when only a share of them does")
    latency: float = Field(0.0, ge=0, description="Seconds that every REST call takes at least")
    search_lag: float = Field(0.0, ge=0, description="Seconds until a write can be found by search")
    search_lag_share: float = Field(
        1.0, ge=0, le=1, description="Share of writes that lag; the others are found at once"
    )
    search_lag_spread: bool = Field(False, description="Each write lags a part of `search_lag` of its own")
    search_page_size: int = Field(100, ge=1, le=5000, description="Largest page when fields are asked for")
    refuse_anonymous: bool = Field(
        True, description="Wrong credentials are 401; otherwise they see an empty site"
    )
    missing_fields: list[str] = Field([], description="Field ids that are not on the create and edit screens")
    required_fields: list[str] = Field(
        [], description="Field ids that the create screen requires besides its own"
    )
    revoked_permissions: list[str] = Field([], description="Permission keys that nobody has")
    revoked_logins: list[str] = Field([], description="E-mail addresses whose tokens no longer work")
    hidden_projects: list[str] = Field([], description="Project keys that look as if they did not exist")
    unassignable: list[str] = Field([], description="Account ids that can no longer be assigned")
    description_counts: list[Literal["text", "json"]] = Field(
        ["text"], description="What counts against the description limit: its text, its compact JSON, or both"
    )
    description_limit: int = Field(32_767, ge=1)
    attachments_enabled: bool = True
    upload_limit: int = Field(1_000_000_000, ge=1, description="Bytes per attachment")
    attachments_per_issue: int = Field(2_000, ge=0)
    links_per_issue: int = Field(2_000, ge=0)
    access_token_seconds: int = Field(3600, ge=0, description="Life of an OAuth access token")
    refresh_leeway_seconds: float = Field(
        600, ge=0, description="How long a refresh token that was replaced still works"
    )
    rate_limits: bool = Field(True, description="Enforce the burst limits and the per-issue write limits")
