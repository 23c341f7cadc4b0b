"""`drupal-tickets`: the command line. Heavy imports wait in the commands, so that help is there at once."""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from typer.main import get_command

from deployments.cli import (
    accounts,
    cost,
    doctor,
    housekeeping,
    results,
    reviewing,
    run,
    session_settings,
    session_stops,
    sessions,
    spec_report,
    stages,
    ticket_files,
    ticket_versions,
    tickets,
)
from deployments.cli.boundary import guard
from deployments.cli.options import settings_from_environment
from deployments.cli.output import Json

NAME = "drupal-tickets"

app = typer.Typer(
    name=NAME,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Turns a Drupal technical spec into Jira tickets. Exit codes: 0 done; 10 you can fix it; "
    "20 an administrator must; 30 try again later; 40 cancelled; 2 wrong usage.",
)


@app.command()
def up(
    host: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Where the Prefect server listens; beyond 127.0.0.1 it demands PREFECT_SERVER_API_AUTH_STRING.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Start the whole stack on this machine and follow its logs; Ctrl-C stops all of it."""
    from deployments.stack.up import up

    settings = settings_from_environment()
    chosen = settings.model_copy(update={"server_host": host}) if host else settings
    raise typer.Exit(up(chosen, as_json=json))


app.command("run")(run.run)
app.add_typer(sessions.app, name="session")
sessions.app.command("set")(session_settings.set_session)
sessions.app.command("report")(spec_report.show_report)
sessions.app.command("results")(results.write_results)
sessions.app.command("cancel")(session_stops.cancel_session)
sessions.app.command("close")(session_stops.close_session)
sessions.app.command("rollback")(session_stops.roll_back_session)
for stage in (stages.upload, stages.generate, reviewing.review, stages.validate, stages.export):
    app.command()(stage)
app.add_typer(tickets.app, name="tickets")
tickets.app.command("regenerate")(ticket_versions.regenerate_tickets)
tickets.app.command("versions")(ticket_versions.list_versions)
tickets.app.command("restore")(ticket_versions.restore_ticket)
tickets.app.command("pull")(ticket_files.pull_tickets)
tickets.app.command("push")(ticket_files.push_tickets)
tickets.app.command("write")(results.write_tickets)
tickets.app.command("picture")(ticket_files.draw_picture)
app.command()(cost.cost)
app.command()(doctor.doctor)
app.command()(housekeeping.cleanup)
app.add_typer(accounts.app, name="jira")


def invoke(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    command = get_command(app)
    return guard(
        lambda: command.main(list(arguments), prog_name=NAME, standalone_mode=False),
        as_json="--json" in arguments,
    )


def main() -> None:
    """The entry point."""
    sys.exit(invoke(sys.argv[1:]))
