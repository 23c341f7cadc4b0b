"""Which ticket an issue is: said by the entity property that it was created with, and by nothing else."""

from collections.abc import Sequence

from blocks.jira_answers import Issue
from tasks.core.errors import AdminRequired
from tasks.core.tickets.payload import PROPERTY


def by_ticket(issues: Sequence[Issue], session_id: str) -> dict[str, list[Issue]]:
    """The issues of a session by the ticket that they say they are, the oldest first."""
    found: dict[str, list[Issue]] = {}
    for issue in sorted(issues, key=lambda issue: int(issue.id)):
        mark = issue.properties.get(PROPERTY)
        if isinstance(mark, dict) and mark.get("session") == session_id:
            found.setdefault(str(mark.get("ticket")), []).append(issue)
    return found


def hash_in(issue: Issue) -> str | None:
    """The hash of the text that the issue was given."""
    mark = issue.properties.get(PROPERTY)
    return mark.get("hash") if isinstance(mark, dict) else None


def require_marks(issues: Sequence[Issue]) -> None:
    """Stop where Jira does not keep our property: without it nobody could tell what was created already."""
    for issue in issues:
        if PROPERTY not in issue.properties:
            raise AdminRequired(
                f"{issue.key} lacks the property that says which ticket it is.",
                code="jira-property-missing",
                actions=("Ask a Jira administrator whether something removes issue properties.",),
            )
