"""The writer that needs no model: title, story and criteria from the rows alone, good enough to build from.

Every sentence speaks of a cell or of what the kind of ticket always asks for. Nothing is invented, and a blank cell
is never taken for a "no".
"""

from collections.abc import Callable

from db.enums import WrittenBy
from tasks.core.tickets.model import PlannedTicket, Prose
from tasks.core.tickets.texts import content, images, others, views, workflow
from tasks.core.tickets.texts.model import Text
from tasks.core.tickets.texts.several import are_several, several
from tasks.core.tickets.wording import clipped

_TEXTS: dict[str, Callable[[PlannedTicket], Text]] = {
    "bundle": content.bundle,
    "fields": content.fields,
    "view_modes": content.view_modes,
    "view": views.view,
    "workflow": workflow.workflow,
    "image_style": images.image_style,
    "responsive_style": images.responsive_style,
    "role": others.role,
    "menu": others.menu,
    "migration": others.migration,
    "setting": others.setting,
    "custom": others.custom,
}


def write(ticket: PlannedTicket) -> Prose:
    """The text of a ticket; the same ticket always gets the same text."""
    text = several(ticket) if are_several(ticket) else _TEXTS[ticket.kind](ticket)
    return Prose(
        title=clipped(text.title),
        story=f"As a {text.role}, I want {text.want} so that {text.benefit}.",
        criteria=tuple(dict.fromkeys(text.criteria)),
        written_by=WrittenBy.OFFLINE,
    )
