"""What an export would send, exactly and in order, without sending any of it."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from tasks.core.tickets.payload import ManualFix, Target, in_order, payload
from tasks.export_desk import Desk
from tasks.export_ledger import outgoing


class PreviewedIssue(BaseModel):
    """One create request, and what would follow it."""

    model_config = ConfigDict(frozen=True)

    order: int = Field(description="Its place in the order of work.")
    ticket_id: str
    title: str
    validated: bool = Field(description="Whether the ticket may be sent as it stands.")
    request: dict[str, Any] = Field(description="The body of the request that creates the issue.")
    attachment: str | None = Field(description="The file that goes up beside it.")
    blocked_by: list[str] = Field(description="Tickets whose issues block this one.")
    manual_fixes: tuple[ManualFix, ...] = Field(
        description="What would be left out and has to be done by hand."
    )


async def preview(desk: Desk, target: Target) -> list[PreviewedIssue]:
    """The requests for all tickets that are not in Jira yet."""
    tickets = {str(ticket.id): ticket for ticket in await desk.ledger.tickets()}
    depends_on = await desk.ledger.dependencies()
    previewed = []
    for place, key in enumerate(in_order(list(tickets), depends_on), start=1):
        ticket = tickets[key]
        if ticket.jira_ticket_key is not None:
            continue
        leaving = outgoing(ticket)
        made = payload(leaving, target)
        previewed.append(
            PreviewedIssue(
                order=place,
                ticket_id=key,
                title=ticket.title,
                validated=leaving.content_hash == ticket.validated_hash,
                request=made.body,
                attachment=ticket.attachment.filename if ticket.attachment else None,
                blocked_by=depends_on.get(key, []),
                manual_fixes=made.fixes,
            )
        )
    return previewed
