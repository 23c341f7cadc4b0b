"""What is sent to Jira for a ticket: the fields its create screen has, a label, and the proof of what it is.

A value that the screen does not offer is left out and named as a manual fix. Summary, description and the
attached file are never touched: they passed validation exactly as they are.
"""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import Field

from tasks.core.tickets.model import AttachmentFile, Frozen

T = TypeVar("T")

PROPERTY = "drupal-ticket-generator"
SPRINT_FIELD = "com.pyxis.greenhopper.jira:gh-sprint"
EPIC_FIELD = "com.pyxis.greenhopper.jira:gh-epic-link"
# Without these nothing can be exported: the text, and the mark by which a lost issue is found again.
NEEDED = ("summary", "description", "labels")
# Set by Jira itself, or always sent.
ALWAYS_FILLED = ("project", "issuetype", "reporter", *NEEDED)


class ScreenField(Frozen):
    """A field of a create screen; `allowed` maps the names and ids that Jira offers to what is sent."""

    field_id: str
    name: str
    required: bool = False
    has_default: bool = False
    custom: str | None = None
    allowed: dict[str, Any] | None = None


class Target(Frozen):
    """Where the issues of a session go, and what every one of them carries."""

    site: str
    project_key: str
    session_id: str
    issue_type: str
    screens: dict[str, tuple[ScreenField, ...]] = Field(description="Create screens by issue type name.")
    issue_type_ids: dict[str, str]
    labels: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    parent_key: str | None = None
    link_type: str | None = None
    link_wanted: str = "Blocks"
    sprints: dict[str, int] = Field(default_factory=dict, description="Sprint ids by name and by id.")
    people: dict[str, str] = Field(default_factory=dict, description="Account ids by name and by id.")
    can_assign: bool = True

    @property
    def label(self) -> str:
        """The one label that finds all issues of this session."""
        return session_label(self.session_id)


class Outgoing(Frozen):
    """A ticket as it leaves us."""

    ticket_id: str
    key: str = Field(default="", description="The planned key, stable over versions of the spec.")
    rows: tuple[str, ...] = Field(default=(), description="Identities of its rows, for the export record.")
    title: str
    description: dict[str, Any]
    content_hash: str
    attachment: AttachmentFile | None = None
    issue_type: str | None = None
    labels: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    priority: str | None = None
    assignee: str | None = None
    sprint: str | None = None


class ManualFix(Frozen):
    """What a person has to do by hand in Jira, because Jira would not take it from us."""

    field: str
    wanted: str
    action: str


class Payload(Frozen):
    """The body of one create request, and what had to be left out of it."""

    body: dict[str, Any]
    fixes: tuple[ManualFix, ...] = ()


def session_label(session_id: str) -> str:
    """The label of a session's issues: no spaces, and short enough to read."""
    return "dtg-" + session_id.replace("-", "")[:12]


def proof(session_id: str, ticket_id: str, content_hash: str) -> dict[str, Any]:
    """The entity property that says which ticket an issue is, and which text it has."""
    return {"key": PROPERTY, "value": {"session": session_id, "ticket": ticket_id, "hash": content_hash}}


def missing_on_screen(screen: Sequence[ScreenField]) -> list[str]:
    """Fields that an export cannot do without."""
    present = {field.field_id for field in screen}
    return [name for name in NEEDED if name not in present]


def unfilled(ticket: Outgoing, target: Target) -> list[str]:
    """Fields that the create screen requires and that the request for this ticket would leave empty."""
    filled = {*ALWAYS_FILLED, "priority", *payload(ticket, target).body["fields"]}
    screen = target.screens[ticket.issue_type or target.issue_type]
    required = (field for field in screen if field.required and not field.has_default)
    return [field.name for field in required if field.field_id not in filled]


def payload(ticket: Outgoing, target: Target, without: Iterable[str] = ()) -> Payload:
    """The create request of a ticket; the fields in `without` were refused by Jira before."""
    return _Builder(ticket, target, frozenset(without)).build()


def content_update(ticket: Outgoing, target: Target) -> dict[str, Any]:
    """The request that brings an issue which was found again to the text that passed validation."""
    return {
        "fields": {"summary": ticket.title, "description": ticket.description},
        "properties": [proof(target.session_id, ticket.ticket_id, ticket.content_hash)],
    }


class _Builder:
    def __init__(self, ticket: Outgoing, target: Target, without: frozenset[str]) -> None:
        self.ticket, self.target, self.without = ticket, target, without
        self.issue_type = ticket.issue_type or target.issue_type
        self.screen = {field.field_id: field for field in target.screens[self.issue_type]}
        self.fields: dict[str, Any] = {}
        self.fixes: list[ManualFix] = []

    def build(self) -> Payload:
        ticket, target = self.ticket, self.target
        labels = ("-".join(label.split()) for label in (target.label, *target.labels, *ticket.labels))
        self.fields = {
            "project": {"key": target.project_key},
            "issuetype": {"id": target.issue_type_ids[self.issue_type]},
            "summary": ticket.title,
            "description": ticket.description,
            "labels": list(dict.fromkeys(filter(None, labels))),
        }
        self._parent()
        self._priority()
        self._components()
        self._assignee()
        self._sprint()
        marks = [proof(target.session_id, ticket.ticket_id, ticket.content_hash)]
        return Payload(body={"fields": self.fields, "properties": marks}, fixes=tuple(self.fixes))

    def _parent(self) -> None:
        key = self.target.parent_key
        if key is None:
            return
        epic = self._custom(EPIC_FIELD)
        if "parent" in self.screen:
            self.fields["parent"] = {"key": key}
        elif epic is not None:
            self.fields[epic.field_id] = key
        else:
            self._fix("parent", key, f"Set the parent to {key}.")

    def _priority(self) -> None:
        wanted = self.ticket.priority
        if wanted is None:
            return
        if (value := self._allowed("priority", wanted)) is not None:
            self.fields["priority"] = value
        else:
            self._fix("priority", wanted, f"Set the priority to {wanted}; it has the project's default now.")

    def _components(self) -> None:
        wanted = dict.fromkeys((*self.target.components, *self.ticket.components))
        values = {name: self._allowed("components", name) for name in wanted}
        for name in (name for name, value in values.items() if value is None):
            self._fix("components", name, f"Create the component {name} in the project and add it.")
        if found := [value for value in values.values() if value is not None]:
            self.fields["components"] = found

    def _assignee(self) -> None:
        wanted = self.ticket.assignee
        if wanted is None:
            return
        account = self.target.people.get(wanted.casefold())
        if account and self.target.can_assign and self._offers("assignee"):
            self.fields["assignee"] = {"accountId": account}
        else:
            self._fix("assignee", wanted, f"Assign the issue to {wanted}; it is unassigned now.")

    def _sprint(self) -> None:
        wanted = self.ticket.sprint
        if wanted is None:
            return
        field, sprint = self._custom(SPRINT_FIELD), self.target.sprints.get(wanted.casefold())
        if field and sprint and self._offers(field.field_id):
            self.fields[field.field_id] = sprint  # a bare number, though the schema says array
        else:
            self._fix("sprint", wanted, f"Move the issue to the sprint {wanted}; it is in the backlog now.")

    def _offers(self, field_id: str) -> bool:
        return field_id in self.screen and field_id not in self.without

    def _allowed(self, field_id: str, wanted: str) -> Any:
        if not self._offers(field_id):
            return None
        allowed = self.screen[field_id].allowed
        return {"name": wanted} if allowed is None else allowed.get(wanted.casefold())

    def _custom(self, kind: str) -> ScreenField | None:
        return next((field for field in self.screen.values() if field.custom == kind), None)

    def _fix(self, field: str, wanted: str, action: str) -> None:
        self.fixes.append(ManualFix(field=field, wanted=wanted, action=action))


def droppable(target: Target, ticket: Outgoing) -> frozenset[str]:
    """Fields that may be left out when Jira refuses them: none of them is content."""
    screen = target.screens[ticket.issue_type or target.issue_type]
    sprints = (field.field_id for field in screen if field.custom == SPRINT_FIELD)
    return frozenset({"assignee", "priority", "components", *sprints})


def in_order(ids: Sequence[str], depends_on: Mapping[str, Iterable[str]]) -> list[str]:
    """The same ids, each after what it depends on, otherwise as they were; cycles give way at their first id."""
    place = {ticket: position for position, ticket in enumerate(ids)}
    waiting = {
        ticket: {d for d in depends_on.get(ticket, ()) if d in place and d != ticket} for ticket in ids
    }
    blocked: dict[str, list[str]] = {ticket: [] for ticket in ids}
    for ticket, needed in waiting.items():
        for dependency in needed:
            blocked[dependency].append(ticket)
    free = [place[ticket] for ticket in ids if not waiting[ticket]]
    heapq.heapify(free)
    ordered: list[str] = []
    done: set[str] = set()
    while len(ordered) < len(ids):
        ticket = ids[heapq.heappop(free)] if free else next(t for t in ids if t not in done)
        if ticket in done:
            continue
        ordered.append(ticket)
        done.add(ticket)
        for later in blocked[ticket]:
            waiting[later].discard(ticket)
            if not waiting[later] and later not in done:
                heapq.heappush(free, place[later])
    return ordered


def chunks(items: Sequence[T], size: int) -> list[Sequence[T]]:
    """The items in pieces of at most `size`, in their order."""
    return [items[start : start + size] for start in range(0, len(items), size)]
