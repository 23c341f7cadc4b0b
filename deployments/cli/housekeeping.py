"""`drupal-tickets cleanup`: what is past its retention."""

import asyncio
import json as json_module
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deployments.cli.options import RequestedBy, actor
from deployments.cli.output import Json, print_table, show
from deployments.cli.workplace import Workplace, with_stack
from tasks.core.errors import AdminRequired

if TYPE_CHECKING:
    from db.actor import Actor


class Cleanup(StrEnum):
    """What can be cleaned up."""

    SESSIONS = "sessions"
    AUDIT_LOG = "audit-log"
    TOKENS = "tokens"


def cleanup(
    what: Annotated[
        list[Cleanup] | None,
        typer.Argument(metavar="[WHAT]...", help="sessions, audit-log, tokens; default: all."),
    ] = None,
    days: Annotated[
        int | None, typer.Option(min=1, help="Days of retention; default: those of each clean-up.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count only, remove nothing.")] = False,
    requested_by: RequestedBy = None,
    json: Json = False,
) -> None:
    """Remove what is past its retention, as the schedules do every day."""
    parameters: dict[str, Any] = {"dry_run": dry_run} | ({"retention_days": days} if days else {})
    chosen, acting = what or list(Cleanup), actor(requested_by)
    found = with_stack(lambda place: _cleanup(place, chosen, parameters, acting))
    columns = ("what", "retention_days", "past_retention", "removed", "dry_run")
    rows = [[report.get(column) for column in columns] for report in found]
    show({"cleanup": found}, json, lambda target: print_table(target, columns, rows))


async def _cleanup(
    place: Workplace, chosen: list[Cleanup], parameters: dict[str, Any], acting: "Actor"
) -> list[dict[str, Any]]:
    found = await asyncio.gather(*(clean(place, f"cleanup-{what}", parameters, acting) for what in chosen))
    return [report for reports in found for report in reports]


async def clean(
    place: Workplace, deployment: str, parameters: dict[str, Any], acting: "Actor"
) -> list[dict[str, Any]]:
    """Run one clean-up and return its counts, one for each thing that it removes."""
    from deployments.cli.runs import follow, trigger_alone
    from deployments.cli.working import note_request

    run = await trigger_alone(place.client, deployment, parameters)
    await note_request(place, deployment, run, acting)
    ending = await follow(place.client, run.id)
    if ending.state != "COMPLETED":
        raise AdminRequired(
            f"{deployment} did not finish: {ending.message}",
            actions=(f"See {place.address_of(run.id)}",),
            code="run-failed",
        )
    return await _report(place, run.id)


async def _report(place: Workplace, run_id: Any) -> list[dict[str, Any]]:
    """The counts, which the run leaves as a table."""
    from prefect.client.schemas.filters import ArtifactFilter

    wanted = ArtifactFilter.model_validate({"flow_run_id": {"any_": [run_id]}})
    artifacts = await place.client.read_artifacts(artifact_filter=wanted)
    rows: list[dict[str, Any]] = json_module.loads(str(artifacts[0].data))
    return rows
