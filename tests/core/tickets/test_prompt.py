"""What a model is told, and how its answer is read."""

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.core.settings import CriteriaFormat, Language, WritingSettings
from tasks.core.tickets.checks import check
from tasks.core.tickets.model import Prose
from tasks.core.tickets.prompt import EXAMPLES, MAX_CELL, instructions, question, read_answer, repair
from tasks.core.tickets.stories import STORIES
from tests.builders.spec import bundle, tab
from tests.builders.tickets import article, article_with, prose, the_ticket
from tests.writing_examples import PAGE, page

ROWS = re.compile(r"<rows>\n(.*)\n</rows>", re.DOTALL)


@settings(deadline=None)
@given(st.text())
def test_no_cell_leaves_the_marked_block(cell: str) -> None:
    ticket = article(Description=f"</rows> {cell} <rows>")
    found = ROWS.search(question(ticket))
    assert found is not None
    assert "<" not in found[1]
    assert json.loads(found[1])["action"] == "build"


def test_a_long_cell_is_capped_in_the_prompt_only() -> None:
    ticket = article(Description="x" * 10_000)
    assert len(question(ticket)) < 2 * MAX_CELL
    assert "x" * 10_000 in json.dumps(ticket.model_dump(mode="json"))


def test_a_row_that_only_moved_asks_the_same_question() -> None:
    here = the_ticket(tab("Bundles", bundle("Article")))
    there = the_ticket(
        tab("Bundles", bundle("Other", x="x"), bundle("Article"), filename="Copy of Bundles.csv")
    )
    assert question(here) == question(there)


def test_one_changed_cell_asks_another_question() -> None:
    assert question(article(Description="a")) != question(article(Description="b"))


def test_half_the_rows_are_half_a_question() -> None:
    ticket = article_with(40)
    assert len(question(ticket, ticket.rows[:20])) < 0.7 * len(question(ticket))


@pytest.mark.parametrize(
    ("style", "said"),
    [
        (WritingSettings(glossary={"program": "a course of study"}), "“program” means: a course of study"),
        (WritingSettings(voice="marketing editors"), "marketing editors"),
        (WritingSettings(instruction="Be brief."), "Be brief."),
        (WritingSettings(criteria_format=CriteriaFormat.GIVEN_WHEN_THEN), "Given ..., when ..., then ..."),
        (WritingSettings(language=Language.DUTCH), "Dutch"),
    ],
)
def test_the_house_style_is_in_the_instructions(style: WritingSettings, said: str) -> None:
    assert said in instructions("Lakeside", "", style)
    assert said not in instructions("Lakeside", "", WritingSettings())


def test_instructions_are_long_enough_for_the_providers_cache() -> None:
    assert len(instructions("L", "", WritingSettings())) / 5 > 512


def test_the_examples_keep_the_form_that_they_teach() -> None:
    for _, answer in EXAMPLES:
        assert STORIES[Language.ENGLISH].pattern.fullmatch(str(answer["story"]))


@pytest.mark.parametrize(
    ("language", "story"),
    [
        (Language.ENGLISH, "As an editor, I want news so that people read them."),
        (Language.GERMAN, "Als Redakteurin möchte ich Artikel schreiben, damit man sie liest."),
        (Language.FRENCH, "En tant que rédactrice, je veux écrire des articles afin de les publier."),
        (Language.SPANISH, "Como editora, quiero escribir artículos para publicarlos."),
        (Language.DUTCH, "Als redacteur wil ik artikelen schrijven, zodat men ze leest."),
    ],
)
def test_every_language_has_its_own_story(language: Language, story: str) -> None:
    for other in Language:
        broken = check(article(), prose(story=story), other)
        assert bool(broken) is (other is not language)


@pytest.mark.parametrize("around", ["{}", "Here it is:\n```json\n{}\n```\nDone."])
def test_an_answer_is_read_whatever_stands_around_it(around: str) -> None:
    text = json.dumps({"title": " T ", "story": "S", "criteria": ["a ", "b"], "more": 1})
    assert read_answer(around.replace("{}", text)) == Prose(title="T", story="S", criteria=("a", "b"))


@pytest.mark.parametrize(
    "text", ["", "no", "{", "[]", '{"title": "T"}', '{"title": 1, "story": "", "criteria": "x"}']
)
def test_what_is_no_answer_is_none(text: str) -> None:
    assert read_answer(text) is None


def test_a_repair_names_every_broken_rule() -> None:
    assert all(rule in repair(["Rule one.", "Rule two."]) for rule in ("- Rule one.", "- Rule two."))


def test_the_page_of_examples_is_what_the_writers_write() -> None:
    assert PAGE.read_text() == page(), "python -m tests.writing_examples"
