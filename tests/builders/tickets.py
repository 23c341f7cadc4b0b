"""Tickets for tests, planned from CSV text as real ones are."""

from typing import Any

from db.enums import WrittenBy
from tasks.core.settings import RowAction, SessionSettings
from tasks.core.spec.model import SourceFile
from tasks.core.tickets.description import describe
from tasks.core.tickets.model import Description, PlannedTicket, Prose
from tasks.core.tickets.offline import write
from tasks.core.tickets.planning import Plan, plan_tickets
from tests.builders.spec import bundle, field, load, tab

WITH_REMOVALS = SessionSettings(scope=SessionSettings().scope | {"d": RowAction.REMOVE})


def settings(**granularity: str) -> SessionSettings:
    """Settings with another granularity: `settings(bundles="apart")`."""
    return SessionSettings(granularity=granularity)


def plan(*files: SourceFile, settings: SessionSettings | None = None) -> Plan:
    """The plan of a spec of these files."""
    return plan_tickets(load(*files, settings=settings), settings or SessionSettings())


def tickets(*files: SourceFile, settings: SessionSettings | None = None) -> dict[str, PlannedTicket]:
    """The planned tickets by key."""
    return {ticket.key: ticket for ticket in plan(*files, settings=settings).tickets}


def the_ticket(*files: SourceFile, settings: SessionSettings | None = None) -> PlannedTicket:
    """The only ticket of a spec."""
    (ticket,) = plan(*files, settings=settings).tickets
    return ticket


def article(*fields: dict[str, str], **more: str) -> PlannedTicket:
    """A content type with fields: the ticket that most sessions have most of."""
    parts = [tab("Bundles", bundle("Article", **more))]
    parts += [tab("Fields", *(field("Article (Content type)", **row) for row in fields))] if fields else []
    return the_ticket(*parts)


def article_with(number: int, **cells: str) -> PlannedTicket:
    """A content type with so many fields."""
    return article(*({"label": f"Field number {at}"} | cells for at in range(number)))


def prose(**changes: Any) -> Prose:
    """A text that keeps every rule for `article()`."""
    good = {
        "title": "Create content type: Article",
        "story": "As a content editor, I want the content type Article so that I can publish news.",
        "criteria": ("An editor can create an article.", "The type `article` is exported."),
        "written_by": WrittenBy.MODEL,
    }
    return Prose.model_validate(good | changes)


def described(ticket: PlannedTicket, notes: str = "") -> Description:
    """The description of a ticket with its offline text."""
    return describe(ticket, write(ticket), notes)
