"""What every project of the sandbox has: issue types, priorities, link types, members, fields, boards and sprints."""

from dataclasses import dataclass

SPRINT_FIELD = "customfield_10020"
POINTS_FIELD = "customfield_10016"


@dataclass(frozen=True)
class IssueType:
    """A kind of issue; level 1 is an epic, -1 a sub-task."""

    id: str
    name: str
    description: str
    level: int = 0


@dataclass(frozen=True)
class Named:
    """Something with an id and a name: a priority or a component."""

    id: str
    name: str


@dataclass(frozen=True)
class LinkType:
    """Both wordings of a link: the source `outward` the target, the target `inward` the source."""

    id: str
    name: str
    inward: str
    outward: str


@dataclass(frozen=True)
class Member:
    """A user of the site; not every user can be assigned."""

    account_id: str
    name: str
    email: str
    kind: str = "atlassian"
    active: bool = True

    @property
    def assignable(self) -> bool:
        """Apps and deactivated accounts show up in a search and cannot be assigned."""
        return self.active and self.kind == "atlassian"


@dataclass(frozen=True)
class Field:
    """A field of the create screen: its schema and the permission without which it is not shown."""

    id: str
    name: str
    type: str
    items: str = ""
    custom: str = ""
    required: bool = False
    has_default: bool = False
    operations: tuple[str, ...] = ("set",)
    permission: str = "BROWSE_PROJECTS"
    levels: tuple[int, ...] = (1, 0, -1)


ISSUE_TYPES = (
    IssueType("10000", "Epic", "A big user story that needs to be broken down.", 1),
    IssueType("10001", "Story", "Functionality expressed as a user goal."),
    IssueType("10002", "Task", "A small, distinct piece of work."),
    IssueType("10003", "Bug", "A problem or error."),
    IssueType("10004", "Sub-task", "A small piece of work that is part of a larger one.", -1),
)
PRIORITIES = tuple(
    Named(str(n), name) for n, name in enumerate(("Highest", "High", "Medium", "Low", "Lowest"), 1)
)
DEFAULT_PRIORITY = "3"
COMPONENTS = (Named("10100", "Content"), Named("10101", "Front end"), Named("10102", "Site building"))
LINK_TYPES = (
    LinkType("10000", "Blocks", "is blocked by", "blocks"),
    LinkType("10001", "Cloners", "is cloned by", "clones"),
    LinkType("10002", "Duplicate", "is duplicated by", "duplicates"),
    LinkType("10003", "Relates", "relates to", "relates to"),
)
# The first two make the first page of a member search shorter than asked for, as on a real site.
MEMBERS = (
    Member("557058:0a1b2c3d-1111-4aaa-8bbb-000000000001", "Automation for Jira", "", kind="app"),
    Member("5b10a2844c20165700ede20f", "Gone Colleague", "gone@example.com", active=False),
    Member("5b10a2844c20165700ede21a", "Ada Palmer", "ada.palmer@example.com"),
    Member("5b10a2844c20165700ede21b", "Björn Okafor", "bjorn.okafor@example.com"),
    Member("5b10a2844c20165700ede21c", "Chen Wei", "chen.wei@example.com"),
    Member("5b10a2844c20165700ede21d", "Dana O'Neil", "dana.oneil@example.com"),
    Member("5b10a2844c20165700ede21e", "Eli Marsh", ""),
)
FIELDS = (
    Field("project", "Project", "project", required=True),
    Field("issuetype", "Issue Type", "issuetype", required=True, operations=()),
    Field("summary", "Summary", "string", required=True),
    Field("description", "Description", "string"),
    Field("labels", "Labels", "array", items="string", operations=("add", "set", "remove")),
    Field("priority", "Priority", "priority", has_default=True),
    Field("components", "Components", "array", items="component", operations=("add", "set", "remove")),
    Field("assignee", "Assignee", "user", permission="ASSIGN_ISSUES"),
    Field("reporter", "Reporter", "user", required=True, has_default=True, permission="MODIFY_REPORTER"),
    Field("parent", "Parent", "issuelink", levels=(0, -1)),
    Field("duedate", "Due date", "date", permission="SCHEDULE_ISSUES"),
    Field(
        "attachment",
        "Attachment",
        "array",
        items="attachment",
        operations=(),
        permission="CREATE_ATTACHMENTS",
    ),
    Field(
        "issuelinks",
        "Linked Issues",
        "array",
        items="issuelinks",
        operations=("add",),
        permission="LINK_ISSUES",
    ),
    Field(
        SPRINT_FIELD,
        "Sprint",
        "array",
        items="json",
        custom="com.pyxis.greenhopper.jira:gh-sprint",
        permission="SCHEDULE_ISSUES",
        levels=(0,),
    ),
    Field(
        POINTS_FIELD,
        "Story point estimate",
        "number",
        custom="com.pyxis.greenhopper.jira:jsw-story-points",
        levels=(1, 0),
    ),
)
READ_ONLY_FIELDS = (
    Field("status", "Status", "status"),
    Field("creator", "Creator", "user"),
    Field("created", "Created", "datetime"),
    Field("updated", "Updated", "datetime"),
    Field("subtasks", "Sub-tasks", "array", items="issuelinks"),
)


@dataclass(frozen=True)
class Board:
    """A board of a project; only scrum boards have sprints."""

    id: int
    project_id: int
    name: str
    kind: str


@dataclass(frozen=True)
class Sprint:
    """A sprint of a scrum board."""

    id: int
    board_id: int
    name: str
    state: str
    goal: str = ""


def boards_of(project_id: int, key: str) -> tuple[Board, Board]:
    """A scrum board and a kanban board, as a team has them."""
    return (
        Board(project_id * 2, project_id, f"{key} board", "scrum"),
        Board(project_id * 2 + 1, project_id, f"{key} kanban", "kanban"),
    )


def sprints_of(project_id: int, key: str) -> tuple[Sprint, ...]:
    """Closed, active and future sprints of the project's scrum board, in Jira's order."""
    board = boards_of(project_id, key)[0].id
    states = ("closed", "active", "future", "future")
    return tuple(
        Sprint(project_id * 10 + n, board, f"{key} Sprint {n}", state) for n, state in enumerate(states, 1)
    )


def issue_type(value: object) -> IssueType | None:
    """Find a type by `{"id"}` or `{"name"}`."""
    return next((t for t in ISSUE_TYPES if matches(t.id, t.name, value)), None)


def priority(value: object) -> Named | None:
    """Find a priority by `{"id"}` or `{"name"}`."""
    return next((p for p in PRIORITIES if matches(p.id, p.name, value)), None)


def component(value: object) -> Named | None:
    """Find a component by `{"id"}` or `{"name"}`."""
    return next((c for c in COMPONENTS if matches(c.id, c.name, value)), None)


def link_type(value: object) -> LinkType | None:
    """Find a link type by `{"id"}` or `{"name"}`."""
    return next((t for t in LINK_TYPES if matches(t.id, t.name, value)), None)


def matches(ident: str, name: str, value: object) -> bool:
    """Whether a reference from a request means this one; an id beats a name."""
    if not isinstance(value, dict):
        return False
    if "id" in value:
        return str(value["id"]) == ident
    return isinstance(value.get("name"), str) and value["name"].casefold() == name.casefold()
