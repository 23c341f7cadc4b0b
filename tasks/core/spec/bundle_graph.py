"""Which bundle refers to which: the shape of the content model, with its cycles."""

from collections.abc import Iterator
from dataclasses import dataclass

from db.enums import EntityGroup
from tasks.core.settings import RowAction
from tasks.core.spec.model import Row, Spec
from tasks.core.spec.names import kind_key
from tasks.core.spec.references import References, resolve
from tasks.core.tickets.ordering import in_order
from tasks.core.tickets.waves import Edge, Graph, Node


@dataclass(frozen=True, slots=True)
class BundleGraph:
    """The bundles that the site has or gets, what refers to what, and those that refer to themselves."""

    graph: Graph
    to_themselves: tuple[str, ...]

    @property
    def cycles(self) -> list[list[str]]:
        """The names along each cycle, the first once more at its end."""
        names = {node.key: node.title for node in self.graph.nodes}
        return [[names[key] for key in cycle] for cycle in self.graph.cycles()]


def bundle_graph(spec: Spec) -> BundleGraph:
    """Bundles and the references of their fields; rows that the scope leaves out are not drawn."""
    bundles = [row for row in spec.rows("bundles") if _stays(row)]
    named = {_key(row): _named(row) for row in bundles}
    edges = {edge for edge in _edges(spec, resolve(spec)) if named.keys() >= set(edge)}
    wanted = {key: tuple(sorted(to for start, to in edges if start == key != to)) for key in named}
    order = in_order(wanted)
    waits = [(key, to) for key, targets in order.depends_on.items() for to in targets]
    graph = Graph.of([_node(row) for row in bundles], waits, order.given_way)
    return BundleGraph(graph, tuple(named[key] for key in named if (key, key) in edges))


def _edges(spec: Spec, references: References) -> Iterator[Edge]:
    for field in filter(_stays, spec.rows("fields")):
        bundle = references.parent(field)
        if bundle is not None:
            yield from ((_key(bundle), _key(target)) for target in references.targets(field, "ref_bundle"))


def _stays(row: Row) -> bool:
    return row.action not in (RowAction.SKIP, RowAction.REMOVE)


def _key(row: Row) -> str:
    return f"{row.file}#{row.record}"


def _named(row: Row) -> str:
    return f"{row['name']} ({row['type']})" if row["type"] else row["name"]


def _node(row: Row) -> Node:
    group = EntityGroup.MEDIA if kind_key(row["type"]) == "media" else EntityGroup.CONTENT
    return Node(key=_key(row), title=_named(row), group=group)
