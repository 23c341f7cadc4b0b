"""Which fields a caller finds on the create and edit screens of an issue type."""

from deployments.jira_sandbox.catalogue import FIELDS, Field, IssueType
from deployments.jira_sandbox.site import Call


def on_screen(call: Call, kind: IssueType) -> list[Field]:
    """The fields that this caller can set for this type; a missing permission takes its field away."""
    missing = set(call.site.settings.missing_fields)
    return [
        field
        for field in FIELDS
        if kind.level in field.levels and field.id not in missing and field.permission in call.permissions
    ]


def is_required(call: Call, field: Field) -> bool:
    """Whether the screen refuses an issue without it."""
    return field.required or field.id in call.site.settings.required_fields
