"""How far a stage is: counted, in percent, and how long the rest takes."""

import pytest

from tasks.progress import Clock, Count, Standing


@pytest.mark.parametrize(
    ("done", "total", "percent"), [(0, 3, 0.0), (1, 3, 33.3), (3, 3, 100.0), (0, 0, 100.0)]
)
def test_percent(done: int, total: int, percent: float) -> None:
    assert Standing(done, total).percent == percent


async def test_a_count_remembers_the_group_of_the_last_one() -> None:
    count = Count(3)
    count.advance(group="Views")
    count.advance()
    assert await count.measure() == Standing(2, 3, "Views")


def test_the_rest_is_expected_to_go_as_fast_as_what_was_done() -> None:
    clock = Clock(Standing(10, 50), now=100.0)
    assert clock.seconds_left(Standing(20, 50), now=105.0) == 15.0


def test_before_anything_is_done_nobody_knows() -> None:
    assert Clock(Standing(10, 50), now=100.0).seconds_left(Standing(10, 50), now=105.0) is None


def test_at_the_end_nothing_is_left() -> None:
    assert Clock(Standing(0, 5), now=0.0).seconds_left(Standing(5, 5), now=9.0) == 0.0
