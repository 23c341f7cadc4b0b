"""What Prefect keeps of sessions that are gone: runs with their logs, artifacts. Events have their own retention."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from prefect import task
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import ArtifactFilter, FlowRunFilter, TaskRunFilter
from prefect.client.schemas.objects import FlowRun
from prefect.runtime import flow_run

from blocks.database import database_engine
from db.actor import Actor
from db.engine import session_scope
from db.enums import EventCategory
from db.repositories.audit import AuditRepository
from db.repositories.retention import RetentionRepository
from tasks.retrying import RETRYING

# Sessions removed so long ago are looked at again: what Prefect did not give up then, it gives up now.
REMOVED_WITHIN = timedelta(days=3)
AT_ONCE = 200


@task(task_run_name="remove what Prefect keeps of them", **RETRYING)
async def remove_runs() -> int:
    """Remove the runs and artifacts of sessions that are gone; returns how many runs."""
    async with session_scope(await database_engine()) as session:
        gone = await RetentionRepository(session).removed_sessions(REMOVED_WITHIN)
    removed = 0
    async with get_client() as client:
        for session_id, run_ids in gone.items():
            runs = await _family(client, session_id, run_ids)
            await _remove_artifacts(client, runs)
            for run in runs:
                await client.delete_flow_run(run)
            removed += len(runs)
    async with session_scope(await database_engine()) as session:
        await AuditRepository(session).write(
            Actor(claimed="cleanup", request_id=str(flow_run.id or "")),
            "cleanup.runs",
            EventCategory.SYSTEM,
            entity_type="retention",
            entity_id="runs",
            description=f"{removed} runs of {len(gone)} sessions removed from Prefect",
            event_data={"removed": removed},
        )
    return removed


async def _family(client: PrefectClient, session_id: UUID, run_ids: Sequence[UUID]) -> list[UUID]:
    """The runs of a session that Prefect still has: those of its trail and its tag, their parents, their stages."""
    known = await _read(client, {"tags": {"all_": [f"session:{session_id}"]}})
    if run_ids:
        known += await _read(client, {"id": {"any_": list(run_ids)}})
    parents = await _parents(client, [run.parent_task_run_id for run in known if run.parent_task_run_id])
    top = {run.id for run in known} | set(parents)
    stages = await _read(client, {"parent_flow_run_id": {"any_": list(top)}}) if top else []
    return [*{run.id for run in stages} - top, *top]


async def _parents(client: PrefectClient, task_runs: Sequence[UUID]) -> list[UUID]:
    if not task_runs:
        return []
    wanted = TaskRunFilter.model_validate({"id": {"any_": list(task_runs)}})
    return [run.flow_run_id for run in await client.read_task_runs(task_run_filter=wanted) if run.flow_run_id]


async def _remove_artifacts(client: PrefectClient, runs: Sequence[UUID]) -> None:
    if not runs:
        return
    wanted = ArtifactFilter.model_validate({"flow_run_id": {"any_": list(runs)}})
    while found := await client.read_artifacts(artifact_filter=wanted, limit=AT_ONCE):
        for artifact in found:
            await client.delete_artifact(artifact.id)


async def _read(client: PrefectClient, wanted: dict[str, Any]) -> list[FlowRun]:
    return await client.read_flow_runs(flow_run_filter=FlowRunFilter.model_validate(wanted), limit=200)
