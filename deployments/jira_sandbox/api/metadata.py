"""Who am I, what may I do, which project, which types, fields, priorities, link types and people."""

from typing import Any

from starlette.responses import JSONResponse, Response

from deployments.jira_sandbox import catalogue, views
from deployments.jira_sandbox.catalogue import Field
from deployments.jira_sandbox.config import GLOBAL_PERMISSIONS, ROLES
from deployments.jira_sandbox.problems import JiraProblem, unauthenticated
from deployments.jira_sandbox.screens import is_required, on_screen
from deployments.jira_sandbox.site import ANONYMOUS, Call
from deployments.jira_sandbox.store import Project, timestamp

CREATEMETA_PAGE = 200
USERS_PAGE = 1000
PROJECTS_PAGE = 100
# The permission behind each `action` of a project search.
MAY = {
    "view": "BROWSE_PROJECTS",
    "browse": "BROWSE_PROJECTS",
    "edit": "ADMINISTER_PROJECTS",
    "create": "CREATE_ISSUES",
}


def server_info(call: Call) -> Response:
    """Open to everyone."""
    return JSONResponse(
        {
            "baseUrl": call.base,
            "version": "1001.0.0-SNAPSHOT",
            "versionNumbers": [1001, 0, 0],
            "deploymentType": "Cloud",
            "buildNumber": 100_300,
            "buildDate": "2026-11-01T00:00:00.000+0000",
            "serverTime": timestamp(),
            "serverTimeZone": "Etc/UTC",
            "scmInfo": "sandbox",
            "serverTitle": "Jira sandbox",
        }
    )


def myself(call: Call) -> Response:
    """The account behind the credentials."""
    if call.login == ANONYMOUS:
        raise unauthenticated()
    return JSONResponse(views.user(call, call.login.account_id))


def my_permissions(call: Call) -> Response:
    """Which of the named permissions the caller has; naming none is refused."""
    if not call.query("permissions"):
        raise JiraProblem(400, "The 'permissions' query parameter is required.")
    keys = [key.strip() for key in call.query("permissions").split(",")]
    if unknown := [key for key in keys if key not in ROLES["admin"]]:
        raise JiraProblem(400, f"Unrecognized permission keys: {', '.join(unknown)}")
    if key := call.query("projectKey") or call.query("projectId"):
        call.project(key)
    if key := call.query("issueKey") or call.query("issueId"):
        call.issue(key)
    return JSONResponse({"permissions": {key: permission(call, key) for key in keys}})


def permission(call: Call, key: str) -> dict[str, Any]:
    """One permission and whether the caller has it."""
    name = key.replace("_", " ").capitalize()
    return {
        "id": str(sorted(ROLES["admin"]).index(key) + 10),
        "key": key,
        "name": name,
        "type": "GLOBAL" if key in GLOBAL_PERMISSIONS else "PROJECT",
        "description": f"Ability to {name.lower()}.",
        "havePermission": key in call.permissions,
    }


def project(call: Call) -> Response:
    """A project with its lead, types and components."""
    found = call.project(call.path("project"))
    return JSONResponse(
        views.project(call, found)
        | {
            "expand": "description,lead,issueTypes,url,projectKeys,permissions,insight",
            "description": "",
            "assigneeType": "UNASSIGNED",
            "lead": views.user(call, catalogue.MEMBERS[2].account_id),
            "issueTypes": [views.issue_type(call, kind.id) for kind in catalogue.ISSUE_TYPES],
            "components": [views.component(call, component.id) for component in catalogue.COMPONENTS],
            "versions": [],
            "roles": {},
            "style": "classic",
            "isPrivate": False,
            "properties": {},
        }
    )


def search_projects(call: Call) -> Response:
    """The projects in which the caller may do something, paged; 404 when there is none."""
    needed = MAY.get(call.query("action", "view"))
    if needed is None:
        raise JiraProblem(400, "The action is not one of view, browse, edit, create.")
    seen = [project for project in call.site.store.projects() if call.may_see(project.key)]
    found = [views.project(call, project) for project in seen] if needed in call.permissions else []
    if not found:
        raise JiraProblem(404, "No projects matching the search criteria were found.")
    start, most = call.query_number("startAt", 0), call.query_number("maxResults", 50, PROJECTS_PAGE)
    values = found[start : start + most]
    last = start + most >= len(found)
    return JSONResponse(
        {"startAt": start, "maxResults": most, "total": len(found), "isLast": last, "values": values}
    )


def components(call: Call) -> Response:
    """The project's components."""
    call.project(call.path("project"))
    return JSONResponse([views.component(call, component.id) for component in catalogue.COMPONENTS])


def create_types(call: Call) -> Response:
    """The issue types that can be created in a project, paged."""
    create_project(call)
    kinds = [views.issue_type(call, kind.id) for kind in catalogue.ISSUE_TYPES]
    return page(call, "issueTypes", kinds)


def create_fields(call: Call) -> Response:
    """The create screen of an issue type, paged."""
    create_project(call)
    kind = catalogue.issue_type({"id": call.path("type")})
    if kind is None:
        raise JiraProblem(400, "The issue type selected is invalid.")
    return page(call, "fields", [create_field(call, field) for field in on_screen(call, kind)])


def create_project(call: Call) -> Project:
    """The project of a createmeta call, which knows no 404."""
    try:
        return call.project(call.path("project"))
    except JiraProblem as problem:
        raise JiraProblem(400, *problem.messages) from problem


def page(call: Call, name: str, items: list[Any]) -> Response:
    """One page of create metadata."""
    start, most = call.query_number("startAt", 0), call.query_number("maxResults", 50, CREATEMETA_PAGE)
    return JSONResponse(
        {"startAt": start, "maxResults": most, "total": len(items), name: items[start : start + most]}
    )


def create_field(call: Call, field: Field) -> dict[str, Any]:
    """A field of the create screen."""
    view = {
        "fieldId": field.id,
        "key": field.id,
        "name": field.name,
        "required": is_required(call, field),
        "hasDefaultValue": field.has_default,
        "operations": list(field.operations),
        "schema": schema(field),
    }
    if field.id == "priority":
        view["defaultValue"] = views.priority(call, catalogue.DEFAULT_PRIORITY)
    allowed = allowed_values(call, field.id)
    return view | ({"allowedValues": allowed} if allowed is not None else {})


def allowed_values(call: Call, field_id: str) -> list[dict[str, Any]] | None:
    """The choices of a field that has choices."""
    if field_id == "priority":
        return [views.priority(call, item.id) for item in catalogue.PRIORITIES]
    if field_id == "components":
        return [views.component(call, item.id) for item in catalogue.COMPONENTS]
    if field_id == "issuetype":
        return [views.issue_type(call, call.path("type"))]
    if field_id == "project":
        return [views.project(call, create_project(call))]
    return None


def schema(field: Field) -> dict[str, Any]:
    """How a field describes its type; the sprint field is known by `custom`, not by its number."""
    view: dict[str, Any] = {"type": field.type}
    if field.items:
        view["items"] = field.items
    if field.custom:
        return view | {"custom": field.custom, "customId": int(field.id.rpartition("_")[2])}
    return view | {"system": field.id}


def fields(_call: Call) -> Response:
    """Every field of the site, on a screen or not."""
    return JSONResponse(
        [
            {
                "id": field.id,
                "key": field.id,
                "name": field.name,
                "custom": bool(field.custom),
                "orderable": True,
                "navigable": True,
                "searchable": True,
                "clauseNames": [f"cf[{field.id.rpartition('_')[2]}]", field.name]
                if field.custom
                else [field.id],
                "schema": schema(field),
            }
            for field in catalogue.FIELDS + catalogue.READ_ONLY_FIELDS
        ]
    )


def priorities(call: Call) -> Response:
    """All priorities, highest first."""
    return JSONResponse([views.priority(call, item.id) for item in catalogue.PRIORITIES])


def link_types(call: Call) -> Response:
    """All link types."""
    return JSONResponse({"issueLinkTypes": [views.link_type(call, kind.id) for kind in catalogue.LINK_TYPES]})


def assignable_users(call: Call) -> Response:
    """People who can be assigned; filtered after paging, so a short page is not the last."""
    if not (call.query("project") or call.query("issueKey") or call.query("issueId")):
        raise JiraProblem(400, "The project, issueKey or issueId query parameter must be provided.")
    if call.query("project"):
        call.project(call.query("project"))
    else:
        call.issue(call.query("issueKey") or call.query("issueId"))
    start, most = call.query_number("startAt", 0), call.query_number("maxResults", 50, USERS_PAGE)
    text, account = call.query("query").casefold(), call.query("accountId")
    found = [
        member
        for member in call.site.members()
        if (not account or member.account_id == account) and matches_query(member, text)
    ]
    shown = [member for member in found[start : start + most] if call.site.assignable(member)]
    return JSONResponse([views.member_view(call, member) for member in shown])


def matches_query(member: catalogue.Member, text: str) -> bool:
    """Whether a word of the name or the address begins with the text."""
    words = [member.email, member.name, *member.name.split()]
    return any(word.casefold().startswith(text) for word in words)
