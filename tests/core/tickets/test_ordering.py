"""The order of work: dependencies first, cycles broken, always the same."""

import random
import time

from hypothesis import given
from hypothesis import strategies as st

from db.enums import EntityGroup
from tasks.core.tickets.model import PlannedTicket, Source
from tasks.core.tickets.ordering import Order, order

A_GRAPH = st.dictionaries(st.integers(0, 15), st.sets(st.integers(0, 20), max_size=5), max_size=16)


def ticket(number: int, *needs: int) -> PlannedTicket:
    return PlannedTicket(
        key=f"t{number}",
        kind="custom",
        entity_group=EntityGroup.CUSTOM,
        name=f"T{number}",
        subject="item",
        sources=(Source(file="a.csv", records=(number,)),),
        tables=(),
        structural_criteria=(),
        depends_on=tuple(f"t{needed}" for needed in needs),
        rows=(),
        source_hash="",
    )


def holds(found: Order) -> bool:
    place = {key: at for at, key in enumerate(found.keys)}
    return all(place[need] < place[key] for key, needs in found.depends_on.items() for need in needs)


def test_what_is_needed_comes_first() -> None:
    assert order([ticket(1, 3), ticket(2), ticket(3, 2)]).keys == ("t2", "t3", "t1")


def test_without_dependencies_the_order_is_that_of_the_files() -> None:
    assert order([ticket(3), ticket(1), ticket(2)]).keys == ("t1", "t2", "t3")


def test_a_cycle_is_broken_and_the_edge_that_gave_way_is_shown() -> None:
    found = order([ticket(1, 2), ticket(2, 3), ticket(3, 1)])
    assert found.given_way == (("t3", "t1"),)
    assert found.keys == ("t3", "t2", "t1")
    assert found.depends_on == {"t1": ("t2",), "t2": ("t3",), "t3": ()}


def test_a_reference_to_itself_and_to_nothing_known_is_no_dependency() -> None:
    assert order([ticket(1, 1, 99)]) == Order(("t1",), (), {"t1": ()})


def test_edges_that_gave_way_before_give_way_again() -> None:
    planned = [ticket(1, 2), ticket(2).model_copy(update={"gave_way": ("t1",)})]
    assert order(planned).given_way == (("t2", "t1"),)


@given(A_GRAPH, st.randoms(use_true_random=False))
def test_any_graph_gets_an_order_that_holds_whatever_the_order_of_its_tickets(
    graph: dict[int, set[int]], shuffler: random.Random
) -> None:
    tickets = [ticket(number, *sorted(needs)) for number, needs in graph.items()]
    found = order(tickets)
    assert sorted(found.keys) == sorted(one.key for one in tickets)
    assert holds(found)
    shuffler.shuffle(tickets)
    assert order(tickets) == found


@given(A_GRAPH)
def test_only_edges_inside_cycles_give_way(graph: dict[int, set[int]]) -> None:
    tickets = [ticket(number, *sorted(needs)) for number, needs in graph.items()]
    reached = {f"t{number}": _reachable(graph, number) for number in graph}
    for key, needed in order(tickets).given_way:
        assert int(key[1:]) in reached[needed]


def _reachable(graph: dict[int, set[int]], start: int) -> set[int]:
    found: set[int] = set()
    todo = [start]
    while todo:
        for following in graph.get(todo.pop(), set()) - found:
            found.add(following)
            todo.append(following)
    return found


def test_ten_thousand_tickets_in_one_chain_and_one_cycle_take_no_recursion_and_little_time() -> None:
    tickets = [ticket(number, (number + 1) % 10_000) for number in range(10_000)]
    started = time.process_time()
    found = order(tickets)
    assert time.process_time() - started < 2
    assert len(found.given_way) == 1
    assert holds(found)
