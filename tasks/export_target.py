"""Before anything is sent: is the project as we need it, and what does its create screen take?"""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from blocks.jira_answers import CreateField, LinkType, ProjectContext
from blocks.jira_client import JiraClient
from tasks.core.errors import AdminRequired, UserFixable
from tasks.core.settings import JiraSettings
from tasks.core.tickets.payload import Outgoing, ScreenField, Target, missing_on_screen, unfilled

LINK_TYPES_TRIED = ("Blocks", "Relates")


def make_target(
    session_id: UUID, context: ProjectContext, settings: JiraSettings, link_type: str | None
) -> Target:
    """Where the issues of a session go, from what Jira said of the project."""
    return Target(
        site=context.site,
        project_key=context.key,
        session_id=str(session_id),
        issue_type=settings.issue_type,
        issue_type_ids={kind.name: kind.id for kind in context.issue_types},
        screens={name: tuple(map(screen_field, fields)) for name, fields in context.create_fields.items()},
        labels=settings.labels,
        components=settings.components,
        parent_key=settings.parent_key,
        link_type=link_type,
        link_wanted=settings.link_type,
        sprints={
            name.casefold(): sprint.id for sprint in context.sprints for name in (sprint.name, str(sprint.id))
        },
        people={
            name.casefold(): member.account_id
            for member in context.members
            for name in (member.display_name, member.account_id)
            if name
        },
        can_assign=context.can_assign_tickets,
    )


def screen_field(field: CreateField) -> ScreenField:
    """A field of a create screen as the payload wants to know it."""
    return ScreenField(
        field_id=field.field_id,
        name=field.name,
        required=field.required,
        has_default=field.has_default_value,
        custom=field.kind.custom,
        allowed=_by_name(field.allowed_values) if field.allowed_values else None,
    )


def _by_name(values: Iterable[Any]) -> dict[str, Any]:
    offered = [value for value in values if isinstance(value, dict) and "id" in value]
    return {
        str(name).casefold(): {"id": value["id"]}
        for value in offered
        for name in (value.get("name", value.get("value")), value["id"])
        if name is not None
    }


def choose_link_type(wanted: str, offered: Sequence[LinkType]) -> str | None:
    """The wanted kind of link, else one that says nearly the same; None when there is none."""
    names = {kind.name.casefold(): kind.name for kind in offered}
    tried = (wanted, *LINK_TYPES_TRIED)
    return next((names[name.casefold()] for name in tried if name.casefold() in names), None)


def require_screens(target: Target, tickets: Sequence[Outgoing]) -> None:
    """Refuse to start where tickets could not be sent: an unknown issue type, or a create screen that lacks a field.

    The label is how a lost issue is found again: without it nothing is sent at all.
    """
    wanted = {ticket.issue_type or target.issue_type for ticket in tickets} or {target.issue_type}
    if unknown := sorted(wanted - target.screens.keys()):
        raise UserFixable(
            f"The project {target.project_key} has no issue type {', '.join(unknown)}.",
            code="jira-issue-type-unknown",
            actions=(f"Use one of: {', '.join(target.screens)}.",),
        )
    for issue_type in sorted(wanted):
        if absent := missing_on_screen(target.screens[issue_type]):
            raise AdminRequired(
                f"The create screen of {issue_type} in {target.project_key} lacks: {', '.join(absent)}.",
                code="jira-create-screen",
                actions=(f"Ask an administrator of {target.project_key} to put them on the screen.",),
                details={"missing": absent},
            )
    for ticket in tickets:
        if empty := unfilled(ticket, target):
            issue_type = ticket.issue_type or target.issue_type
            raise AdminRequired(
                f"The create screen of {issue_type} in {target.project_key} requires: {', '.join(empty)}.",
                code="jira-create-screen",
                actions=("Ask an administrator to give these fields a default, or use another issue type.",),
                details={"required": empty},
            )


def require_permissions(context: ProjectContext, *, links: bool, attachments: bool) -> None:
    """Refuse to start without a permission that every export of this session would fail for in the middle."""
    needed = {"LINK_ISSUES": links, "CREATE_ATTACHMENTS": attachments}
    missing = [name for name, wanted in needed.items() if wanted and not context.permissions.get(name)]
    if missing:
        raise AdminRequired(
            f"{context.account_name} lacks a permission in {context.key}: {', '.join(missing)}.",
            code="jira-permission-missing",
            actions=(f"Ask an administrator of {context.key} for it, then resume the session.",),
            details={"missing": missing},
        )


async def require_parent(client: JiraClient, settings: JiraSettings) -> None:
    """Refuse to start when the parent of all tickets does not exist."""
    if settings.parent_key is None or await client.fetch([settings.parent_key]):
        return
    raise UserFixable(
        f"The parent {settings.parent_key} does not exist at {client.site}, or you may not see it.",
        code="jira-parent-unknown",
        actions=("Set the parent in the session's settings to an existing epic, or to none.",),
    )
