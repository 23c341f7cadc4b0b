"""Which tickets a person changed: what the share of unedited tickets counts."""

from typing import Any

from sqlalchemy import Integer, Text, cast, func, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by, array
from sqlalchemy.orm import aliased

from db.enums import WrittenBy
from db.models import Ticket, TicketDependency

_NONE = cast(array([]), ARRAY(Text))


def edited_by_person() -> Any:
    """Condition: what would be sent is not what was generated, for a person changed the text or what comes first.

    Sprint, assignee, order and the like are not content.
    """
    return or_(Ticket.written_by == WrittenBy.PERSON, _waits_for() != _planned_to_wait_for())


def unedited_share() -> Any:
    """The share of unedited tickets among those in Jira; among all, as long as none is there."""
    unedited = func.avg(1 - cast(edited_by_person(), Integer))
    return func.coalesce(unedited.filter(Ticket.jira_ticket_key.is_not(None)), unedited, literal(0))


def _waits_for() -> Any:
    first = aliased(Ticket)
    keys = func.array_agg(aggregate_order_by(first.key, first.key))
    return (
        select(func.coalesce(keys, _NONE))
        .select_from(TicketDependency)
        .join(first, first.id == TicketDependency.depends_on_ticket_id)
        .where(TicketDependency.ticket_id == Ticket.id)
        .correlate(Ticket)
        .scalar_subquery()
    )


def _planned_to_wait_for() -> Any:
    planned = func.jsonb_array_elements_text(Ticket.plan["depends_on"]).table_valued("value", name="planned")
    keys = func.array_agg(aggregate_order_by(planned.c.value, planned.c.value))
    return select(func.coalesce(keys, _NONE)).select_from(planned).correlate(Ticket).scalar_subquery()
