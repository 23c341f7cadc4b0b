"""In what order tickets are built: dependencies first, and cycles broken in one fixed order.

Cycles are normal in Drupal: a content type refers to a paragraph type that refers back. The reference that closes
a cycle gives way and is reported; nothing is refused for it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from db.enums import EntityGroup
from tasks.core.tickets.model import PlannedTicket

_GROUPS = {group: position for position, group in enumerate(EntityGroup)}


@dataclass(frozen=True, slots=True)
class Order:
    """The order of work, the dependencies that hold in it, and the (ticket, dependency) pairs that gave way."""

    keys: tuple[str, ...]
    given_way: tuple[tuple[str, str], ...]
    depends_on: dict[str, tuple[str, ...]]


def natural_place(ticket: PlannedTicket) -> tuple[object, ...]:
    """Where a ticket stands when nothing is said about its dependencies: by group, then as in the files."""
    first = ticket.sources[0] if ticket.sources else None
    place = (first.file, min(first.records, default=0)) if first else ("", 0)
    return _GROUPS[ticket.entity_group], *place, ticket.key


def order(tickets: Iterable[PlannedTicket]) -> Order:
    """Every ticket after what it depends on. The result does not depend on the order of the tickets handed in."""
    placed = sorted(tickets, key=natural_place)
    known = {ticket.key: position for position, ticket in enumerate(placed)}
    edges = {ticket.key: _edges(ticket, known) for ticket in placed}
    return in_order(edges)


def _edges(ticket: PlannedTicket, known: dict[str, int]) -> tuple[str, ...]:
    wanted = {*ticket.depends_on, *ticket.gave_way} - {ticket.key}
    return tuple(sorted((key for key in wanted if key in known), key=known.__getitem__))


def in_order(edges: dict[str, tuple[str, ...]]) -> Order:
    """Depth first without recursion; an edge back to a ticket that is still being walked closes a cycle."""
    finished: list[str] = []
    state: dict[str, bool] = {}  # present: reached; True: finished
    given_way: list[tuple[str, str]] = []
    for root, wanted in edges.items():
        if root in state:
            continue
        state[root] = False
        stack = [(root, iter(wanted))]
        while stack:
            key, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                stack.pop()
                state[key] = True
                finished.append(key)
            elif following not in state:
                state[following] = False
                stack.append((following, iter(edges[following])))
            elif not state[following]:
                given_way.append((key, following))
    return Order(tuple(finished), tuple(given_way), _without(edges, given_way))


def _without(
    edges: dict[str, tuple[str, ...]], given_way: Sequence[tuple[str, str]]
) -> dict[str, tuple[str, ...]]:
    gone = set(given_way)
    return {key: tuple(to for to in wanted if (key, to) not in gone) for key, wanted in edges.items()}
