"""What the texts of all kinds share: stories of change and removal, and the criteria that every ticket has."""

from collections.abc import Sequence

from tasks.core.tickets.model import PlannedTicket
from tasks.core.tickets.texts.headlines import clause_name, headline, parts
from tasks.core.tickets.texts.model import Text

EXPORTED = "The configuration is exported and imports without changes on another environment."
ADMINISTRATOR = "site administrator"


def thing(ticket: PlannedTicket) -> str:
    """`the content type “Event”`."""
    return f"the {ticket.subject} {clause_name(ticket)}"


def capital(text: str) -> str:
    """The text with a capital first letter, the rest as it is."""
    return text[:1].upper() + text[1:]


def removal(ticket: PlannedTicket, *, whole: bool) -> Text:
    """The text of a removal ticket of any kind."""
    what = thing(ticket) if whole else f"{parts(ticket)} on {thing(ticket)}"
    return removal_of(what, headline(ticket, whole=whole))


def removal_of(what: str, title: str) -> Text:
    """The same for anything that can be named."""
    return Text(
        title,
        ADMINISTRATOR,
        f"{what} removed",
        "the site holds only what is in use",
        (
            f"Nothing is left of {what} on the site or in the exported configuration.",
            "Content stored there is moved or given up as agreed before anything is removed.",
            "Nothing on the site refers to what was removed, and the pages that used it still work.",
        ),
    )


def unchanged(ticket: PlannedTicket) -> str:
    """What a change or an extension must leave alone."""
    return f"What {thing(ticket)} had before and its rows do not speak of stays as it was, content included."


def story_of_change(ticket: PlannedTicket, role: str, want: str, benefit: str) -> tuple[str, str, str]:
    """Who wants what for what: the given story for a build, another where the thing exists already."""
    if ticket.action == "extend":
        return role, f"{thing(ticket)} extended with {parts(ticket)}", benefit
    if ticket.action == "change":
        return role, f"{thing(ticket)} changed as the spec says", "it fits what the site needs now"
    return role, want, benefit


def within(sentences: Sequence[str], limit: int) -> list[str]:
    """At most so many criteria: what is over stands together in the last one, nothing is left out."""
    said = [sentence for sentence in sentences if sentence]
    return said if len(said) <= limit else [*said[: limit - 1], " ".join(said[limit - 1 :])]
