"""Faults that strike single calls: chosen by method and path, by rate or by count, the same for the same seed."""

import random
import re
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

Kind = Literal["status", "drop", "lost", "garbled", "cut", "late", "slow", "slow_answer", "partial"]


class Fault(BaseModel):
    """One rule. The first rule that matches a call and comes up strikes it; the others do not see it.

    | kind | the call takes effect | the caller gets |
    |---|---|---|
    | status | no | `status`, with Retry-After when `retry_after` is set |
    | drop | no | a dropped connection |
    | lost | yes | a dropped connection, or `status` |
    | garbled | yes | the right status with a body that is not JSON |
    | cut | yes | half of the body, then a dropped connection |
    | late | after `seconds` | at once a dropped connection, or `status` |
    | slow | after `seconds` | the answer then |
    | slow_answer | yes | the answer after `seconds` |
    | partial | for the elements of a bulk call that do not fail | the answer with the failed elements |
    """

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    method: str = Field("", description="HTTP method; empty: all")
    path: str = Field("", description="Regular expression searched in the path; empty: all")
    rate: float = Field(1.0, ge=0, le=1, description="Share of the matching calls that it strikes")
    skip: int = Field(0, ge=0, description="Matching calls that pass first")
    times: int | None = Field(None, ge=0, description="Strikes until it is used up; none: no end")
    seed: int = 0
    status: int | None = Field(None, ge=400, le=599)
    retry_after: int | None = Field(None, ge=0, description="Seconds in Retry-After; none: no such header")
    reason: str = Field("jira-burst-based", description="RateLimit-Reason of a 429 that carries Retry-After")
    message: str = "Injected by the sandbox."
    seconds: float = Field(0.0, ge=0)
    least: float | None = Field(
        None, ge=0, description="When set, the delay is drawn between this and `seconds`"
    )
    elements: list[int] = Field([], description="partial: indices that fail; empty: each by `share`")
    share: float = Field(0.5, ge=0, le=1, description="partial: share of the elements that fail")
    field: str = Field("", description="partial: the field that the error names; empty: no field")

    @field_validator("path")
    @classmethod
    def _compiles(cls, path: str) -> str:
        try:
            re.compile(path)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
        return path


@dataclass
class Rule:
    """A fault with what it has seen so far."""

    id: int
    fault: Fault
    random: random.Random
    seen: int = 0
    struck: int = 0

    def strikes(self, method: str, path: str) -> bool:
        """Whether this call is hit; counts it."""
        fault = self.fault
        if fault.method not in ("", method) or not re.search(fault.path, path):
            return False
        self.seen += 1
        used_up = fault.times is not None and self.struck >= fault.times
        if used_up or self.seen <= fault.skip or self.random.random() >= fault.rate:
            return False
        self.struck += 1
        return True

    def delay(self) -> float:
        """Seconds of a late or slow call."""
        fault = self.fault
        return fault.seconds if fault.least is None else self.random.uniform(fault.least, fault.seconds)

    def failing(self, count: int) -> set[int]:
        """Which elements of a bulk call fail."""
        if self.fault.elements:
            return set(self.fault.elements)
        return {n for n in range(count) if self.random.random() < self.fault.share}

    def as_json(self) -> dict[str, Any]:
        """The rule for the control API."""
        return {"id": self.id, "seen": self.seen, "struck": self.struck} | self.fault.model_dump()


class Faults:
    """The rules in force, in the order of their making."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self.last = 0

    def add(self, fault: Fault) -> Rule:
        """Put a rule in force."""
        self.last += 1
        rule = Rule(self.last, fault, random.Random(fault.seed))  # noqa: S311 -- must be repeatable
        self.rules.append(rule)
        return rule

    def remove(self, ident: int) -> bool:
        """End a rule; says whether it was there."""
        before = len(self.rules)
        self.rules = [rule for rule in self.rules if rule.id != ident]
        return len(self.rules) < before

    def clear(self) -> None:
        """End all rules."""
        self.rules = []

    def strike(self, method: str, path: str) -> Rule | None:
        """The rule that hits this call, if any."""
        return next((rule for rule in self.rules if rule.strikes(method, path)), None)
