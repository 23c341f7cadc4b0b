"""`drupal-tickets jira`: who runs are in Jira, and whether they can do what they need."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deployments.cli.options import RequestedBy, actor, project_key_of
from deployments.cli.output import Json, print_facts, show
from deployments.cli.workplace import Workplace, with_stack

if TYPE_CHECKING:
    from blocks.jira_answers import CreateField
    from blocks.jira_client import JiraClient

app = typer.Typer(no_args_is_help=True, help="Jira: the account that tickets are created with.")

Site = Annotated[
    str,
    typer.Option(
        "--jira-site", "--site", metavar="BLOCK", help="Name of the Jira block: the site and the account."
    ),
]
LOGIN_SECONDS = 300


@app.callback()
def jira() -> None:
    """Jira: the account that tickets are created with."""


@app.command("login")
def login(
    *,
    jira_site: Site = "jira",
    url: Annotated[
        str | None, typer.Option(help="Address of the site, where the block does not know it yet.")
    ] = None,
    port: Annotated[
        int,
        typer.Option(
            envvar="JIRA_OAUTH_PORT",
            min=1,
            max=65535,
            help="Port of the app's callback address, http://127.0.0.1:PORT/callback.",
        ),
    ] = 8914,
    timeout: Annotated[
        float, typer.Option(min=1, max=3600, help="Seconds to wait for your consent.")
    ] = LOGIN_SECONDS,
    browser: Annotated[bool, typer.Option(help="Open a browser where there is one.")] = True,
    requested_by: RequestedBy = None,
    json: Json = False,
) -> None:
    """Log in at Jira with OAuth 2.0: agree in the browser, and runs act in your name until you log out."""
    from deployments.cli.jira_login import Request, log_in

    request = Request(jira_site, url, port, timeout, browser, actor(requested_by))
    done = with_stack(lambda place: log_in(place, request))
    told = f"Logged in at {done['site']} as {done['account']} (block “{jira_site}”)."
    show({"jira": done}, json, lambda target: target.print(told, soft_wrap=True))


@app.command("logout")
def logout(jira_site: Site = "jira", requested_by: RequestedBy = None, json: Json = False) -> None:
    """End the consent of `jira login` at Atlassian, and forget its tokens here."""
    from deployments.cli.jira_login import log_out

    acting = actor(requested_by)
    done = with_stack(lambda place: log_out(place, jira_site, acting))
    told = f"Logged out at {done['site']}: {done['account']} (block “{jira_site}”)."
    show({"jira": done}, json, lambda target: target.print(told, soft_wrap=True))


@app.command("check")
def check(
    project_key: Annotated[
        str | None, typer.Option(help="Check what the account may do in this project as well.")
    ] = None,
    jira_site: Site = "jira",
    json: Json = False,
) -> None:
    """Log in at Jira as runs do, and say who that is, what they may do, and what is missing."""
    key = project_key_of(project_key) if project_key else None
    part = with_stack(lambda place: _check(place, jira_site, key))
    show({"jira": part}, json, lambda target: print_facts(target, _readable(part)))


async def _check(place: Workplace, block: str, key: str | None) -> dict[str, Any]:
    from deployments.cli.jira_login import open_jira

    async with await open_jira(place, block, actor(None)) as client:
        account = await client.myself()
        known = {
            "site": client.site,
            "email": "" if client.uses_oauth else client.email,
            "account": account.display_name,
            "login": "oauth" if client.uses_oauth else "api token",
        }
        return known if key is None else {**known, **await _project(client, key)}


async def _project(client: "JiraClient", key: str) -> dict[str, Any]:
    from blocks.jira_project import load_project_context

    project = await load_project_context(client, key)
    screens = {name: _lacking(fields) for name, fields in project.create_fields.items()}
    return {
        "project": f"{project.name} ({project.key})",
        "can_create_tickets": project.can_create_tickets,
        "can_assign_tickets": project.can_assign_tickets,
        "permissions": project.permissions,
        "missing_permissions": [name for name, granted in project.permissions.items() if not granted],
        "missing_on_create_screen": {name: lacks for name, lacks in screens.items() if any(lacks.values())},
        "issue_types": [kind.name for kind in project.issue_types],
        "sprints": len(project.sprints),
        "people": len(project.members),
    }


def _lacking(fields: "Sequence[CreateField]") -> dict[str, list[str]]:
    """What a create screen would have to offer, and what it asks for that no ticket says."""
    from tasks.core.tickets.payload import ALWAYS_FILLED, missing_on_screen
    from tasks.export_target import screen_field

    asked = (field for field in fields if field.required and not field.has_default_value)
    return {
        "fields": missing_on_screen([screen_field(field) for field in fields]),
        "required": [field.name for field in asked if field.field_id not in (*ALWAYS_FILLED, "priority")],
    }


def _readable(part: dict[str, Any]) -> dict[str, Any]:
    """The facts as one line each."""
    lists = {name: ", ".join(value) or "none" for name, value in part.items() if isinstance(value, list)}
    shown = {**part, **lists}
    if "permissions" in part:
        shown["permissions"] = ", ".join(name for name, granted in part["permissions"].items() if granted)
        screens = part["missing_on_create_screen"]
        shown["missing_on_create_screen"] = (
            "; ".join(
                f"{name}: {', '.join([*lacks['fields'], *lacks['required']])}"
                for name, lacks in screens.items()
            )
            or "nothing"
        )
    return shown
