"""Create, read, change and delete issues, one by one and in bulk."""

from collections.abc import Iterable
from typing import Any, TypeGuard

from starlette.responses import JSONResponse, Response

from deployments.jira_sandbox import views
from deployments.jira_sandbox.catalogue import LinkType
from deployments.jira_sandbox.drafts import Accepted, read_edit, read_new
from deployments.jira_sandbox.problems import JiraProblem
from deployments.jira_sandbox.site import Call
from deployments.jira_sandbox.store import Issue

BULK_LIMIT = 50
BULK_FETCH_LIMIT = 100
PROPERTIES_LIMIT = 5


def create(call: Call) -> Response:
    """One issue."""
    return JSONResponse(created(call, make(call, read_new(call, call.body))), 201)


def create_bulk(call: Call) -> Response:
    """Up to 50 issues; 201 as soon as one was made, with an error for each that was not (jira.md 1)."""
    try:
        updates = read_updates(call)
    except JiraProblem as problem:
        return JSONResponse({"issues": [], "errors": [element_error(None, problem)]}, problem.status)
    if len(updates) > BULK_LIMIT:
        too_many = JiraProblem(400, f"The maximum number of issues in one bulk create is {BULK_LIMIT}.")
        return JSONResponse(
            {"issues": [], "errors": [element_error(n, too_many) for n in range(len(updates))]}, 400
        )
    issues, errors = [], []
    struck = injected_failures(call, len(updates))
    for number, update in enumerate(updates):
        try:
            if number in struck:
                raise struck[number]
            with call.site.store.savepoint():
                issues.append(created(call, make(call, read_new(call, update))))
        except JiraProblem as problem:
            errors.append(element_error(number, problem))
    return JSONResponse({"issues": issues, "errors": errors}, 201 if issues else 400)


def read_updates(call: Call) -> list[Any]:
    """The elements of a bulk request."""
    updates = call.body.get("issueUpdates") if isinstance(call.body, dict) else None
    if not isinstance(updates, list) or not updates:
        raise JiraProblem(400, "The request body must be an object with a list 'issueUpdates'.")
    return updates


def injected_failures(call: Call, count: int) -> dict[int, JiraProblem]:
    """The elements that a `partial` fault makes fail."""
    rule = call.request.scope.get("sandbox.rule")
    if rule is None or rule.fault.kind != "partial":
        return {}
    fault = rule.fault
    problem = (
        JiraProblem(fault.status or 400, errors={fault.field: fault.message})
        if fault.field
        else JiraProblem(fault.status or 400, fault.message)
    )
    return dict.fromkeys(rule.failing(count), problem)


def element_error(number: int | None, problem: JiraProblem) -> dict[str, Any]:
    """One failed element of a bulk call."""
    error = {"status": problem.status, "elementErrors": problem.collection()}
    return error if number is None else error | {"failedElementNumber": number}


def make(call: Call, accepted: Accepted) -> Issue:
    """Store an accepted issue with its properties and links."""
    issue = call.site.store.add_issue(accepted.project, call.login.account_id, accepted.fields)
    for key, value in accepted.properties.items():
        call.site.belongings.set_property(issue, key, value)
    add_links(call, issue, accepted)
    return issue


def add_links(call: Call, issue: Issue, accepted: Accepted) -> None:
    """Links asked for in `update`."""
    for link in accepted.links:
        source, target = (issue, link.other) if link.outward else (link.other, issue)
        link_issues(call, link.type, source, target)


def link_issues(call: Call, kind: LinkType, source: Issue, target: Issue) -> None:
    """Make a link unless it exists; each issue holds a limited number."""
    held = call.site.belongings
    if held.has_link(kind.id, source, target):
        return
    if any(len(held.links(issue)) >= call.site.settings.links_per_issue for issue in (source, target)):
        raise JiraProblem(413, "The per-issue limit for issue links has been breached.")
    held.add_link(kind.id, source, target)


def created(call: Call, issue: Issue) -> dict[str, str]:
    """What a create call answers."""
    return {"id": str(issue.id), "key": issue.key, "self": f"{call.base}{views.API}/issue/{issue.id}"}


def read(call: Call) -> Response:
    """One issue, always as it is now: only search lags."""
    issue = call.issue(call.path("issue"))
    wanted = views.wanted_fields(listed(call, "fields"), "*all")
    return JSONResponse(views.issue(call, issue, wanted, listed(call, "properties")))


def listed(call: Call, name: str) -> list[str]:
    """A query parameter that may be given several times and with commas."""
    given = ",".join(call.request.query_params.getlist(name))
    return [item.strip() for item in given.split(",") if item.strip()]


def edit(call: Call) -> Response:
    """Change fields, properties and links of an issue."""
    issue = call.issue(call.path("issue"))
    if "EDIT_ISSUES" not in call.permissions:
        raise JiraProblem(400, "You do not have permission to edit issues in this project.")
    accepted = read_edit(call, issue, call.body_object())
    call.writes_to(issue)
    changed = call.site.store.change_issue(issue, accepted.fields)
    for key, value in accepted.properties.items():
        call.site.belongings.set_property(changed, key, value)
    add_links(call, changed, accepted)
    if call.query("returnIssue") == "true":
        return JSONResponse(views.issue(call, changed, views.wanted_fields([], "*all")))
    return Response(status_code=204)


def delete(call: Call) -> Response:
    """Delete an issue; one with sub-tasks only together with them."""
    issue = call.issue(call.path("issue"))
    if "DELETE_ISSUES" not in call.permissions:
        raise JiraProblem(403, "You do not have permission to delete issues in this project.")
    subtasks = [child for child in call.site.store.children(issue) if views.is_subtask(child)]
    if subtasks and call.query("deleteSubtasks") != "true":
        message = f"The issue '{issue.key}' has subtasks. You must specify the 'deleteSubtasks' parameter to delete it."
        raise JiraProblem(400, message)
    for doomed in (*subtasks, issue):
        call.site.store.delete_issue(doomed)
    return Response(status_code=204)


def bulk_fetch(call: Call) -> Response:
    """Up to 100 issues by id or key, in order of their ids; the rest are errors in the same answer."""
    body = call.body_object()
    wanted = body.get("issueIdsOrKeys")
    if not is_texts(wanted) or not 0 < len(wanted) <= BULK_FETCH_LIMIT:
        raise JiraProblem(400, f"Between 1 and {BULK_FETCH_LIMIT} issue IDs or keys must be given.")
    fields, properties = body.get("fields", []), body.get("properties", [])
    if not is_texts(fields) or not is_texts(properties) or len(properties) > PROPERTIES_LIMIT:
        raise JiraProblem(400, f"Fields and up to {PROPERTIES_LIMIT} properties are lists of strings.")
    shown = views.wanted_fields(fields, "*navigable")
    issues, errors = split(call, wanted)
    return JSONResponse(
        {"issues": [views.issue(call, issue, shown, properties) for issue in issues], "issueErrors": errors}
    )


def split(call: Call, wanted: Iterable[str]) -> tuple[list[Issue], list[dict[str, str]]]:
    """The issues that can be seen, each once, and an error for each that cannot."""
    found: dict[int, Issue] = {}
    errors = []
    for name in wanted:
        try:
            issue = call.issue(name)
            found[issue.id] = issue
        except JiraProblem as problem:
            errors.append({"id": name, "errorMessage": problem.messages[0]})
    return sorted(found.values(), key=lambda issue: issue.id), errors


def is_texts(value: Any) -> TypeGuard[list[str]]:
    """Whether it is a list of strings."""
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
