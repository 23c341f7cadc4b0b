"""The dependency picture as a browser draws it: no two labels overlap, whatever the titles and the edges are."""

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

from playwright.sync_api import Page

from db.enums import EntityGroup
from tasks.core.tickets.picture import svg
from tasks.core.tickets.waves import Edge, Graph, Node
from tests.builders.spec import UWEC, uwec_files
from tests.builders.tickets import plan

MANY = 150
GROUPS = list(EntityGroup)
TITLES: dict[str, Callable[[int], str]] = {
    "long": lambda at: f"Configure 43 fields on the content type number {at} and all that belongs to it " * 3,
    "wide letters": lambda at: "W" * 250,
    "Chinese": lambda at: "内容类型的配置字段" * 25,
    "emoji": lambda at: "🚀👩‍👩‍👧" * 60,
    "Arabic": lambda at: "مرحبا بالعالم " * 20,
}
EDGES: dict[str, Sequence[Edge]] = {
    "a tree": [(f"t{at}", f"t{at // 2}") for at in range(1, MANY)],
    "all of one": [(f"t{at}", "t0") for at in range(1, MANY)],
    "one after the other": [(f"t{at}", f"t{at - 1}") for at in range(1, MANY)],
}
LABELS = """() => [...document.querySelectorAll('text')].map(text => {
    const { left, right, top, bottom } = text.getBoundingClientRect()
    const box = text.closest('[clip-path]')?.parentElement.querySelector('rect').getBoundingClientRect()
    return { left, right, top, bottom, size: parseFloat(getComputedStyle(text).fontSize), edge: box?.right ?? 1600 }
})"""


def graphs() -> dict[str, Graph]:
    """150 tickets with every kind of title, in every shape, and the real spec where it is."""
    found = {}
    for titled, title in TITLES.items():
        nodes = [Node(key=f"t{at}", title=title(at), group=GROUPS[at % 7]) for at in range(MANY)]
        for shape, edges in EDGES.items():
            found[f"{titled}, {shape}"] = Graph.of(nodes, edges, [("t0", f"t{MANY - 1}")])
    if UWEC.is_dir():
        tickets = plan(*uwec_files()).tickets
        nodes = [Node(key=one.key, title=one.name, group=one.entity_group) for one in tickets]
        found["UWEC"] = Graph.of(nodes, [(one.key, first) for one in tickets for first in one.depends_on])
    return found


def test_no_two_labels_overlap_and_all_are_large_enough_and_stay_in_their_boxes(page: Page) -> None:
    for name, graph in graphs().items():
        page.set_content(f'<body style="margin: 0">{svg(graph, name * 20)}</body>')
        labels = page.evaluate(LABELS)
        assert len(labels) >= len(graph.nodes)
        assert not [pair for pair in combinations(labels, 2) if overlap(*pair)], name
        assert min(label["size"] for label in labels) >= 9, name
        assert all(label["right"] <= label["edge"] for label in labels), name


def overlap(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return bool(
        one["left"] < other["right"]
        and other["left"] < one["right"]
        and one["top"] < other["bottom"]
        and other["top"] < one["bottom"]
    )
