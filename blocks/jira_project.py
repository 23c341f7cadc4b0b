"""What a session must know of its Jira project before any work starts, or a clear word on what is wrong."""

import asyncio
from collections.abc import Iterable

from blocks.jira_answers import ProjectContext, Sprint
from blocks.jira_client import JiraClient
from blocks.jira_errors import JiraNotFound
from tasks.core.errors import AdminRequired, UserFixable

REQUIRED = {"BROWSE_PROJECTS": "see the project", "CREATE_ISSUES": "create issues"}
WANTED = (
    *REQUIRED,
    "ASSIGN_ISSUES",
    "CREATE_ATTACHMENTS",
    "DELETE_OWN_ATTACHMENTS",
    "EDIT_ISSUES",
    "LINK_ISSUES",
    "SCHEDULE_ISSUES",
)
NAMED_AT_MOST = 20


async def load_project_context(
    client: JiraClient, project_key: str, issue_type: str | None = None
) -> ProjectContext:
    """Read project, permissions, sprints, people, issue types and create screens.

    Raises AdminRequired for a login that is refused or a permission that is missing, UserFixable for a project
    or an issue type that does not exist, Temporary when Jira is away.
    """
    account = await client.myself()  # first: without a login Jira answers 404 to what exists
    try:
        project = await client.project(project_key)
    except JiraNotFound:
        raise await _no_such_project(client, project_key) from None
    permissions = await client.permissions(project.key, WANTED)
    _require_permissions(client, project_key, account.display_name, permissions)
    sprints, members, issue_types = await asyncio.gather(
        load_sprints(client, project.key),
        client.assignable_users(project.key),
        client.issue_types(project.key),
    )
    kinds = [kind for kind in issue_types if not kind.subtask]
    _require_issue_type(project_key, issue_type, (kind.name for kind in kinds))
    screens = await asyncio.gather(*(client.create_fields(project.key, kind.id) for kind in kinds))
    return ProjectContext(
        site=client.site,
        key=project.key,
        name=project.name,
        account_id=account.account_id,
        account_name=account.display_name,
        permissions=permissions,
        sprints=tuple(sprints),
        members=tuple(member for member in members if member.active),
        issue_types=tuple(issue_types),
        create_fields={kind.name: tuple(screen) for kind, screen in zip(kinds, screens, strict=True)},
    )


async def load_sprints(client: JiraClient, project_key: str) -> list[Sprint]:
    """The running and coming sprints on all boards of a project; none where there are no boards."""
    try:
        boards = await client.boards(project_key)
    except (JiraNotFound, AdminRequired):  # no Jira Software here, or not for this account
        return []
    pages = await asyncio.gather(*(client.sprints(board.id) for board in boards))
    return list({sprint.id: sprint for page in pages for sprint in page}.values())


def _require_permissions(
    client: JiraClient, project_key: str, account: str, permissions: dict[str, bool]
) -> None:
    missing = [name for name in REQUIRED if not permissions.get(name)]
    if not missing:
        return
    may_not = " and ".join(REQUIRED[name] for name in missing)
    raise AdminRequired(
        f"{account or client.email} may not {may_not} in the project {project_key} at {client.site}.",
        code="jira-permission-missing",
        actions=(f"Ask an administrator of {project_key} for the permission {', '.join(missing)}.",),
        details={"missing": missing},
    )


def _require_issue_type(project_key: str, issue_type: str | None, names: Iterable[str]) -> None:
    known = list(names)
    if issue_type is None or issue_type in known:
        return
    raise UserFixable(
        f"The project {project_key} has no issue type {issue_type}.",
        code="jira-issue-type-unknown",
        actions=(f"Use one of: {', '.join(known)}.",),
        details={"issue_types": known},
    )


async def _no_such_project(client: JiraClient, project_key: str) -> UserFixable:
    keys = [project.key for project in await client.projects()]
    listed = ", ".join(keys[:NAMED_AT_MOST]) or "none"
    return UserFixable(
        f"There is no project {project_key} at {client.site} that {client.email} may see.",
        code="jira-project-unknown",
        actions=(f"Use one of the projects that you may create issues in: {listed}.",),
        details={"project_key": project_key, "projects": keys},
    )
