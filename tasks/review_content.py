"""What would be sent for a ticket, built anew from its plan, its text and what it waits for."""

from collections.abc import Mapping, Sequence
from typing import Any

from db.models import Ticket
from db.repositories.new_ticket import Content, NewAttachment
from db.repositories.stored_tickets import StoredTickets
from tasks.core.errors import UserFixable
from tasks.core.tickets.description import describe, text_length
from tasks.core.tickets.hashing import content_hash
from tasks.core.tickets.model import PlannedTicket, Prose
from tasks.core.tickets.validation import problems
from tasks.core.tickets.wording import visible

TEXT = frozenset({"title", "story", "criteria", "user_notes"})
_ACTIONS = {"extend": ", extended", "change": ", changed", "removal": ", removed"}
Waited = Sequence[Mapping[str, Any]]  # key, name, subject and action of each ticket that comes first


async def waits_for(tickets: StoredTickets, ticket: Ticket) -> Waited:
    """What the ticket waits for now."""
    return (await tickets.plans_waited_for(ticket.session_id)).get(ticket.id, ())


def rebuild(ticket: Ticket, changes: Mapping[str, Any], waited: Waited, *, shorter: bool = False) -> Content:
    """What would be sent for the ticket with these changes; UserFixable when Jira would refuse it.

    `shorter` moves more into the file than before, because Jira found the description too long as it is.
    """
    text = {name: changes.get(name, getattr(ticket, name)) for name in TEXT}
    prose = Prose(title=text["title"], story=text["story"], criteria=tuple(text["criteria"]))
    plan = _waiting_for(PlannedTicket.model_validate(ticket.plan), waited)
    limit = text_length(ticket.description) if shorter else None
    description = describe(plan, prose, text["user_notes"], shorter_than=limit)
    if found := problems(description, prose.title):
        raise UserFixable(
            f"“{ticket.title}” could not be sent to Jira with this change.",
            actions=found,
            code="text-refused",
        )
    attachment = description.attachment
    return Content(
        description=description.adf,
        content_hash=content_hash(prose.title, description.adf, attachment),
        attachment=NewAttachment(attachment.filename, attachment.content) if attachment else None,
    )


def _waiting_for(plan: PlannedTicket, waited: Waited) -> PlannedTicket:
    """The plan with what the ticket really waits for: as planned first, then what people added."""
    planned = dict(zip(plan.depends_on, plan.depends_on_names, strict=True))
    now = {one["key"]: planned.get(one["key"]) or _called(one) for one in waited}
    keys = [key for key in planned if key in now] + [key for key in now if key not in planned]
    return plan.model_copy(
        update={"depends_on": tuple(keys), "depends_on_names": tuple(now[key] for key in keys)}
    )


def _called(plan: Mapping[str, Any]) -> str:
    return visible(f"{plan['name']} ({plan['subject']}){_ACTIONS.get(plan['action'], '')}")
