"""What Jira said of a project, kept with the session for a day."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from blocks.jira_answers import ProjectContext
from db.actor import Actor
from db.repositories.projects import ProjectRepository


async def store_context(
    session: AsyncSession, session_id: UUID, project: ProjectContext, actor: Actor
) -> None:
    """Keep the project in place of what was known of it."""
    await ProjectRepository(session).store(
        session_id,
        project_key=project.key,
        project_name=project.name,
        can_create_tickets=project.can_create_tickets,
        can_assign_tickets=project.can_assign_tickets,
        available_sprints=[sprint.model_dump(mode="json") for sprint in project.sprints],
        team_members=[member.model_dump(mode="json") for member in project.members],
        issue_types=[kind.model_dump(mode="json") for kind in project.issue_types],
        create_fields=project.model_dump(mode="json")["create_fields"],
        actor=actor,
    )
