"""`drupal-tickets jira`: whether the account that runs use can do what they need."""

from typing import Annotated, Any

import typer

from deployments.cli.options import JiraSite, project_key_of
from deployments.cli.output import Json, print_facts, show
from deployments.cli.workplace import Workplace, with_stack

app = typer.Typer(no_args_is_help=True, help="Jira: the account that tickets are created with.")


@app.callback()
def jira() -> None:
    """Jira: the account that tickets are created with."""


@app.command("check")
def check(
    project_key: Annotated[
        str | None, typer.Option(help="Check what the account may do in this project as well.")
    ] = None,
    jira_site: JiraSite = "jira",
    json: Json = False,
) -> None:
    """Log in at Jira as runs do, and say who that is and what they may do."""
    key = project_key_of(project_key) if project_key else None
    part = with_stack(lambda place: _check(place, jira_site, key))
    show({"jira": part}, json, lambda target: print_facts(target, part))


async def _check(place: Workplace, block: str, key: str | None) -> dict[str, Any]:
    from blocks.jira_client import JiraClient
    from blocks.jira_project import load_project_context
    from deployments.cli.runs import jira_login_of

    url, email, token = await jira_login_of(place.client, block)
    async with JiraClient(url, email, token) as client:
        account = await client.myself()
        known = {"site": client.site, "email": email, "account": account.display_name}
        if key is None:
            return known
        project = await load_project_context(client, key)
    return {
        **known,
        "project": f"{project.name} ({project.key})",
        "can_create_tickets": project.can_create_tickets,
        "can_assign_tickets": project.can_assign_tickets,
        "issue_types": [kind.name for kind in project.issue_types],
        "sprints": len(project.sprints),
        "people": len(project.members),
    }
