"""From a create or edit request to an issue's fields and links, or to everything that Jira refuses in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deployments.jira_sandbox import adf, catalogue
from deployments.jira_sandbox.catalogue import IssueType, LinkType
from deployments.jira_sandbox.fields import CHECKS, Draft, FieldProblem
from deployments.jira_sandbox.problems import JiraProblem, unreadable_body
from deployments.jira_sandbox.screens import is_required, on_screen
from deployments.jira_sandbox.site import Call
from deployments.jira_sandbox.store import Issue, Project

PROPERTY_KEY_LIMIT = 255
PROPERTY_VALUE_LIMIT = 32_768
NOT_ON_SCREEN = "Field '{}' cannot be set. It is not on the appropriate screen, or unknown."
IN_ANOTHER_WAY = {"project", "issuetype", "issuelinks", "attachment"}


@dataclass(frozen=True)
class NewLink:
    """A link asked for in `update`; the issue at hand is its source or its target."""

    type: LinkType
    other: Issue
    outward: bool


@dataclass(frozen=True)
class Accepted:
    """A request that Jira takes."""

    project: Project
    fields: dict[str, Any]
    links: list[NewLink]
    properties: dict[str, Any]


class Reader:
    """Collects the values and the refusals of one request."""

    def __init__(self, call: Call, project: Project, kind: IssueType, issue: Issue | None = None) -> None:
        self.call = call
        self.draft = Draft(call, project, kind, issue)
        self.screen = {field.id: field for field in on_screen(call, kind)}
        self.values: dict[str, Any] = {}
        self.links: list[NewLink] = []
        self.messages: list[str] = []
        self.errors: dict[str, str] = {}

    def read(self, name: str, value: Any) -> None:
        """Check one field and keep its value."""
        if name not in self.screen:
            self.errors[name] = NOT_ON_SCREEN.format(name)
        elif name in CHECKS:
            try:
                self.values[name] = CHECKS[name](self.draft, value)
            except FieldProblem as problem:
                self.refuse(name, problem)
        elif name not in ("project", "issuetype"):
            self.errors[name] = f"Field '{name}' does not support operation 'set'"

    def refuse(self, name: str, problem: FieldProblem) -> None:
        """Put a refusal into the channel that Jira uses for it."""
        if problem.named:
            self.errors[name] = problem.text
        else:
            self.messages.append(problem.text)
        if problem.general:
            self.messages.append(problem.general)

    def update(self, name: str, operations: Any) -> None:
        """Apply the operations of `update` to one field."""
        if not isinstance(operations, list) or not all(
            isinstance(op, dict) and len(op) == 1 for op in operations
        ):
            raise unreadable_body()
        if name == "issuelinks":
            for operation in operations:
                self.add_link(operation)
            return
        value = self.draft.issue.fields.get(name) if self.draft.issue else None
        for operation in operations:
            value = apply(name, operation, value)
        self.read(name, value)

    def add_link(self, operation: dict[str, Any]) -> None:
        """`{"add": {"type", "outwardIssue"}}`: the issue at hand becomes the source."""
        if "issuelinks" not in self.screen:
            self.errors["issuelinks"] = NOT_ON_SCREEN.format("issuelinks")
            return
        wanted = operation.get("add")
        kind = catalogue.link_type(wanted.get("type")) if isinstance(wanted, dict) else None
        if not isinstance(wanted, dict) or kind is None:
            self.errors["issuelinks"] = "No issue link type with this name or id found."
            return
        side = "outwardIssue" if "outwardIssue" in wanted else "inwardIssue"
        other = find_issue(self.call, wanted.get(side))
        if other is None:
            self.errors["issuelinks"] = "Issue does not exist or you do not have permission to see it."
        else:
            self.links.append(NewLink(kind, other, side == "outwardIssue"))

    def require(self) -> None:
        """Refuse what the screen demands and the request leaves out."""
        for field in self.screen.values():
            given = self.values.get(field.id) not in (None, [], "") or field.id in self.errors
            if given or field.id in IN_ANOTHER_WAY or field.has_default or not is_required(self.call, field):
                continue
            wording = (
                "You must specify a summary of the issue."
                if field.id == "summary"
                else f"{field.name} is required."
            )
            self.errors[field.id] = wording
        if self.draft.kind.level < 0 and "parent" not in self.values and "parent" not in self.errors:
            self.read("parent", None)

    def finish(self) -> None:
        """Raise all refusals together."""
        if self.messages or self.errors:
            raise JiraProblem(400, *dict.fromkeys(self.messages), errors=self.errors)


def read_new(call: Call, request: Any) -> Accepted:
    """A create request."""
    fields, update = parts(request)
    project = find_project(call, fields.get("project"))
    kind = catalogue.issue_type(fields.get("issuetype"))
    if kind is None:
        text = "The issue type selected is invalid." if fields.get("issuetype") else "Specify an issue type"
        raise JiraProblem(400, errors={"issuetype": text})
    reader = Reader(call, project, kind)
    read_all(reader, fields, update)
    reader.require()
    properties = read_properties(request.get("properties", []))
    reader.finish()
    defaults = {
        "issuetype": kind.id,
        "priority": catalogue.DEFAULT_PRIORITY,
        "labels": [],
        "components": [],
        "reporter": call.login.account_id,
    }
    return Accepted(project, defaults | reader.values, reader.links, properties)


def read_edit(call: Call, issue: Issue, request: Any) -> Accepted:
    """An edit request: the issue's fields with the changes applied."""
    fields, update = parts(request)
    project = call.project(str(issue.project_id))
    kind = catalogue.issue_type(fields.get("issuetype", {"id": issue.fields["issuetype"]}))
    if kind is None:
        raise JiraProblem(400, errors={"issuetype": "The issue type selected is invalid."})
    reader = Reader(call, project, kind, issue)
    read_all(reader, fields, update)
    properties = read_properties(request.get("properties", []))
    reader.finish()
    return Accepted(project, issue.fields | reader.values | {"issuetype": kind.id}, reader.links, properties)


def parts(request: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """`fields` and `update`; a field may stand in one of them only."""
    if not isinstance(request, dict):
        raise unreadable_body()
    fields, update = request.get("fields") or {}, request.get("update") or {}
    if not isinstance(fields, dict) or not isinstance(update, dict):
        raise unreadable_body()
    twice = sorted(set(fields) & set(update))
    if twice:
        text = "Field cannot be set both in 'fields' and 'update'."
        raise JiraProblem(400, errors=dict.fromkeys(twice, text))
    return fields, update


def read_all(reader: Reader, fields: Mapping[str, Any], update: Mapping[str, Any]) -> None:
    """Every field of the request, so that all refusals are reported at once."""
    for name, value in fields.items():
        reader.read(name, value)
    for name, operations in update.items():
        reader.update(name, operations)


def apply(name: str, operation: dict[str, Any], value: Any) -> Any:
    """One operation on a value; the stored ids of components become references again."""
    ((verb, argument),) = operation.items()
    if verb == "set":
        return argument
    current = list(value or [])
    if name == "components":
        current = [{"id": item} if isinstance(item, str) else item for item in current]
    if name not in ("labels", "components") or verb not in ("add", "remove"):
        raise JiraProblem(400, errors={name: f"Field '{name}' does not support operation '{verb}'"})
    return [*current, argument] if verb == "add" else [item for item in current if item != argument]


def find_project(call: Call, reference: Any) -> Project:
    """The project of a create request, in which the caller may create."""
    named = isinstance(reference, dict) and (reference.get("key") or reference.get("id"))
    project = call.site.store.project(str(named)) if named else None
    if project is None or not call.may_see(project.key):
        raise JiraProblem(400, errors={"project": "valid project is required"})
    if "CREATE_ISSUES" not in call.permissions:
        raise JiraProblem(400, "You do not have permission to create issues in this project.")
    return project


def find_issue(call: Call, reference: Any) -> Issue | None:
    """An issue by `{"key"}` or `{"id"}`, if the caller may see it."""
    if not isinstance(reference, dict):
        return None
    try:
        return call.issue(str(reference.get("key") or reference.get("id") or ""))
    except JiraProblem:
        return None


def read_properties(given: Any) -> dict[str, Any]:
    """Entity properties of a create or edit request."""
    if not isinstance(given, list):
        raise unreadable_body()
    for item in given:
        if not isinstance(item, dict) or not isinstance(item.get("key"), str) or "value" not in item:
            raise JiraProblem(400, "The property must have a key and a value.")
        check_property(item["key"], item["value"])
    return {item["key"]: item["value"] for item in given}


def check_property(key: str, value: Any) -> None:
    """The limits of an entity property."""
    if not 0 < len(key.encode("utf-8", "surrogatepass")) <= PROPERTY_KEY_LIMIT:
        raise JiraProblem(400, "The property key cannot be longer than 255 bytes.")
    if len(adf.compact(value).encode("utf-8", "surrogatepass")) > PROPERTY_VALUE_LIMIT:
        raise JiraProblem(400, "The property value cannot be longer than 32768 bytes.")
