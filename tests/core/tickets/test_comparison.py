"""One validation held against the one before it."""

from hypothesis import given
from hypothesis import strategies as st

from tasks.core.tickets.comparison import Compared, Since, compare, summed_up

FOUND = st.dictionaries(
    st.sampled_from("abc"), st.lists(st.sampled_from("123"), min_size=1, max_size=3, unique=True), max_size=3
)


def test_problems_are_new_still_there_or_gone() -> None:
    compared = compare({"a": ["x", "y"], "b": ["z"]}, {"a": ["y", "w"], "c": ["v"]})
    assert compared == {
        "a": Compared(new=("w",), still=("y",), gone=("x",)),
        "b": Compared(gone=("z",)),
        "c": Compared(new=("v",)),
    }
    assert summed_up(compared) == "problems: 2 new, 1 still there, 2 gone"


def test_where_nothing_was_wrong_and_nothing_is_there_is_nothing_to_say() -> None:
    assert (compare({}, {}), summed_up({})) == ({}, "")


@given(FOUND, FOUND)
def test_every_problem_is_told_once(before: dict[str, list[str]], now: dict[str, list[str]]) -> None:
    told = {(t, line, since) for t, one in compare(before, now).items() for line, since in one.lines}
    assert {(t, line) for t, line, since in told if since is not Since.GONE} == {
        (t, line) for t, lines in now.items() for line in lines
    }
    assert {(t, line) for t, line, since in told if since is not Since.NEW} == {
        (t, line) for t, lines in before.items() for line in lines
    }
