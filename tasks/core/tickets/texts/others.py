"""Roles, menus, migrations, settings, and whatever stands in a custom tab."""

from tasks.core.tickets.facts import Fact, label, mention, of_type, value
from tasks.core.tickets.model import PlannedTicket
from tasks.core.tickets.texts.common import (
    ADMINISTRATOR,
    EXPORTED,
    capital,
    removal,
    removal_of,
    story_of_change,
    thing,
    unchanged,
    within,
)
from tasks.core.tickets.texts.headlines import headline, name, parts
from tasks.core.tickets.texts.model import Text
from tasks.core.tickets.wording import counted, listed, quoted, spoken

CORE_ROLES = {
    "administrator": "It keeps all permissions, and only people who administer the site have it.",
    "anonymous": "It is what every visitor has who is not logged in; nobody is given it by hand.",
    "authenticated": "It is what every logged-in person has; all other roles add to it.",
}
_NOTE = 300


def role(ticket: PlannedTicket) -> Text:
    """A user role. Drupal brings three of its own: those are set up, never created or removed."""
    row = ticket.rows[0]
    if own := CORE_ROLES.get(value(row, "machine_name").casefold()):
        return _core_role(ticket, row, own)
    if ticket.action == "removal":
        return removal(ticket, whole=True)
    given = f"{capital(thing(ticket))} can be given to a person under “People”."
    criteria = [
        given if ticket.action == "build" else unchanged(ticket),
        _as_noted(row, "notes", "A person with this role has the access that the spec notes: {}."),
        _as_noted(row, "permissions", "It has these permissions: {}."),
        "A person without this role gains nothing by it.",
        EXPORTED,
    ]
    story = story_of_change(
        ticket, ADMINISTRATOR, thing(ticket), "people get the access they need and no more"
    )
    return Text(headline(ticket, whole=True), *story, tuple(filter(None, criteria)))


def _core_role(ticket: PlannedTicket, row: Fact, own: str) -> Text:
    criteria = (
        f"{capital(thing(ticket))} comes with Drupal: it is configured, not created, and cannot be removed.",
        own,
        _as_noted(row, "notes", "It has the access that the spec notes: {}."),
        _as_noted(row, "permissions", "It has these permissions: {}."),
        EXPORTED,
    )
    verb = "Reset" if ticket.action == "removal" else "Set up"
    want = f"{thing(ticket)} of Drupal {'as Drupal installs it' if ticket.action == 'removal' else 'set up'}"
    benefit = "everyone starts from the right permissions"
    title = f"{verb} core user role: {name(ticket)}"
    return Text(title, ADMINISTRATOR, want, benefit, tuple(filter(None, criteria)))


def menu(ticket: PlannedTicket) -> Text:
    """A menu."""
    if ticket.action == "removal":
        return removal(ticket, whole=True)
    row = ticket.rows[0]
    criteria = [
        "" if ticket.action == "build" else unchanged(ticket),
        f"A person with permission can add, order and remove links in {thing(ticket)}.",
        _as_noted(row, "description", "Its description says: {}."),
        _as_noted(row, "notes", "As the spec notes: {}."),
        EXPORTED,
    ]
    story = story_of_change(ticket, "site visitor", thing(ticket), "I find my way around the site")
    return Text(headline(ticket, whole=True), *story, tuple(filter(None, criteria)))


def migration(ticket: PlannedTicket) -> Text:
    """A migration with its mappings; mappings alone where it exists already, or nowhere in the spec."""
    whole = of_type(ticket, "migrations")
    if ticket.action == "removal":
        return removal(ticket, whole=bool(whole))
    mappings = of_type(ticket, "migration_mappings")
    count = counted(len(mappings), "mapping")
    criteria = [
        *(_way(ticket, row) for row in whole[:1]),
        f"Every item that is migrated carries its values over by the {count} of the table."
        if mappings
        else "",
        *(_as_noted(row, "notes", "As the spec notes: {}.") for row in whole[:1]),
        "The migration can be run, rolled back and run again without doubled content.",
        "Items that could not be migrated are listed with the reason.",
        "" if ticket.action == "build" else unchanged(ticket),
        EXPORTED,
    ]
    story = story_of_change(
        ticket, "content editor", thing(ticket), "what was there before is on the new site"
    )
    return Text(headline(ticket, whole=bool(whole)), *story, tuple(filter(None, criteria)))


def _way(ticket: PlannedTicket, row: Fact) -> str:
    source, target = spoken(value(row, "source")), spoken(value(row, "destination"))
    way = f"{' from ' + quoted(source) if source else ''}{' to ' + quoted(target) if target else ''}"
    return (
        f"{capital(thing(ticket))} brings content{way}." if way else f"{capital(thing(ticket))} can be run."
    )


def setting(ticket: PlannedTicket) -> Text:
    """Settings of the site."""
    names = listed(dict.fromkeys(label(row) for row in ticket.rows), limit=5)
    verb = {"change": "Change", "removal": "Remove"}.get(ticket.action, "Configure")
    what, title = parts(ticket), f"{verb} {parts(ticket)}: {names}"
    if ticket.action == "removal":
        return removal_of(what, title)
    lines = [_is_set(row) for row in ticket.rows if value(row, "value")]
    kept = "" if ticket.action == "build" else "What no row speaks of stays as it was."
    first = f"The {what} of the table hold on every environment."
    criteria = [first, *within(lines, 5), kept, EXPORTED]
    want = f"{what} of the site as the spec says"
    return Text(title, ADMINISTRATOR, want, "the site behaves as specified", tuple(filter(None, criteria)))


def _is_set(row: Fact) -> str:
    return f"{quoted(label(row))} is set to {mention(value(row, 'value'))}."


def custom(ticket: PlannedTicket) -> Text:
    """Rows of a tab that the product has no kind for: what they say, without guessing what they mean."""
    if ticket.action == "removal":
        return removal(ticket, whole=True)
    columns = dict.fromkeys(
        name for table in ticket.tables for name in (*dict(table.constants), *table.columns)
    )
    names = listed([quoted(spoken(column)) for column in columns if spoken(column)])
    criteria = [
        f"{capital(thing(ticket))} is set up as the table says{' under ' + names if names else ''}.",
        *(_as_noted(row, "notes", "As the spec notes: {}.") for row in ticket.rows[:1]),
        "" if ticket.action == "build" else unchanged(ticket),
        EXPORTED,
    ]
    title = (
        f"Set up {ticket.subject}: {name(ticket)}"
        if ticket.action == "build"
        else headline(ticket, whole=True)
    )
    story = story_of_change(
        ticket, ADMINISTRATOR, f"{thing(ticket)} set up", "the site does what the spec asks for"
    )
    return Text(title, *story, tuple(filter(None, criteria)))


def _as_noted(row: Fact, column: str, sentence: str) -> str:
    said = spoken(value(row, column), _NOTE).rstrip(" .")
    return sentence.format(said) if said else ""
