"""The form of the review on a real stack, in full: two answers at once, nobody answers, written anew, rolled back."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.prefect_api import PrefectApi, prefect_api
from tests.reviewed_session import ReviewedSession, begin, opened
from tests.stack import RunningStack

pytestmark = [pytest.mark.stack, pytest.mark.long]
NINE_SECONDS = 0.0001


@pytest.fixture(scope="module")
def reviewed(stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> ReviewedSession:
    return begin(stack, tmp_path_factory.mktemp("spec"), "Answered")


@pytest.fixture
def prefect(stack: RunningStack) -> Iterator[PrefectApi]:
    with prefect_api(stack) as api:
        yield api


def test_of_two_answers_at_once_one_counts(prefect: PrefectApi, reviewed: ReviewedSession) -> None:
    run, number = opened(prefect, reviewed)
    answers = [("change", "Dana"), ("cancel", "Eve")]
    with ThreadPoolExecutor(2) as both:
        given = [both.submit(prefect.answer, run, decision=what, requested_by=who) for what, who in answers]
    assert "ACCEPT" in [one.result() for one in given]
    assert prefect.end_of(run)[0] == "COMPLETED"
    review = reviewed.review()
    assert (review["round"], (review["decision"], review["decided_by"]) in answers) == (number, True)


def test_a_form_that_nobody_answers_ends_and_the_session_is_as_it_was(
    prefect: PrefectApi, reviewed: ReviewedSession
) -> None:
    before = reviewed.tickets()
    run, _ = opened(prefect, reviewed, days=NINE_SECONDS)
    assert prefect.end_of(run) == ("FAILED", "The flow was paused and never resumed.")
    assert prefect.answer(run, decision="approve", requested_by="Dana") == "ABORT"
    assert reviewed.status() == ("review", "active")
    assert reviewed.tickets() == before
    run, _ = opened(prefect, reviewed)
    assert prefect.answer(run, decision="cancel", requested_by="Dana") == "ACCEPT"
    assert prefect.end_of(run)[0] == "COMPLETED"


def test_tickets_are_written_anew_from_the_form_and_asked_about_again(
    prefect: PrefectApi, reviewed: ReviewedSession
) -> None:
    run, number = opened(prefect, reviewed)
    answer = {"decision": "regenerate", "note": "Shorter.", "group": "User Roles", "replace_edits": True}
    assert prefect.answer(run, requested_by="Dana", **answer) == "ACCEPT"
    assert "Edited by people: 0" in prefect.form(run, number + 1)
    assert {ticket["written_by"] for ticket in reviewed.tickets()} == {"offline"}
    assert prefect.answer(run, decision="roll_back", requested_by="Dana") == "ACCEPT"
    assert prefect.end_of(run)[0] == "COMPLETED"
    assert reviewed.status() == ("processing", "active")
    assert reviewed.tickets() == []
