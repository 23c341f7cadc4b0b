"""The JSON that Jira answers: users, projects, issues, links, attachments, sprints."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from deployments.jira_sandbox import catalogue
from deployments.jira_sandbox.belongings import Attachment, Link
from deployments.jira_sandbox.catalogue import SPRINT_FIELD, Board, Member, Sprint
from deployments.jira_sandbox.problems import JiraProblem
from deployments.jira_sandbox.site import Call
from deployments.jira_sandbox.store import Issue, Project

API = "/rest/api/3"
TO_DO = {"id": "10000", "name": "To Do", "description": ""}


def user(call: Call, account_id: str | None) -> dict[str, Any] | None:
    """A user as it stands in fields."""
    member = call.site.member(account_id)
    if member is None:
        return None
    return member_view(call, member)


def member_view(call: Call, member: Member) -> dict[str, Any]:
    """A user; the address is left out where the user hides it."""
    shown = {"emailAddress": member.email} if member.email else {}
    return shown | {
        "self": f"{call.base}{API}/user?accountId={quote(member.account_id, safe='')}",
        "accountId": member.account_id,
        "accountType": member.kind,
        "active": member.active,
        "displayName": member.name,
        "timeZone": "Etc/UTC",
    }


def project(call: Call, found: Project) -> dict[str, Any]:
    """A project as it stands in fields."""
    return {
        "self": f"{call.base}{API}/project/{found.id}",
        "id": str(found.id),
        "key": found.key,
        "name": found.name,
        "projectTypeKey": "software",
        "simplified": False,
    }


def issue_type(call: Call, ident: str) -> dict[str, Any]:
    """An issue type."""
    kind = next(t for t in catalogue.ISSUE_TYPES if t.id == ident)
    return {
        "self": f"{call.base}{API}/issuetype/{kind.id}",
        "id": kind.id,
        "name": kind.name,
        "description": kind.description,
        "subtask": kind.level < 0,
        "hierarchyLevel": kind.level,
    }


def priority(call: Call, ident: str) -> dict[str, Any]:
    """A priority."""
    name = next(p.name for p in catalogue.PRIORITIES if p.id == ident)
    return {"self": f"{call.base}{API}/priority/{ident}", "id": ident, "name": name}


def component(call: Call, ident: str) -> dict[str, Any]:
    """A component."""
    name = next(c.name for c in catalogue.COMPONENTS if c.id == ident)
    return {"self": f"{call.base}{API}/component/{ident}", "id": ident, "name": name}


def status(call: Call) -> dict[str, Any]:
    """The one status there is: the sandbox has no transitions."""
    category = {"id": 2, "key": "new", "name": "To Do", "colorName": "blue-gray"}
    self_ = {"self": f"{call.base}{API}/status/{TO_DO['id']}"}
    return TO_DO | self_ | {"statusCategory": category | {"self": f"{call.base}{API}/statuscategory/2"}}


def link_type(call: Call, ident: str) -> dict[str, Any]:
    """A link type with both wordings."""
    kind = next(t for t in catalogue.LINK_TYPES if t.id == ident)
    return {
        "id": kind.id,
        "name": kind.name,
        "inward": kind.inward,
        "outward": kind.outward,
        "self": f"{call.base}{API}/issueLinkType/{kind.id}",
    }


def brief(call: Call, issue: Issue) -> dict[str, Any]:
    """An issue as it stands in a link or as a parent."""
    return {
        "id": str(issue.id),
        "key": issue.key,
        "self": f"{call.base}{API}/issue/{issue.id}",
        "fields": {
            "summary": issue.fields["summary"],
            "status": status(call),
            "priority": priority(call, issue.fields["priority"]),
            "issuetype": issue_type(call, issue.fields["issuetype"]),
        },
    }


def link(call: Call, found: Link, seen_from: Issue | None = None) -> dict[str, Any]:
    """A link; seen from one of its issues it shows the other: the source shows the target as `outwardIssue`."""
    source, target = ends(call, found)
    view = {
        "id": str(found.id),
        "self": f"{call.base}{API}/issueLink/{found.id}",
        "type": link_type(call, found.type),
    }
    if seen_from is None:
        return view | {"inwardIssue": brief(call, source), "outwardIssue": brief(call, target)}
    if seen_from.id == source.id:
        return view | {"outwardIssue": brief(call, target)}
    return view | {"inwardIssue": brief(call, source)}


def ends(call: Call, found: Link) -> tuple[Issue, Issue]:
    """Source and target of a link; refused when the caller may not see one of them."""
    return call.issue(str(found.source)), call.issue(str(found.target))


def links_of(call: Call, found: Issue) -> list[dict[str, Any]]:
    """The links of an issue whose other side the caller may see."""
    views = []
    for held in call.site.belongings.links(found):
        try:
            views.append(link(call, held, found))
        except JiraProblem:
            continue
    return views


def attachment(call: Call, found: Attachment) -> dict[str, Any]:
    """A file on an issue."""
    return {
        "self": f"{call.base}{API}/attachment/{found.id}",
        "id": str(found.id),
        "filename": found.filename,
        "author": user(call, found.author) or {},
        "created": found.created,
        "size": found.size,
        "mimeType": found.mime,
        "content": f"{call.base}{API}/attachment/content/{found.id}",
    }


def board(call: Call, found: Board) -> dict[str, Any]:
    """A board with the project that it shows."""
    owner = call.project(str(found.project_id))
    return {
        "id": found.id,
        "self": f"{call.base}/rest/agile/1.0/board/{found.id}",
        "name": found.name,
        "type": found.kind,
        "location": {
            "projectId": owner.id,
            "projectKey": owner.key,
            "projectName": owner.name,
            "displayName": f"{owner.name} ({owner.key})",
            "name": f"{owner.name} ({owner.key})",
            "projectTypeKey": "software",
        },
    }


def sprint(call: Call, found: Sprint) -> dict[str, Any]:
    """A sprint; only future ones have no dates."""
    dates = {"startDate": "2026-01-05T09:00:00.000Z", "endDate": "2026-01-19T09:00:00.000Z"}
    view = {
        "id": found.id,
        "self": f"{call.base}/rest/agile/1.0/sprint/{found.id}",
        "state": found.state,
        "name": found.name,
        "originBoardId": found.board_id,
        "goal": found.goal,
    }
    return view if found.state == "future" else view | dates


def sprint_in_field(ident: int | None, call: Call) -> list[dict[str, Any]] | None:
    """A sprint as the field shows it when read: an array of objects."""
    for owner in call.site.store.projects():
        for found in catalogue.sprints_of(owner.id, owner.key):
            if found.id == ident:
                view = {"id": found.id, "name": found.name, "state": found.state}
                return [view | {"boardId": found.board_id, "goal": found.goal}]
    return None


FIELD_VIEWS: dict[str, Callable[[Call, Issue], Any]] = {
    "summary": lambda _, i: i.fields["summary"],
    "description": lambda _, i: i.fields.get("description"),
    "labels": lambda _, i: i.fields["labels"],
    "project": lambda c, i: project(c, c.project(str(i.project_id))),
    "issuetype": lambda c, i: issue_type(c, i.fields["issuetype"]),
    "status": lambda c, _: status(c),
    "priority": lambda c, i: priority(c, i.fields["priority"]),
    "components": lambda c, i: [component(c, ident) for ident in i.fields["components"]],
    "assignee": lambda c, i: user(c, i.fields.get("assignee")),
    "reporter": lambda c, i: user(c, i.fields["reporter"]),
    "creator": lambda c, i: user(c, i.creator),
    "created": lambda _, i: i.created,
    "updated": lambda _, i: i.updated,
    "duedate": lambda _, i: i.fields.get("duedate"),
    "attachment": lambda c, i: [attachment(c, a) for a in c.site.belongings.attachments(i)],
    "issuelinks": links_of,
    "subtasks": lambda c, i: [brief(c, child) for child in c.site.store.children(i) if is_subtask(child)],
    SPRINT_FIELD: lambda c, i: sprint_in_field(i.fields.get(SPRINT_FIELD), c),
    catalogue.POINTS_FIELD: lambda _, i: i.fields.get(catalogue.POINTS_FIELD),
}
NOT_NAVIGABLE = {"attachment"}


def is_subtask(issue: Issue) -> bool:
    """Whether the issue's type is below a story."""
    return issue_level(issue) < 0


def issue_level(issue: Issue) -> int:
    """The hierarchy level of the issue's type."""
    return next(t.level for t in catalogue.ISSUE_TYPES if t.id == issue.fields["issuetype"])


def wanted_fields(asked: list[str], default: str) -> set[str]:
    """The field ids that a `fields` parameter means."""
    asked = asked or [default]
    if all(name.startswith("-") for name in asked):
        asked = [default, *asked]
    everything = set(FIELD_VIEWS) | {"parent"}
    meaning = {"*all": everything, "*navigable": everything - NOT_NAVIGABLE}
    shown = set().union(*(meaning.get(name, {name}) for name in asked if not name.startswith("-")))
    return shown - {name[1:] for name in asked if name.startswith("-")}


def issue(call: Call, found: Issue, wanted: set[str], properties: list[str] | None = None) -> dict[str, Any]:
    """An issue with the wanted fields and properties."""
    fields = {name: view(call, found) for name, view in FIELD_VIEWS.items() if name in wanted}
    if "parent" in wanted and found.fields.get("parent"):
        above = call.site.store.issue(str(found.fields["parent"]))
        fields |= {"parent": brief(call, above)} if above else {}
    view = {
        "expand": "renderedFields,names,schema,operations,editmeta,changelog,versionedRepresentations",
        "id": str(found.id),
        "self": f"{call.base}{API}/issue/{found.id}",
        "key": found.key,
        "fields": fields,
    }
    if properties:
        held = call.site.belongings.properties(found)
        view["properties"] = {key: held[key] for key in held if key in properties or "*all" in properties}
    return view
