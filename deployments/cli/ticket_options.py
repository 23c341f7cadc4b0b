"""Options of the commands on tickets, and the changes that they make together."""

from enum import StrEnum
from typing import Annotated, Any

import typer


class Group(StrEnum):
    """The parts of a site that tickets belong to."""

    CONTENT = "Content"
    MEDIA = "Media"
    VIEWS = "Views"
    MIGRATION = "Migration"
    WORKFLOW = "Workflow"
    USER_ROLES = "User Roles"
    CUSTOM = "Custom"


InGroup = Annotated[
    Group | None, typer.Option("--group", case_sensitive=False, help="Only the tickets of this group.")
]
Tickets = Annotated[
    list[str] | None, typer.Argument(metavar="[TICKET]...", help="Ids of tickets, or their first characters.")
]
Sprint = Annotated[str | None, typer.Option(help="Name of the sprint; empty for none.")]
Assignee = Annotated[str | None, typer.Option(help="Who does it, as Jira names them; empty for nobody.")]
IssueType = Annotated[str | None, typer.Option(help="Issue type, e.g. Task.")]
Priority = Annotated[str | None, typer.Option(help="Priority; empty for the project's default.")]
Labels = Annotated[
    list[str] | None, typer.Option("--label", help="Label; give it once for each. Empty for none.")
]
Components = Annotated[
    list[str] | None, typer.Option("--component", help="Component; give it once for each. Empty for none.")
]
Ready = Annotated[bool | None, typer.Option("--ready/--not-ready", help="Whether it may go to Jira.")]


On = Annotated[str, typer.Option("--on", metavar="TICKET", help="The ticket that is built first.")]


def assignment(
    *,
    sprint: str | None,
    assignee: str | None,
    issue_type: str | None,
    priority: str | None,
    labels: list[str] | None,
    components: list[str] | None,
    ready: bool | None,
) -> dict[str, Any]:
    """The options that were given, under the names of the fields; an empty text takes the value away."""
    single = {"sprint": sprint, "assignee": assignee, "issue_type": issue_type, "priority": priority}
    many = {"labels": labels, "components": components}
    return {
        **{name: value or None for name, value in single.items() if value is not None},
        **{name: list(filter(None, values)) for name, values in many.items() if values},
        **({} if ready is None else {"ready_for_jira": ready}),
    }


def require_some(changes: dict[str, Any]) -> None:
    """Refuse a command that would change nothing."""
    if not changes:
        raise typer.BadParameter("Say what to change; the options are in --help.")
