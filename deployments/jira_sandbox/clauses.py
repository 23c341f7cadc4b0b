"""What a JQL clause means on the documents of the search index."""

import operator
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from deployments.jira_sandbox import catalogue
from deployments.jira_sandbox.jql import Clause, Document, Test
from deployments.jira_sandbox.problems import JiraProblem
from deployments.jira_sandbox.site import Call

DATES = ("%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y-%m-%d", "%Y/%m/%d")
UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
RELATIVE = re.compile(r"([+-]?)(\d{1,6})([mhdw])")
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
SORT: dict[str, Callable[[Document], Any]] = {
    "key": lambda d: (d["project"], d["id"]),
    "issuekey": lambda d: (d["project"], d["id"]),
    "id": lambda d: d["id"],
    "rank": lambda d: d["id"],
    "project": lambda d: d["project"],
    "created": lambda d: (d["created"], d["id"]),
    "updated": lambda d: (d["updated"], d["id"]),
    "summary": lambda d: d["summary"],
    "priority": lambda d: -int(d["priority"]),
}


def meaning(call: Call) -> Callable[[Clause], Test]:
    """How clauses read for this caller."""

    def test(clause: Clause) -> Test:
        name = clause.field.casefold()
        if name in ("created", "updated"):
            return date_test(clause, name)
        if name in ("summary", "text"):
            return text_test(clause)
        if name not in FIELDS:
            raise JiraProblem(
                400, f"Field '{clause.field}' does not exist or you do not have permission to view it."
            )
        return member_test(clause, [FIELDS[name](call, value) for value in clause.values], HELD[FIELDS[name]])

    return test


def member_test(clause: Clause, wanted: list[Any], held: Callable[[Document], list[Any]]) -> Test:
    """Equality and membership; as in JQL, an empty field matches no negation."""
    if clause.operator == "is":
        return lambda document: not held(document)
    if clause.operator == "is not":
        return lambda document: bool(held(document))
    if clause.operator in ("=", "in"):
        return lambda document: any(value in wanted for value in held(document))
    if clause.operator in ("!=", "not in"):
        return lambda document: bool(held(document)) and not any(value in wanted for value in held(document))
    text = f"The operator '{clause.operator}' is not supported by the '{clause.field}' field."
    raise JiraProblem(400, text)


def date_test(clause: Clause, name: str) -> Test:
    """Comparison with a time or a span before now."""
    compare = COMPARE.get(clause.operator)
    if compare is None:
        raise JiraProblem(
            400, f"The operator '{clause.operator}' is not supported by the '{clause.field}' field."
        )
    moment = read_date(clause.values[0], clause.field)
    return lambda document: compare(datetime.strptime(document[name], "%Y-%m-%dT%H:%M:%S.%f%z"), moment)


def read_date(text: str, field: str) -> datetime:
    """`2026-11-23 14:30`, `2026-11-23`, `-2h` or `now()`."""
    if text.casefold() == "now()":
        return datetime.now(UTC)
    if match := RELATIVE.fullmatch(text):
        span = timedelta(**{UNITS[match[3]]: int(match[2])})
        return datetime.now(UTC) + (-span if match[1] == "-" else span)
    for form in DATES:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    forms = "'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd' and '-5d'"
    raise JiraProblem(
        400, f"Date value '{text}' for field '{field}' is invalid. Valid formats include: {forms}."
    )


def text_test(clause: Clause) -> Test:
    """All words of the value begin a word of the summary."""
    if clause.operator not in ("~", "!~"):
        raise JiraProblem(
            400, f"The operator '{clause.operator}' is not supported by the '{clause.field}' field."
        )
    words = re.findall(r"\w+", clause.values[0].casefold())

    def test(document: Document) -> bool:
        held = re.findall(r"\w+", document["summary"].casefold())
        return all(any(word.startswith(wanted) for word in held) for wanted in words) == (
            clause.operator == "~"
        )

    return test


def project(call: Call, value: str) -> Any:
    """A project by key, id or name; one that the caller cannot see is refused."""
    for found in call.site.store.projects():
        same = value.casefold() in (found.key.casefold(), found.name.casefold(), str(found.id))
        if same and call.may_see(found.key):
            return found.key
    raise JiraProblem(400, f"The value '{value}' does not exist for the field 'project'.")


def issue(call: Call, value: str) -> Any:
    """An issue by key or id; one that the caller cannot see is refused."""
    try:
        return call.issue(value).id
    except JiraProblem as problem:
        raise JiraProblem(400, f"An issue with key '{value}' does not exist for field 'key'.") from problem


def parent(call: Call, value: str) -> Any:
    """A parent by key or id."""
    return issue(call, value)


def label(_call: Call, value: str) -> Any:
    """A label in any case."""
    return value.casefold()


def choice(find: Callable[[object], Any], field: str) -> Callable[[Call, str], Any]:
    """A value from the catalogue, by id or name."""

    def read(_call: Call, value: str) -> Any:
        found = find({"id": value}) or find({"name": value})
        if found is None:
            raise JiraProblem(400, f"The value '{value}' does not exist for the field '{field}'.")
        return found.id

    return read


def person(field: str) -> Callable[[Call, str], Any]:
    """A user by account id, or the caller."""

    def read(call: Call, value: str) -> Any:
        account_id = call.login.account_id if value.casefold() == "currentuser()" else value
        if call.site.member(account_id) is None:
            raise JiraProblem(400, f"The value '{value}' does not exist for the field '{field}'.")
        return account_id

    return read


def sprint(_call: Call, value: str) -> Any:
    """A sprint by its number."""
    return int(value) if value.isdigit() else value


issue_type, priority = choice(catalogue.issue_type, "issuetype"), choice(catalogue.priority, "priority")
component = choice(catalogue.component, "component")
assignee, reporter, creator = person("assignee"), person("reporter"), person("creator")
FIELDS: dict[str, Callable[[Call, str], Any]] = {
    "project": project,
    "key": issue,
    "issuekey": issue,
    "issue": issue,
    "id": issue,
    "labels": label,
    "issuetype": issue_type,
    "type": issue_type,
    "priority": priority,
    "component": component,
    "assignee": assignee,
    "reporter": reporter,
    "creator": creator,
    "parent": parent,
    "sprint": sprint,
}
HELD: dict[Callable[[Call, str], Any], Callable[[Document], list[Any]]] = {
    project: lambda d: [d["project"]],
    issue: lambda d: [d["id"]],
    label: lambda d: [text.casefold() for text in d["labels"]],
    issue_type: lambda d: [d["issuetype"]],
    priority: lambda d: [d["priority"]],
    component: lambda d: d["components"],
    assignee: lambda d: [d["assignee"]] if d["assignee"] else [],
    reporter: lambda d: [d["reporter"]],
    creator: lambda d: [d["creator"]],
    parent: lambda d: [d["parent"]] if d["parent"] else [],
    sprint: lambda d: [d["sprint"]] if d["sprint"] else [],
}
