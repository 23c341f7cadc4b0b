"""What a background run shows to prove that it still holds its session."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fence:
    """The flow run and its attempt; a newer attempt of the same run makes this one void."""

    task_id: str
    attempt: int
