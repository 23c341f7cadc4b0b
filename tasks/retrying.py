"""When a task is tried again: only for outages. A person's mistake does not go away by waiting."""

from typing import Any, TypedDict

from prefect import Task
from prefect.cache_policies import NO_CACHE, CachePolicy
from prefect.client.schemas.objects import State, TaskRun

from tasks.core.errors import Temporary
from tasks.failures import as_product_error


async def is_temporary(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Whether the task failed for an outage; must be async and await the result, or Prefect never retries."""
    try:
        await state.result()
    except Exception as error:
        return isinstance(as_product_error(error), Temporary)
    return False


class TaskOptions(TypedDict):
    """The options that every task of ours shares."""

    retries: int
    retry_delay_seconds: list[float]
    retry_condition_fn: Any
    cache_policy: CachePolicy


# Nothing is cached: what is rerun looks in the database instead.
RETRYING: TaskOptions = {
    "retries": 2,
    "retry_delay_seconds": [1, 5],
    "retry_condition_fn": is_temporary,
    "cache_policy": NO_CACHE,
}
ONCE: TaskOptions = {**RETRYING, "retries": 0, "retry_delay_seconds": []}
