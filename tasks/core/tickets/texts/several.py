"""Tickets of several things at once, where a session groups what usually has a ticket each."""

from tasks.core.spec.registry import REGISTRY
from tasks.core.tickets.facts import label, of_type, value
from tasks.core.tickets.model import PlannedTicket
from tasks.core.tickets.texts.common import ADMINISTRATOR, EXPORTED, removal_of
from tasks.core.tickets.texts.headlines import VERBS, clause_name, name, parts
from tasks.core.tickets.texts.model import Text
from tasks.core.tickets.wording import listed, quoted

_ALONE = frozenset({"bundle", "view", "workflow", "responsive_style", "role", "menu", "migration", "custom"})


def are_several(ticket: PlannedTicket) -> bool:
    """Whether a ticket of a kind that is about one thing is about more than one."""
    csv_type = ticket.rows[0]["csv_type"]
    defines = csv_type not in REGISTRY or REGISTRY[csv_type].parent is None
    return ticket.kind in _ALONE and defines and len(set(map(label, of_type(ticket, csv_type)))) > 1


def several(ticket: PlannedTicket) -> Text:
    """What is common to all things of the ticket; what is special stands in its rows."""
    what, title = parts(ticket), f"{VERBS[ticket.action]} {parts(ticket)}: {name(ticket)}"
    if ticket.action == "removal":
        return removal_of(what, title)
    main = ticket.rows[0]["csv_type"]
    things = listed((quoted(label(row)) for row in of_type(ticket, main)), limit=30)
    children = dict.fromkeys(row["csv_type"] for row in ticket.rows if row["csv_type"] != main)
    noted = dict.fromkeys(quoted(label(row)) for row in ticket.rows if value(row, "notes"))
    criteria = [
        f"Each of these is as its row says: {things}.",
        *(
            f"Every {REGISTRY[child].subject} of the table belongs to what its row names."
            for child in children
        ),
        f"What the table notes is set up for {listed(noted)}." if noted else "",
        "" if ticket.action == "build" else "What no row speaks of stays as it was, content included.",
        EXPORTED,
    ]
    want = f"{what} of {clause_name(ticket)} as the spec says"
    return Text(title, ADMINISTRATOR, want, "the site has what it needs", tuple(filter(None, criteria)))
