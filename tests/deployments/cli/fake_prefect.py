"""A Prefect server in memory: runs that were triggered, and what each of them does when it is looked at."""

from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

from httpx import ConnectError
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled, Completed, Scheduled

Work = Callable[[UUID], Awaitable[State]]
NOWHERE = "http://prefect.test"


async def done(_: UUID) -> State:
    """A run that does nothing and is content."""
    return Completed()


class FakePrefect:
    """What our command line asks of Prefect's client, with state instead of a network."""

    def __init__(self, **work: Work) -> None:
        self.deployments = {name.replace("_", "-"): uuid4() for name in work}
        self.work = {self.deployments[name.replace("_", "-")]: doing for name, doing in work.items()}
        self.runs: list[FlowRun] = []
        self.keys: dict[str, FlowRun] = {}
        self.artifacts: list[Any] = []
        self.away = False
        self.blocks = {"jira": {"url": "https://jira.test/", "email": "a@b.test", "api_token": "hush"}}

    @property
    def triggered(self) -> list[str]:
        """The deployments of all runs, in order."""
        names = {identifier: name for name, identifier in self.deployments.items()}
        return [names[run.deployment_id] for run in self.runs if run.deployment_id]

    async def read_deployment_by_name(self, name: str) -> Any:
        wanted = name.partition("/")[0]
        if wanted not in self.deployments:
            raise ObjectNotFound(Exception(name))
        return SimpleNamespace(id=self.deployments[wanted])

    async def create_flow_run_from_deployment(
        self,
        deployment_id: UUID,
        *,
        parameters: dict[str, Any],
        idempotency_key: str | None = None,
        tags: Any = (),
    ) -> FlowRun:
        if idempotency_key in self.keys:
            return self.keys[idempotency_key]
        run = FlowRun(
            flow_id=uuid4(),
            deployment_id=deployment_id,
            parameters=parameters,
            tags=list(tags),
            state=Scheduled(),
            name="a run",
        )
        self.runs.append(run)
        if idempotency_key:
            self.keys[idempotency_key] = run
        return run

    async def read_flow_runs(self, *, flow_run_filter: Any, **_: Any) -> list[FlowRun]:
        if self.away:
            raise ConnectError("nobody there")
        wanted = set(flow_run_filter.tags.all_)
        return [run for run in reversed(self.runs) if wanted <= set(run.tags)]

    async def read_flow_run(self, run_id: UUID) -> FlowRun:
        run = next(run for run in self.runs if run.id == run_id)
        assert run.state
        if run.state.is_cancelling():
            run.state = Cancelled()
        elif not run.state.is_final() and run.deployment_id:
            session_id = UUID(run.parameters["session_id"]) if "session_id" in run.parameters else run.id
            run.state = await self.work[run.deployment_id](session_id)
        return run

    async def set_flow_run_state(self, run_id: UUID, state: State) -> None:
        next(run for run in self.runs if run.id == run_id).state = state

    async def read_block_document_by_name(self, name: str, *_: Any, **__: Any) -> Any:
        if name not in self.blocks:
            raise ObjectNotFound(Exception(name))
        return SimpleNamespace(data=self.blocks[name])

    async def read_artifacts(self, **_: Any) -> list[Any]:
        return self.artifacts
