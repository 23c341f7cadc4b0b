"""The form of the review on a real stack: first decision wins, whichever door it takes; whoever is late is told."""

from collections.abc import Iterator

import pytest

from db.enums import ReviewDecision
from db.repositories.reviews import ReviewRepository
from tests.builders.database import DIRECTOR
from tests.end_to_end import repositories
from tests.prefect_api import PrefectApi, prefect_api
from tests.reviewed_session import ReviewedSession, begin, opened
from tests.stack import RunningStack

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def reviewed(stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> ReviewedSession:
    return begin(stack, tmp_path_factory.mktemp("spec"))


@pytest.fixture
def prefect(stack: RunningStack) -> Iterator[PrefectApi]:
    with prefect_api(stack) as api:
        yield api


def test_an_approval_of_what_changed_meanwhile_is_asked_again_and_pages_are_shown_once_a_round(
    prefect: PrefectApi, reviewed: ReviewedSession
) -> None:
    run, number = opened(prefect, reviewed)
    assert set(prefect.artifacts(run).values()) == {1}
    assert {"tickets", "group-user-roles", "dependencies"} <= set(prefect.artifacts(run))
    assert prefect.answer(run) == "REJECT", "an empty answer decides nothing"
    reviewed.cli("tickets", "edit", reviewed.tickets()[0]["id"], "--title", "Changed meanwhile")
    assert prefect.answer(run, decision="approve", requested_by="Dana") == "ACCEPT"
    assert "changed since they were shown" in prefect.form(run, number + 1)
    assert set(prefect.artifacts(run).values()) == {2}
    assert prefect.answer(run, decision="change", requested_by="Dana") == "ACCEPT"
    assert prefect.end_of(run)[0] == "COMPLETED"
    assert set(prefect.artifacts(run).values()) == {2}
    assert prefect.answer(run, decision="approve", requested_by="Eve") == "ABORT", "a second answer"
    assert reviewed.review()["decision"] == "change"


def test_a_decision_on_the_command_line_ends_the_form(prefect: PrefectApi, reviewed: ReviewedSession) -> None:
    run, _ = opened(prefect, reviewed)
    decided = reviewed.cli("review", "--decision", "cancel", "--requested-by", "Eve")
    assert "The form in the Prefect UI is ended." in decided.stderr
    assert prefect.end_of(run) == ("COMPLETED", "Eve decided on the command line: cancel.")
    assert prefect.answer(run, decision="approve", requested_by="Dana") == "ABORT"


async def test_a_form_answered_after_another_decision_tells_the_loser(
    prefect: PrefectApi, reviewed: ReviewedSession, stack: RunningStack
) -> None:
    run, _ = opened(prefect, reviewed)
    async with repositories(stack) as session:  # as a command line does that cannot reach Prefect
        await ReviewRepository(session).decide(reviewed.uuid, ReviewDecision.CANCEL, actor=DIRECTOR)
    assert prefect.answer(run, decision="approve", requested_by="Eve") == "ACCEPT"
    state, message = prefect.end_of(run)
    assert state == "FAILED"
    assert f"{DIRECTOR.claimed} was faster and decided: cancel" in message
    assert reviewed.review()["decision"] == "cancel"
    assert reviewed.status() == ("review", "active")
