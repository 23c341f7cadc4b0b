"""One stage of a session at a time: upload, generate, validate, export."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deployments.cli.dry_run import dry_run as show_dry_run
from deployments.cli.options import RequestedBy, SessionId, actor
from deployments.cli.output import Json, note
from deployments.cli.sessions import work_on_session
from deployments.cli.ticket_options import Tickets
from deployments.cli.workplace import Workplace, find_tickets
from tasks.core.errors import UserFixable

if TYPE_CHECKING:
    from db.enums import SessionStage
    from db.models import Session


def upload(
    session: SessionId,
    spec: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[SPEC...]", help="A folder, CSV files, a zip, an xlsx workbook, or an address."
        ),
    ] = None,
    types: Annotated[
        list[str] | None,
        typer.Option(
            "--as",
            metavar="FILE=TYPE",
            help="What a file is, where you know better; repeatable. "
            "FILE=custom:TAB:COLUMN is a tab of your own, whose column names the rows of TAB they belong to.",
        ),
    ] = None,
    remove: Annotated[
        list[str] | None,
        typer.Option("--remove", metavar="FILE", help="Take a file out of the session; repeatable."),
    ] = None,
    requested_by: RequestedBy = None,
    json: Json = False,
) -> None:
    """Give a session its spec, or corrected files in place of their predecessors, and check all of it together."""
    from deployments.cli.uploading import give_files, types_given

    acting, chosen = actor(requested_by), types_given(types or ())

    async def give(place: Workplace, record: "Session") -> None:
        from deployments.cli.working import work

        await give_files(place.engine, record, spec or (), remove or (), acting)
        await work(place, record.id, "upload-spec", acting, types=chosen)

    work_on_session(session, give, json)


def generate(session: SessionId, requested_by: RequestedBy = None, json: Json = False) -> None:
    """Plan the tickets from the spec and write their text."""
    _work(session, "generate-tickets", requested_by, json)


def validate(
    session: SessionId, tickets: Tickets = None, requested_by: RequestedBy = None, json: Json = False
) -> None:
    """Check every ticket, or those named, against what Jira takes; export asks for all of them after any change."""
    if not tickets:
        _work(session, "validate-tickets", requested_by, json)
        return
    acting, named = actor(requested_by), tickets

    async def check(place: Workplace, record: "Session") -> None:
        from deployments.cli.working import work

        chosen = [str(ticket.id) for ticket in await find_tickets(place.engine, record.id, named)]
        ending = await work(place, record.id, "validate-tickets", acting, tickets=chosen)
        note(ending.message)

    work_on_session(session, check, json)


def export(
    session: SessionId,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show exactly what would be sent, in order, and send nothing.")
    ] = False,
    requested_by: RequestedBy = None,
    json: Json = False,
) -> None:
    """Create the issues in Jira; refused with "Validation required" when tickets changed since."""
    if dry_run:
        show_dry_run(session, requested_by, json)
    else:
        _work(session, "export-tickets", requested_by, json)


def _work(session: str, deployment: str, requested_by: str | None, as_json: bool) -> None:
    acting = actor(requested_by)

    async def work_on(place: Workplace, record: "Session") -> None:
        from db.enums import SessionStage, TaskType
        from deployments.cli.endings import reopen
        from deployments.cli.working import work_alone

        begins = {
            "generate-tickets": (TaskType.PROCESSING, SessionStage.PROCESSING),
            "validate-tickets": (TaskType.ADF_VALIDATION, SessionStage.REVIEW),
            "export-tickets": (TaskType.EXPORT, SessionStage.REVIEW),
        }
        task_type, stage = begins[deployment]
        _require_between(record, stage)
        await reopen(place.engine, record.id, acting)
        await work_alone(place, record.id, deployment, acting, task_type)

    work_on_session(session, work_on, as_json)


def _require_between(record: "Session", stage: "SessionStage") -> None:
    from db.enums import SessionStage

    if record.current_stage is SessionStage.COMPLETED:
        raise UserFixable(
            "The session is completed; its tickets are in Jira.",
            actions=(f"See them with: drupal-tickets session show {record.id}",),
            code="wrong-stage",
        )
    order = list(SessionStage)
    if order.index(record.current_stage) < order.index(stage):
        raise UserFixable(
            f"The session is at stage {record.current_stage}; {stage} comes later.",
            actions=(f"Go on with: drupal-tickets session resume {record.id}",),
            code="wrong-stage",
        )
