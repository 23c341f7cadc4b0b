"""The form as a director meets it: opened from the runs page, answered, and the session goes on.

With PICTURES=docs/pictures it draws the pictures of the guide anew.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.prefect_api import PrefectApi, prefect_api
from tests.reviewed_session import ReviewedSession, begin
from tests.stack import RunningStack

pytestmark = pytest.mark.stack


@pytest.fixture
def prefect(stack: RunningStack) -> Iterator[PrefectApi]:
    with prefect_api(stack) as api:
        yield api


@pytest.fixture
def browsed(stack: RunningStack, tmp_path: Path) -> ReviewedSession:
    return begin(stack, tmp_path, "Browsed")


def picture(page: Page, name: str) -> None:
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.jpg", type="jpeg", quality=70)


def test_the_form_is_opened_from_the_runs_page_and_answered(
    page: Page, prefect: PrefectApi, browsed: ReviewedSession, stack: RunningStack
) -> None:
    run = prefect.start("review-tickets", session_id=browsed.id, requested_by="Dana Director")
    prefect.form(run, 1)
    page.set_viewport_size({"width": 1280, "height": 1000})
    page.goto(f"{stack.connection.ui_url}/runs")
    link = page.get_by_role("link", name="Browsed: review-tickets").first
    expect(link).to_be_visible(timeout=30_000)
    picture(page, "review-runs")
    link.click()
    page.get_by_role("button", name="Resume").click()
    form = page.get_by_role("dialog")
    expect(form).to_contain_text("Browsed: 2 tickets (review round 1)")
    form.get_by_role("button", name="Submit").click()
    assert prefect.run(run)["state"]["type"] == "PAUSED", "an empty form decides nothing"
    form.locator("button.p-select-button__control").first.focus()  # a list of the UI's own, without a role
    page.keyboard.press("Space")
    page.wait_for_timeout(600)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(form.locator(".p-select").first).to_contain_text("approve")
    form.locator("textarea").first.fill("Dana Director")
    picture(page, "review-form")
    form.get_by_role("button", name="Submit").click()
    expect(form).to_be_hidden()
    assert prefect.end_of(run)[0] == "COMPLETED"
    browsed.cli("session", "watch")
    assert browsed.status() == ("completed", "completed")
