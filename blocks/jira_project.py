"""What a session must know of its Jira project before any work starts, or a clear word on what is wrong."""

import asyncio
from collections.abc import Iterable
from typing import TypeVar

from blocks.jira_answers import CreateField, IssueType, ProjectContext, Sprint
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

T = TypeVar("T")


async def load_project_context(
    client: JiraClient, project_key: str, issue_type: str | None = None
) -> ProjectContext:
    """Read project, permissions, sprints, people, issue types and create screens.

    Raises AdminRequired for a login that is refused or a permission that is missing, UserFixable for a project
    or an issue type that does not exist, Temporary when Jira is away.
    """
    answers = await asyncio.gather(
        client.myself(),
        client.project(project_key),
        client.permissions(project_key, WANTED),
        load_sprints(client, project_key),
        client.assignable_users(project_key),
        load_screens(client, project_key),
        return_exceptions=True,  # all at once; what went wrong is told in the order of its causes
    )
    account = value(answers[0])  # first: without a login Jira answers 404 to what exists
    if isinstance(answers[1], JiraNotFound):
        raise await _no_such_project(client, project_key) from None
    project, permissions = value(answers[1]), value(answers[2])
    _require_permissions(client, project_key, account.display_name, permissions)
    screens = value(answers[5])
    _require_issue_type(project_key, issue_type, (kind.name for kind in screens))
    return ProjectContext(
        site=client.site,
        key=project.key,
        name=project.name,
        account_id=account.account_id,
        account_name=account.display_name,
        permissions=permissions,
        sprints=tuple(value(answers[3])),
        members=tuple(member for member in value(answers[4]) if member.active),
        issue_types=tuple(screens),
        create_fields={kind.name: tuple(fields) for kind, fields in screens.items()},
    )


async def require_access(client: JiraClient, project_key: str, *needed: str) -> None:
    """Raises AdminRequired when the project, or one of these permissions, was lost since the start."""
    try:
        granted = await client.permissions(project_key, needed)
    except JiraNotFound:
        raise AdminRequired(
            f"The project {project_key} is gone from {client.site}, or this account may not see it any more.",
            code="jira-project-gone",
            actions=("Ask a Jira administrator to let the account see it again, then resume the session.",),
        ) from None
    if missing := [name for name in needed if not granted.get(name)]:
        raise AdminRequired(
            f"This account lost a permission in {project_key} at {client.site}: {', '.join(missing)}.",
            code="jira-permission-missing",
            actions=(f"Ask an administrator of {project_key} for it, then resume the session.",),
            details={"missing": missing},
        )


def value(answer: T | BaseException) -> T:
    """What was answered, or the error that came instead."""
    if isinstance(answer, BaseException):
        raise answer
    return answer


async def load_screens(client: JiraClient, project_key: str) -> dict[IssueType, list[CreateField]]:
    """The create screen of every issue type that can stand alone."""
    kinds = [kind for kind in await client.issue_types(project_key) if not kind.subtask]
    screens = await asyncio.gather(*(client.create_fields(project_key, kind.id) for kind in kinds))
    return dict(zip(kinds, screens, strict=True))


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
