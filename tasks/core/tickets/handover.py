"""A ticket as it is handed to people or to another program, beside Jira: all that it says, and what it waits for."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from pydantic import Field

from tasks.core.tickets.model import AttachmentFile, Frozen
from tasks.core.tickets.payload import in_order


class Format(StrEnum):
    """What the tickets are written as."""

    CSV = "csv"
    MARKDOWN = "markdown"
    HTML = "html"


class Handed(Frozen):
    """One ticket."""

    key: str = Field(description="The planned key, by which others wait for it.")
    title: str
    description: dict[str, Any]
    group: str
    issue_type: str
    priority: str | None = None
    assignee: str | None = None
    sprint: str | None = None
    labels: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    attachment: AttachmentFile | None = None
    jira_key: str | None = None
    jira_url: str | None = None


class Handover(Frozen):
    """All tickets of a session, in the order of work, and what holds for all of them."""

    site_name: str
    project_key: str
    link_type: str
    parent_key: str | None
    tickets: tuple[Handed, ...]

    def numbers(self) -> dict[str, int]:
        """The place of each ticket, from 1, by its planned key."""
        return {ticket.key: number for number, ticket in enumerate(self.tickets, start=1)}


def arranged(tickets: Sequence[Handed]) -> tuple[Handed, ...]:
    """The tickets, each after those that it waits for, otherwise as they were."""
    known: Mapping[str, Handed] = {ticket.key: ticket for ticket in tickets}
    keys = in_order(list(known), {ticket.key: ticket.depends_on for ticket in tickets})
    return tuple(known[key] for key in keys)
