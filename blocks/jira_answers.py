"""What Jira answers, typed. Unknown members are ignored, missing ones that we need are an error."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class Answer(BaseModel):
    """Base of everything below: read under Jira's names, used under ours."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, alias_generator=to_camel)


class User(Answer):
    """A person or an app."""

    account_id: str
    display_name: str = ""
    active: bool = True


class Project(Answer):
    """A project, as far as we name it."""

    id: str
    key: str
    name: str


class IssueType(Answer):
    """A kind of issue that a project has."""

    id: str
    name: str
    subtask: bool = False


class FieldSchema(Answer):
    """What a field holds; `custom` names the kind of a custom field."""

    type: str = ""
    items: str | None = None
    custom: str | None = None


class CreateField(Answer):
    """One field of a create screen. Only these can be set when an issue is created."""

    field_id: str
    name: str
    required: bool = False
    has_default_value: bool = False
    kind: FieldSchema = Field(default=FieldSchema(), alias="schema")
    allowed_values: tuple[Any, ...] = ()


class Sprint(Answer):
    """A sprint that is running or still to come."""

    id: int
    name: str
    state: str = ""


class Board(Answer):
    """A board, which is where sprints live."""

    id: int
    name: str = ""


class LinkType(Answer):
    """A kind of link between two issues."""

    id: str
    name: str
    inward: str = ""
    outward: str = ""


class AttachmentInfo(Answer):
    """A file that is on an issue."""

    id: str
    filename: str
    size: int = 0
    created: str = ""
    author: User | None = None

    @property
    def author_id(self) -> str | None:
        """The account that put it there."""
        return self.author.account_id if self.author else None


class IssueLink(Answer):
    """A link as one of its issues shows it: the member that is set names the other issue."""

    id: str
    type: LinkType
    inward_issue: dict[str, Any] | None = None
    outward_issue: dict[str, Any] | None = None


class Issue(Answer):
    """An issue with the fields and the entity properties that were asked for."""

    id: str
    key: str
    fields: dict[str, Any] = Field(default_factory=dict)
    properties: dict[str, Any] = Field(default_factory=dict)

    @property
    def attachments(self) -> tuple[AttachmentInfo, ...]:
        """The files on it, when the field `attachment` was asked for."""
        return tuple(AttachmentInfo.model_validate(found) for found in self.fields.get("attachment") or ())


class IssuePage(Answer):
    """Some of the issues that were asked for; `issue_errors` names those that Jira could not read just now."""

    issues: tuple[Issue, ...]  # a page that does not say is not taken for an empty one
    issue_errors: tuple[dict[str, Any], ...] = ()
    is_last: bool = False
    next_page_token: str | None = None


class CreatedIssue(Answer):
    """An issue that a create request made; which ticket it is, only its property says."""

    id: str
    key: str


class ErrorCollection(Answer):
    """Why a request was refused: for the request as a whole, and field by field."""

    error_messages: tuple[str, ...] = ()
    errors: dict[str, Any] = Field(default_factory=dict)

    def text(self) -> str:
        """Everything it says, in one line."""
        return "; ".join([*self.error_messages, *(f"{field}: {why}" for field, why in self.errors.items())])


class ElementError(Answer):
    """Why one element of a bulk request was refused; the number is its place in the request."""

    failed_element_number: int
    status: int = 400
    element_errors: ErrorCollection = ErrorCollection()


class BulkCreated(Answer):
    """The answer to a bulk create: 201 says only that something was created."""

    issues: tuple[CreatedIssue, ...] = ()
    errors: tuple[ElementError, ...] = ()


class ProjectContext(BaseModel):
    """A project as one account sees it; JSON-safe, so that it can be kept for a day."""

    model_config = ConfigDict(frozen=True)

    site: str
    key: str
    name: str
    account_id: str
    account_name: str
    permissions: dict[str, bool]
    sprints: tuple[Sprint, ...] = ()
    members: tuple[User, ...] = ()
    issue_types: tuple[IssueType, ...] = ()
    create_fields: dict[str, tuple[CreateField, ...]] = Field(
        default_factory=dict, description="Fields of the create screen, by name of the issue type."
    )

    @property
    def can_create_tickets(self) -> bool:
        """Whether this account may create issues here."""
        return self.permissions.get("CREATE_ISSUES", False)

    @property
    def can_assign_tickets(self) -> bool:
        """Whether this account may assign issues here."""
        return self.permissions.get("ASSIGN_ISSUES", False)
