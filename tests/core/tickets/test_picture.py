"""The dependency picture: waves, cycles, and labels that fit whatever the titles are."""

import re
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from db.enums import EntityGroup
from tasks.core.tickets.mermaid import mermaid
from tasks.core.tickets.picture import TEXT, WIDTH, fitted, svg
from tasks.core.tickets.waves import Graph, Node

GROUPS = list(EntityGroup)
NAMESPACE = "{http://www.w3.org/2000/svg}"


def node(key: str, group: EntityGroup = EntityGroup.CONTENT, title: str = "") -> Node:
    return Node(key=key, title=title or f"Create {key}", group=group)


def keys(waves: list[list[Node]]) -> list[list[str]]:
    return [[one.key for one in wave] for wave in waves]


def many(number: int) -> Graph:
    """A graph as large as a real session: every ticket waits for two earlier ones."""
    nodes = [
        node(f"t{at}", GROUPS[at % 7], f"Configure 43 fields on the content type number {at}")
        for at in range(number)
    ]
    edges = [(f"t{at}", f"t{at // 2}") for at in range(1, number)] + [
        (f"t{at}", f"t{at // 3}") for at in range(3, number)
    ]
    return Graph.of(nodes, edges, [("t0", f"t{number - 1}")])


def test_a_ticket_is_in_the_wave_after_what_it_waits_for() -> None:
    graph = Graph.of(map(node, "abcd"), [("b", "a"), ("c", "b"), ("c", "a")])
    assert keys(graph.waves()) == [["a", "d"], ["b"], ["c"]]


def test_within_a_wave_the_groups_stand_together() -> None:
    nodes = [node("v", EntityGroup.VIEWS), node("c"), node("w", EntityGroup.VIEWS), node("d")]
    assert keys(Graph.of(nodes, []).waves()) == [["c", "d", "v", "w"]]


def test_a_cycle_is_told_from_the_reference_that_gave_way() -> None:
    graph = Graph.of(map(node, "abc"), [("b", "a"), ("c", "b")], [("a", "c")])
    assert graph.cycles() == [("a", "c", "b", "a")]


def test_a_reference_that_a_person_linked_after_all_gave_no_way() -> None:
    assert Graph.of(map(node, "ab"), [("a", "b")], [("a", "b")]).gave_way == ()


def test_edges_to_tickets_that_are_gone_are_left_out() -> None:
    assert Graph.of([node("a")], [("a", "x")], [("y", "a")]) == Graph(nodes=(node("a"),), edges=())


def test_the_picture_names_every_ticket_wave_and_group() -> None:
    graph = many(150)
    picture = ElementTree.fromstring(svg(graph, "Lake & Side <College>"))
    texts = ["".join(text.itertext()) for text in picture.iter(f"{NAMESPACE}text")]
    titles = [title.text for title in picture.iter(f"{NAMESPACE}title")]
    assert titles.count("Configure 43 fields on the content type number 7") == 1
    assert len(titles) == 150
    assert sum(text.startswith("Wave ") for text in texts) == len(graph.waves())
    assert {group.value for group in EntityGroup} <= set(texts)
    assert "Lake & Side <College>: 150 tickets" in texts[0]


def test_text_is_large_enough_at_the_width_it_is_made_for() -> None:
    assert WIDTH == 1600
    sizes = [float(size) for size in re.findall(r'font-size="([\d.]+)"', svg(many(150), "x"))]
    assert min(*sizes, TEXT) >= 9


def test_no_two_boxes_touch() -> None:
    picture = svg(many(150), "x")
    places = [(float(x), float(y)) for x, y in re.findall(r"translate\(([\d.]+),([\d.]+)\)", picture)]
    width = float(re.findall(r'<rect width="([\d.]+)" height="24" rx', picture)[0])
    assert len(set(places)) == 150
    assert all(
        abs(x - u) > width or abs(y - v) > 24 for i, (x, y) in enumerate(places) for u, v in places[i + 1 :]
    )
    assert max(x for x, _ in places) + width <= WIDTH


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(20, 300))
def test_any_title_is_fitted(title: str, width: int) -> None:
    assert fitted(title, width, 12) in (title, fitted(title, width, 12))
    assert len(fitted(title, width, 12)) <= max(len(title), 1)


@given(st.lists(st.text(max_size=30), min_size=1, max_size=8))
def test_any_titles_make_a_well_formed_picture(titles: list[str]) -> None:
    nodes = [node(str(at), GROUPS[at % 7], title) for at, title in enumerate(titles)]
    ElementTree.fromstring(svg(Graph.of(nodes, []), titles[0]))


def test_nothing_is_a_picture_too() -> None:
    ElementTree.fromstring(svg(Graph.of([], []), "x"))
    assert mermaid(Graph.of([], [])) == "flowchart TB\n"


def test_mermaid_draws_the_same() -> None:
    nodes = [node("a", title='Say "hi" [now]'), node("b", EntityGroup.USER_ROLES), node("c")]
    source = mermaid(Graph.of(nodes, [("b", "a"), ("c", "b")], [("a", "c")]))
    assert source.splitlines()[:4] == [
        "flowchart TB",
        '  subgraph wave1["Wave 1"]',
        '    t1["Say #34;hi#34; #91;now#93;"]:::Content',
        "  end",
    ]
    assert "  t1 --> t2" in source
    assert "  t3 -. gave way .-> t1" in source
    assert "classDef UserRoles" in source
    assert "  class t1,t2,t3 cycle" in source
