"""What is chosen from the project: held against what Jira said of it, which is asked again when it is a day old."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import session_scope
from db.models import JiraProjectContext
from db.repositories.projects import ProjectRepository
from tasks.core.errors import UserFixable
from tasks.core.tickets.wording import visible

# Under which column the project keeps what can be chosen, and under which names an entry is known there.
CHOICES = {
    "sprint": ("available_sprints", ("name", "id")),
    "assignee": ("team_members", ("display_name", "account_id")),
    "issue_type": ("issue_types", ("name",)),
}
ON_SCREEN = {"priority": "priority", "components": "components"}
SHOWN = 8

Refresh: TypeAlias = Callable[[UUID], Awaitable[None]]  # asks Jira and keeps the answer


async def choose(
    engine: AsyncEngine, session_id: UUID, values: Mapping[str, Any], refresh: Refresh | None = None
) -> dict[str, Any]:
    """The values as the project writes them; what the project does not have is refused, with what it has.

    Where the answer of Jira is a day old, or does not know the value, Jira is asked anew before anything is refused.
    """
    wanted = {name: value for name, value in values.items() if name in (*CHOICES, *ON_SCREEN) and value}
    if not wanted:
        return dict(values)
    async with session_scope(engine) as session:
        projects = ProjectRepository(session)
        fresh = await projects.get(session_id)
        project = fresh or await projects.get(session_id, max_age=None)
    if refresh is not None and (fresh is None or _unknown(fresh, wanted)):
        await refresh(session_id)
        async with session_scope(engine) as session:
            project = await ProjectRepository(session).get(session_id, max_age=None)
    if project is None:  # nothing is known of it yet: export then names what does not fit
        return dict(values)
    return {**values, **_chosen(project, wanted)}


def _unknown(project: JiraProjectContext, wanted: Mapping[str, Any]) -> bool:
    try:
        _chosen(project, wanted)
    except UserFixable:
        return True
    return False


def _chosen(project: JiraProjectContext, wanted: Mapping[str, Any]) -> dict[str, Any]:
    chosen: dict[str, Any] = {}
    for name, value in wanted.items():
        what = name.replace("_", " ")
        if name in CHOICES:
            column, keys = CHOICES[name]
            chosen[name] = _one_of(what, value, getattr(project, column), keys)
        elif offered := _on_screen(project, ON_SCREEN[name]):
            several = [_one_of(what, one, offered, ("name",)) for one in _list(value)]
            chosen[name] = several if isinstance(value, list) else several[0]
    return chosen


def _on_screen(project: JiraProjectContext, field: str) -> list[Mapping[str, Any]]:
    """What the create screens offer for a field; nothing where they do not say."""
    fields = [one for screen in project.create_fields.values() for one in screen if one["field_id"] == field]
    return [value for one in fields for value in one.get("allowed_values") or () if "name" in value]


def _list(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def _one_of(what: str, wanted: str, offered: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> str:
    for entry in offered:
        if wanted.casefold() in {str(entry.get(key, "")).casefold() for key in keys}:
            return str(entry[keys[0]])
    names = list(dict.fromkeys(str(entry[keys[0]]) for entry in offered))
    near = get_close_matches(wanted, names, n=SHOWN, cutoff=0.5) or names[:SHOWN]
    raise UserFixable(
        f"The project has no {what} “{visible(wanted)[:80]}”.",
        actions=(f"Use one of: {', '.join(near)}.",) if near else (f"The project has no {what} at all.",),
        code=f"{what.replace(' ', '-')}-unknown",
    )
