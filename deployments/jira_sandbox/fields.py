"""Reading a field from a request: what Jira refuses, in its words; what it takes, as we store it."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from deployments.jira_sandbox import adf, catalogue
from deployments.jira_sandbox.catalogue import POINTS_FIELD, SPRINT_FIELD
from deployments.jira_sandbox.site import Call
from deployments.jira_sandbox.store import Issue, Project

SUMMARY_LIMIT = 255
LABEL_LIMIT = 255
ACCOUNT_ID_LIMIT = 128
NOT_A_DOCUMENT = "Operation value must be an Atlassian Document (see the Atlassian Document Format)"


class FieldProblem(Exception):
    """A value that Jira refuses; `messages` when it names no field, `general` for both channels at once."""

    def __init__(self, text: str, *, general: str = "", named: bool = True) -> None:
        super().__init__(text)
        self.text = text
        self.general = general
        self.named = named


class Draft:
    """What a field check may look at besides the value: the call, the project, the type, the issue on an edit."""

    def __init__(self, call: Call, project: Project, kind: catalogue.IssueType, issue: Issue | None) -> None:
        self.call = call
        self.project = project
        self.kind = kind
        self.issue = issue


def summary(_draft: Draft, value: Any) -> str:
    """One line of at most 255 characters."""
    if value is None or value == "" or (isinstance(value, str) and not value.strip()):
        raise FieldProblem("You must specify a summary of the issue.")
    if not isinstance(value, str):
        raise FieldProblem("Operation value must be a string")
    if "\n" in value or "\r" in value:
        raise FieldProblem("The summary is invalid because it contains newline characters.")
    if adf.utf16_length(value) > SUMMARY_LIMIT:
        raise FieldProblem("Summary can't exceed 255 characters.")
    return value.strip()


def description(draft: Draft, value: Any) -> dict[str, Any] | None:
    """A valid Atlassian Document within the limits."""
    if value is None:
        return None
    if not adf.is_document(value):
        raise FieldProblem(NOT_A_DOCUMENT)
    if not adf.is_valid(value):
        raise FieldProblem("INVALID_INPUT", named=False)
    if adf.has_unknown_media(value):
        raise FieldProblem("ATTACHMENT_VALIDATION_ERROR", named=False)
    settings = draft.call.site.settings
    lengths = [
        {"text": adf.text_length, "json": adf.json_length}[way](value) for way in settings.description_counts
    ]
    if (
        max(lengths, default=0) > settings.description_limit
        or adf.byte_length(value) > adf.UNIVERSAL_LIMIT_BYTES
    ):
        raise FieldProblem("CONTENT_LIMIT_EXCEEDED")
    return dict(value)


def labels(_draft: Draft, value: Any) -> list[str]:
    """Plain strings without spaces, each once."""
    if not isinstance(value, list) or not all(isinstance(label, str) for label in value):
        raise FieldProblem("Operation value must be an array of strings")
    for label in value:
        if re.search(r"\s", label):
            raise FieldProblem(f"The label '{label}' contains spaces which is invalid.")
        if not 0 < adf.utf16_length(label) <= LABEL_LIMIT:
            raise FieldProblem(
                f"The label '{label}' exceeds the maximum length for a single label of 255 characters."
            )
    return sorted(set(value))


def priority(_draft: Draft, value: Any) -> str | None:
    """The id of a priority; none is the default."""
    found = catalogue.priority(value)
    if value is not None and found is None:
        raise FieldProblem("The priority selected is invalid.")
    return found.id if found else catalogue.DEFAULT_PRIORITY


def components(_draft: Draft, value: Any) -> list[str]:
    """Ids of components of the project."""
    if not isinstance(value, list):
        raise FieldProblem("data was not an array")
    found = [catalogue.component(item) for item in value]
    for item, component in zip(value, found, strict=True):
        if component is None:
            raise FieldProblem(f"Component name '{name_in(item)}' is not valid")
    return sorted({component.id for component in found if component})


def assignee(draft: Draft, value: Any) -> str | None:
    """The account id of a user who can be assigned."""
    account_id = read_account(value)
    if account_id is None:
        return None
    member = draft.call.site.member(account_id)
    if member is None:
        raise FieldProblem(f"User '{account_id}' does not exist.")
    if not draft.call.site.assignable(member):
        raise FieldProblem(f"User '{account_id}' cannot be assigned issues.")
    return member.account_id


def reporter(draft: Draft, value: Any) -> str:
    """The account id of a user of the site."""
    account_id = read_account(value) or draft.call.login.account_id
    if draft.call.site.member(account_id) is None:
        raise FieldProblem("The reporter specified is not a user.")
    return account_id


def read_account(value: Any) -> str | None:
    """The account id in `{"accountId"}` or `{"id"}`; names and addresses do not work on Cloud."""
    if value is None:
        return None
    account_id = value.get("accountId", value.get("id")) if isinstance(value, dict) else None
    if account_id is None and isinstance(value, dict) and ("accountId" in value or "id" in value):
        return None
    if not isinstance(account_id, str) or not 0 < len(account_id) <= ACCOUNT_ID_LIMIT:
        raise FieldProblem("expected an object containing an 'accountId' property")
    return account_id


def parent(draft: Draft, value: Any) -> int | None:
    """The number of an issue one level above, in the same project for sub-tasks."""
    if value is None and draft.kind.level >= 0:
        return None
    if value is None:
        raise FieldProblem("Issue type is a sub-task but parent issue key or id not specified.")
    if not isinstance(value, dict):
        raise FieldProblem("data was not an object")
    found = draft.call.site.store.issue(str(value.get("key", value.get("id", ""))))
    if found is None:
        raise FieldProblem("Could not find issue by id or key.")
    kind = catalogue.issue_type({"id": found.fields["issuetype"]})
    if kind is None or kind.level != draft.kind.level + 1:
        raise FieldProblem("Given parent issue does not belong to appropriate hierarchy.")
    if draft.kind.level < 0 and found.project_id != draft.project.id:
        raise FieldProblem("Sub-tasks must be created in the same project as the parent.")
    return found.id


def sprint(draft: Draft, value: Any) -> int | None:
    """A bare number, though the schema says array (jira.md 14)."""
    if value is None:
        return None
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, bool) or not whole:
        raise FieldProblem(
            "The Sprint (id) must be a number", general="Number value expected as the Sprint id."
        )
    for project in draft.call.site.store.projects():
        for known in catalogue.sprints_of(project.id, project.key):
            if known.id == int(value) and known.state != "closed":
                return known.id
    raise FieldProblem(f"Sprint with id '{int(value)}' does not exist or is closed.")


def points(_draft: Draft, value: Any) -> float | None:
    """A number."""
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise FieldProblem("Operation value must be a number")
    return value


def duedate(_draft: Draft, value: Any) -> str | None:
    """A day."""
    try:
        return None if value is None else date.fromisoformat(value).isoformat()
    except (TypeError, ValueError) as error:
        raise FieldProblem("Operation value must be a date in the format 'yyyy-MM-dd'") from error


def name_in(value: Any) -> str:
    """How a refused reference is named in the refusal."""
    return str(value.get("name", value.get("id", ""))) if isinstance(value, dict) else str(value)


CHECKS: Mapping[str, Callable[[Draft, Any], Any]] = {
    "summary": summary,
    "description": description,
    "labels": labels,
    "priority": priority,
    "components": components,
    "assignee": assignee,
    "reporter": reporter,
    "parent": parent,
    "duedate": duedate,
    SPRINT_FIELD: sprint,
    POINTS_FIELD: points,
}
