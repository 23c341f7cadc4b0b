"""What Jira said about the project of a session."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from db.actor import Actor
from db.base import NOW
from db.enums import EventCategory
from db.models import JiraProjectContext
from db.repositories.base import Repository

KEPT_FOR = timedelta(hours=24)


class ProjectRepository(Repository):
    """The cached project of a session."""

    async def store(
        self,
        session_id: uuid.UUID,
        *,
        project_key: str,
        project_name: str,
        can_create_tickets: bool,
        can_assign_tickets: bool,
        available_sprints: Sequence[Mapping[str, Any]],
        team_members: Sequence[Mapping[str, Any]],
        issue_types: Sequence[Mapping[str, Any]],
        create_fields: Mapping[str, Any],
        actor: Actor,
    ) -> None:
        """Keep what Jira said just now, in place of what it said before."""
        values = {
            "project_key": project_key,
            "project_name": project_name,
            "can_create_tickets": can_create_tickets,
            "can_assign_tickets": can_assign_tickets,
            "available_sprints": list(available_sprints),
            "team_members": list(team_members),
            "issue_types": list(issue_types),
            "create_fields": dict(create_fields),
            "cached_at": NOW,
        }
        statement = insert(JiraProjectContext).values(session_id=session_id, **values)
        await self.session.execute(
            statement.on_conflict_do_update(index_elements=["session_id"], set_=values)
        )
        await self.audit.write(
            actor,
            "project.cached",
            EventCategory.SESSION,
            session_id=session_id,
            entity_type="jira_project",
            entity_id=project_key,
            description=f"Read {project_name} from Jira",
            event_data={"sprints": len(available_sprints), "people": len(team_members)},
        )

    async def get(
        self, session_id: uuid.UUID, *, max_age: timedelta | None = KEPT_FOR
    ) -> JiraProjectContext | None:
        """The project, unless nothing is known or it is older than `max_age`."""
        query = select(JiraProjectContext).where(JiraProjectContext.session_id == session_id)
        if max_age is not None:
            query = query.where(JiraProjectContext.cached_at > func.clock_timestamp() - max_age)
        project: JiraProjectContext | None = await self._fresh(query)
        return project
