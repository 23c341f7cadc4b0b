"""The six checks that hold for every text, whoever wrote it."""

import time

import pytest

from tasks.core.tickets.checks import check
from tasks.core.tickets.model import PlannedTicket
from tests.builders.spec import bundle, tab
from tests.builders.tickets import article, article_with, prose, the_ticket

ARTICLE = article({"label": "Teaser text", "Settings/notes": "Shown in node_teaser, see views.view.news"})


def problems(ticket: PlannedTicket = ARTICLE, **changes: object) -> list[str]:
    return check(ticket, prose(**changes))


def criteria(*added: str) -> tuple[str, ...]:
    return ("An editor can create an article.", *added)


def test_a_good_text_breaks_no_rule() -> None:
    assert problems() == []


# 1. Shape


@pytest.mark.parametrize("title", ["", "Abcd", "x" * 256, "\U0001f600" * 128])
def test_a_title_has_5_to_255_characters_as_jira_counts_them(title: str) -> None:
    assert any("5 to 255" in problem for problem in problems(title=title))


def test_a_title_is_one_line() -> None:
    assert "The title has a line break; write one line." in problems(title="Create content\ntype")


@pytest.mark.parametrize("number", [0, 1, 9])
def test_there_are_two_to_eight_written_criteria(number: int) -> None:
    assert any(
        "2 to 8" in problem for problem in problems(criteria=[f"Criterion {at}." for at in range(number)])
    )


def test_criteria_that_code_wrote_do_not_count() -> None:
    assert any("2 to 8" in problem for problem in problems(article_with(20), criteria=["Only one."]))


def test_an_empty_criterion_is_none() -> None:
    assert "A criterion is empty; leave it out." in problems(criteria=criteria("Another one.", "  "))


# 2. Story


@pytest.mark.parametrize(
    "story",
    [
        "The editor wants articles.",
        "As a editor I want articles so that I can publish.",
        "As an editor, I want articles.",
        "As an editor, I want articles so that I can publish news. It must be quick.",
        "As an editor, I want articles so that\nI can publish news.",
    ],
)
def test_a_story_is_one_sentence_of_the_known_form(story: str) -> None:
    assert any(problem.startswith("The story") for problem in problems(story=story))


def test_an_abbreviation_or_a_file_name_does_not_end_the_sentence() -> None:
    assert problems(story="As an editor, I want pages, e.g. about v1.5, so that I can tell news.") == []


# 3 and 4. Code and machine names


@pytest.mark.parametrize(
    "said", ["`field_teaser_text`", "`Teaser text`", "`Teaser`", "`views.view.news`", "node_teaser"]
)
def test_cells_and_words_of_cells_may_be_quoted(said: str) -> None:
    assert problems(criteria=criteria(f"The form shows {said} first.")) == []


@pytest.mark.parametrize(
    "said", ["`field_other`", "`Teaser tex`", "field_other", "node_teaser_2", "`Fields.csv`"]
)
def test_nothing_else_may_be(said: str) -> None:
    assert len(problems(criteria=criteria(f"The form shows {said} first."))) == 1


def test_titles_and_stories_are_held_to_the_same() -> None:
    assert (
        len(problems(title="Create content_type_x", story="As an editor, I want `nothing` so that it is."))
        == 2
    )


def test_a_machine_name_with_invisible_characters_is_known_by_what_is_seen() -> None:
    ticket = the_ticket(tab("Bundles", bundle("Article", **{"Machine name": "art\u200bicle"})))
    assert check(ticket, prose()) == []


# 5. Every machine name


def test_a_machine_name_that_no_criterion_names_is_missed() -> None:
    bare = ARTICLE.model_copy(update={"structural_criteria": ()})
    assert problems(bare) == ["No criterion names field_teaser_text; name every machine name of the ticket."]


# 6. Clean


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ("See https://example.com.", "a link"),
        ("See www.example.com.", "a link"),
        ("See [this](page).", "a link"),
        ("The <em>title</em> is shown.", "HTML"),
        ("Title &amp; text are shown.", "HTML"),
        ("Options: TBD.", "a placeholder"),
        ("As an AI, I cannot say.", "a remark about the writer"),
        ("The title\u200b is shown.", "a character that cannot be seen"),
        ("The title\u202e is shown.", "a character that cannot be seen"),
        ("The title\x07 is shown.", "a character that cannot be seen"),
        ("The title\nis shown.", "a character that cannot be seen"),
    ],
)
def test_prose_is_clean(said: str, what: str) -> None:
    assert any(what in problem for problem in problems(criteria=criteria(said)))


def test_nothing_is_said_twice() -> None:
    assert problems(criteria=criteria("It is shown.", "It is  Shown")) == [
        "“it is shown” is said 2 times; say it once."
    ]


def test_the_checks_run_at_a_thousand_tickets_a_second() -> None:
    ticket, text = article_with(20), prose()
    started = time.process_time()
    for _ in range(200):
        check(ticket, text)
    assert time.process_time() - started < 1
