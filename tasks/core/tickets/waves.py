"""What can be built at the same time: the waves of the work, and the cycles that one reference gave way to break."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence

from db.enums import EntityGroup
from tasks.core.tickets.model import Frozen

Edge = tuple[str, str]  # a ticket, and what it waits for
_GROUPS = {group: place for place, group in enumerate(EntityGroup)}


class Node(Frozen):
    """One ticket of the picture."""

    key: str
    title: str
    group: EntityGroup


class Graph(Frozen):
    """Tickets in the order of work, what waits for what, and the references that gave way."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    gave_way: tuple[Edge, ...] = ()

    @classmethod
    def of(cls, nodes: Iterable[Node], edges: Iterable[Edge], gave_way: Iterable[Edge] = ()) -> "Graph":
        """A graph without edges to tickets that are not there, and without references that people linked after all."""
        kept = tuple(nodes)
        known = {node.key for node in kept}
        there = tuple(edge for edge in edges if known.issuperset(edge))
        return cls(
            nodes=kept,
            edges=there,
            gave_way=tuple(e for e in gave_way if known.issuperset(e) and e not in there),
        )

    def waves(self) -> list[list[Node]]:
        """Tickets by wave: each waits for tickets of earlier waves only. Within a wave by group, then as ordered."""
        depth = self._depths()
        waves: list[list[Node]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
        for node in self.nodes:
            waves[depth[node.key]].append(node)
        return [sorted(wave, key=lambda node: _GROUPS[node.group]) for wave in waves]

    def cycles(self) -> list[tuple[str, ...]]:
        """Each cycle that was broken: from the ticket that gave way along what waits, back to it."""
        first = _by_first(self.edges)
        ways = ((ticket, _way(first, wanted, ticket)) for ticket, wanted in self.gave_way)
        return [(ticket, *way) for ticket, way in ways if way]

    def _depths(self) -> dict[str, int]:
        waits, opens = _by_first(self.edges), _by_first((to, ticket) for ticket, to in self.edges)
        left = {node.key: len(set(waits.get(node.key, ()))) for node in self.nodes}
        depth = {key: 0 for key, count in left.items() if not count}
        ready = deque(depth)
        while ready:
            key = ready.popleft()
            for later in set(opens.get(key, ())):
                left[later] -= 1
                depth[later] = max(depth.get(later, 0), depth[key] + 1)
                if not left[later]:
                    ready.append(later)
        return {key: depth.get(key, 0) for key in left}


def _by_first(edges: Iterable[Edge]) -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = {}
    for start, end in edges:
        found.setdefault(start, []).append(end)
    return found


def _way(edges: Mapping[str, Sequence[str]], start: str, goal: str) -> tuple[str, ...]:
    """The shortest way along the edges; empty when there is none."""
    came_from: dict[str, str] = {start: ""}
    level = deque([start])
    while level and goal not in came_from:
        key = level.popleft()
        for following in edges.get(key, ()):
            if following not in came_from:
                came_from[following] = key
                level.append(following)
    steps = [goal] if goal in came_from else []
    while steps and steps[-1] != start:
        steps.append(came_from[steps[-1]])
    return tuple(reversed(steps))
