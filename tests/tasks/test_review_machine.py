"""Two people do anything at random, also at the same time; whatever they did, nothing is lost, stale or invalid."""

import asyncio
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import URL

from db.engine import create_engine
from tests.postgres import _database
from tests.tasks.reviewers import Reviewers


class Long(str):
    """A text that is told by how it begins."""

    def __repr__(self) -> str:
        return f"<{len(self)} characters: {self[:5]}…>"


PEOPLE = st.sampled_from(["Dana", "Eli"])
NUMBERS = st.integers(0, 5)
TEXTS = st.sampled_from(
    [
        "Plain words",
        "`node_article` **bold**",
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        "[ok](https://drupal.org)",
        "@dana [~accountid:1]",
        "🚀 emoji",
        "\u202eright to left שלום",
        "# Notes",
        "# From the spec (not read back)",
        "=1+1",
        "- a\n- b",
        "two\nlines",
        Long("x" * 300),
        Long("word " * 6_500),
        Long("y " * 20_000),
        "bell \x07",
        "nul \x00",
        "\ud83d",
        "",
        " ",
        "| a |\n|---|\n| b |",
    ]
)
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "title": TEXTS,
        "story": TEXTS,
        "criteria": st.lists(TEXTS, max_size=3),
        "user_notes": TEXTS,
        "labels": st.lists(st.sampled_from(["a", "with space", "=x"]), max_size=2),
        "ready_for_jira": st.booleans(),
    },
)
OPERATIONS = st.one_of(
    st.tuples(st.just("edit"), NUMBERS, CHANGES),
    st.tuples(
        st.sampled_from(["assign", "write_in_file"]),
        NUMBERS,
        TEXTS.filter(lambda t: t.isprintable() and t.strip()),
    ),
    st.tuples(
        st.sampled_from(
            ["link", "unlink", "order", "lock", "regenerate", "restore", "pull", "push", "validate"]
        ),
        NUMBERS,
        NUMBERS,
    ),
)


class Review(RuleBasedStateMachine):
    """The rules draw what a person does, one after the other or two at once."""

    server: URL
    template: str
    outcomes: ClassVar[Counter[tuple[str, bool]]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.steps = 0
        self.loop = asyncio.new_event_loop()
        self.database = _database(self.server, self.template)
        self.folder = tempfile.TemporaryDirectory()
        self.engine = create_engine(next(self.database))
        self.work = Reviewers(self.engine, Path(self.folder.name))
        self.loop.run_until_complete(self.work.begin())

    @rule(person=PEOPLE, operation=OPERATIONS)
    def one_person(self, person: str, operation: tuple[str, int, Any]) -> None:
        self.steps += 1
        self.loop.run_until_complete(self.work.attempt(person, *operation))

    @rule(first=OPERATIONS, second=OPERATIONS)
    def two_people(self, first: tuple[str, int, Any], second: tuple[str, int, Any]) -> None:
        self.steps += 1
        self.loop.run_until_complete(self.work.together(("Dana", *first), ("Eli", *second)))

    @precondition(lambda self: self.steps % 7 == 6)
    @rule(person=PEOPLE)
    def back_to_processing(self, person: str) -> None:
        self.steps += 1
        self.loop.run_until_complete(self.work.attempt(person, "roll_back", 0, 0))

    @invariant()
    def nothing_is_wrong(self) -> None:
        self.loop.run_until_complete(self.work.check())

    def teardown(self) -> None:
        self.outcomes.update(self.work.outcomes)
        self.loop.run_until_complete(self.engine.dispose())
        next(self.database, None)
        self.folder.cleanup()
        self.loop.close()


def run(server: URL, template: str, *, examples: int, steps: int) -> Counter[tuple[str, bool]]:
    """Run the machine; returns how often each operation was done, and how often refused."""
    Review.server, Review.template = server, template
    Review.outcomes.clear()
    phases = [Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink]
    how = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        phases=phases,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Review, settings=how)
    return Review.outcomes


def test_two_people_at_random(postgres_server: URL, template_database: str) -> None:
    outcomes = run(postgres_server, template_database, examples=8, steps=25)
    assert outcomes.total() > 100


@pytest.mark.long
def test_two_people_at_random_for_long(postgres_server: URL, template_database: str) -> None:
    outcomes = run(postgres_server, template_database, examples=150, steps=60)
    assert outcomes.total() > 5_000
    every = {
        "edit",
        "assign",
        "link",
        "unlink",
        "order",
        "lock",
        "regenerate",
        "restore",
        "pull",
        "push",
        "validate",
        "roll_back",
    }
    assert {operation for operation, done in outcomes if done} >= every
