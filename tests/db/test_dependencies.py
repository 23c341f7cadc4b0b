"""Dependencies that people make: never a cycle, never to another session, also when two link at once."""

import asyncio
import uuid
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import session_scope
from db.errors import NotFound, Refused
from db.repositories.dependencies import DependencyRepository, path
from tests.builders.database import DIRECTOR, make_session, store_tickets


async def link(engine: AsyncEngine, session_id: uuid.UUID, ticket: uuid.UUID, first: uuid.UUID) -> bool:
    async with session_scope(engine) as session:
        return await DependencyRepository(session).link(session_id, ticket, first, actor=DIRECTOR)


async def dependencies(engine: AsyncEngine, session_id: uuid.UUID) -> dict[uuid.UUID, list[uuid.UUID]]:
    async with session_scope(engine) as session:
        return await DependencyRepository(session).dependencies(session_id)


async def test_linking_and_unlinking_say_whether_something_changed(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    ids = await store_tickets(engine, session_id, "a", "b")
    assert await link(engine, session_id, ids["b"], ids["a"])
    assert not await link(engine, session_id, ids["b"], ids["a"])
    assert await dependencies(engine, session_id) == {ids["b"]: [ids["a"]]}
    for expected in (True, False):
        async with session_scope(engine) as session:
            unlinked = await DependencyRepository(session).unlink(
                session_id, ids["b"], ids["a"], actor=DIRECTOR
            )
        assert unlinked is expected
    assert await dependencies(engine, session_id) == {}


async def test_a_cycle_is_refused_with_its_path(engine: AsyncEngine, session_id: uuid.UUID) -> None:
    ids = await store_tickets(engine, session_id, "a", "b", "c")
    await link(engine, session_id, ids["b"], ids["a"])
    await link(engine, session_id, ids["c"], ids["b"])
    with pytest.raises(Refused, match='"Create a" → "Create c" → "Create b" → "Create a"'):
        await link(engine, session_id, ids["a"], ids["c"])


async def test_a_ticket_cannot_depend_on_itself(engine: AsyncEngine, session_id: uuid.UUID) -> None:
    ids = await store_tickets(engine, session_id, "a")
    with pytest.raises(Refused, match="itself"):
        await link(engine, session_id, ids["a"], ids["a"])


async def test_a_ticket_of_another_session_is_not_found(engine: AsyncEngine, session_id: uuid.UUID) -> None:
    ids = await store_tickets(engine, session_id, "a")
    other = await store_tickets(engine, await make_session(engine), "b")
    with pytest.raises(NotFound):
        await link(engine, session_id, ids["a"], other["b"])


async def test_of_two_links_that_close_a_cycle_together_one_is_refused(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    ids = await store_tickets(engine, session_id, "a", "b")
    outcomes = await asyncio.gather(
        link(engine, session_id, ids["a"], ids["b"]),
        link(engine, session_id, ids["b"], ids["a"]),
        return_exceptions=True,
    )
    assert sorted(str(type(outcome).__name__) for outcome in outcomes) == ["Refused", "bool"]


NODES = [uuid.UUID(int=number) for number in range(8)]


@given(st.dictionaries(st.sampled_from(NODES), st.lists(st.sampled_from(NODES), max_size=4)))
def test_a_path_follows_the_edges_and_is_found_whenever_there_is_one(
    edges: dict[uuid.UUID, list[uuid.UUID]],
) -> None:
    reachable, start = {NODES[0]}, NODES[0]
    for _ in NODES:
        reachable |= {to for node in reachable for to in edges.get(node, [])}
    for goal in NODES:
        found = path(edges, start, goal)
        assert (found is not None) is (goal in reachable)
        if found:
            assert found[0] == start
            assert found[-1] == goal
            assert all(to in edges[node] for node, to in pairwise(found))
