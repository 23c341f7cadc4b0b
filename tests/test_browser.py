"""The Prefect UI as a director uses it, in a real browser."""

import json
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import httpx
import pytest
from playwright.sync_api import Error, Locator, Page, expect

from tests.stack import RunningStack

pytestmark = pytest.mark.stack

BUNDLES = "X,Name,Machine name,Type\na,Basic page,page,Content type\na,News,news,Content type\n"
FIELDS = (
    "X,Bundle,Field label,Machine name,Field type\na,Basic page (Content type),Body,body,Text (formatted)\n"
)
PATIENCE, LOOK = 120_000, 8_000  # milliseconds: in all, and for one look at a page


@dataclass(frozen=True)
class PrefectUI:
    """What a director does in the UI, by what they see."""

    page: Page
    address: str

    def start_session(self, site_name: str, **files: str) -> None:
        """Start a session whose files are given in the form."""
        self.page.goto(f"{self.address}/deployments")
        self.page.get_by_role("link", name="prepare-session", exact=True).first.click()
        self.page.get_by_role("button", name="Run", exact=True).click()
        self.page.get_by_text("Custom run").first.click()
        given = self.field("files")
        for place, (filename, text) in enumerate(files.items()):
            given.get_by_role("button", name="Add item").click()
            self.field("Filename", given).nth(place).locator("textarea").fill(f"{filename}.csv")
            self.field("Text", given).nth(place).locator("textarea").fill(text)
        self.submit(requested_by="Dana", site_name=site_name, jira_project_key="LAKE")

    def submit(self, **answers: str) -> None:
        """Fill in the form that is open and submit it."""
        for name, text in answers.items():
            self.field(name).locator("textarea").fill(text)
        self.page.get_by_role("button", name="Submit").click()
        expect(self.page.get_by_text("scheduled to start").first).to_be_visible()

    def open_run(self, name: str) -> None:
        """Find a run by its name on the page of runs, and open it."""
        self._look_again_for(f"{self.address}/runs", name)
        self.page.wait_for_url("**/runs/flow-run/**")

    def open_artifact(self, name: str) -> None:
        """Open an artifact of the run that is open."""
        self._look_again_for(self.page.url, name, tab="Artifacts")

    def _look_again_for(self, address: str, link: str, tab: str | None = None) -> None:
        """Load a page until it shows a link, and click it: pages do not notice what is new."""
        for _ in range(PATIENCE // LOOK):
            self.page.goto(address)
            with suppress(Error):
                if tab:
                    self.page.get_by_text(tab, exact=True).first.click(timeout=LOOK)
                self.page.get_by_role("link", name=link).first.click(timeout=LOOK)
                return
        raise AssertionError(f"{address} never showed {link}")

    def expect_state(self, state: str) -> None:
        """Watch the run that is open until it is in a state."""
        expect(self.page.locator(".state-badge").first).to_have_text(re.compile(state), timeout=PATIENCE)

    def field(self, name: str, within: Locator | None = None) -> Locator:
        """The field of a form with this label."""
        label = f'.schema-form-property__label:text-matches("^{name}")'
        return (within or self.page).locator(f".schema-form-property:has(> .p-label__header {label})")

    def cancel(self) -> None:
        """Cancel the run that is open."""
        self.page.get_by_role("button", name="Cancel", exact=True).click()
        self.page.get_by_role("dialog").get_by_role("button", name="Confirm").click()

    def follow(self, link: str) -> None:
        """Follow a link of an artifact, which opens in a tab of its own."""
        with self.page.expect_popup() as opened:
            self.page.get_by_role("link", name=link).click()
        self.page.goto(opened.value.url)
        opened.value.close()

    def answer(self, decision: str, **texts: str) -> None:
        """Press Resume on the run that is open, and answer the form."""
        self.page.get_by_role("button", name="Resume").first.click()
        form = self.page.get_by_role("dialog")
        for name, text in texts.items():
            self.field(name.replace("_", " ").title(), form).locator("textarea").fill(text)
        choice = self.field("Decision", form)
        choice.locator("button.p-select-button__control").focus()  # a list of the UI's own, without a role
        self.page.keyboard.press("Space")
        while decision not in choice.locator(".p-select").inner_text():
            self.page.keyboard.press("ArrowDown")
            self.page.keyboard.press("Enter")
        form.get_by_role("button", name="Submit").click()
        expect(form).to_be_hidden(timeout=PATIENCE)


def sessions(stack: RunningStack) -> list[dict[str, str]]:
    """What `drupal-tickets session list` shows."""
    return list(json.loads(stack.cli("session", "list", "--json").stdout)["sessions"])


@contextmanager
def slow_jira(stack: RunningStack) -> Iterator[None]:
    """The sandbox takes half a minute for every answer."""
    with httpx.Client(base_url=f"{stack.connection.jira_url}/_sandbox") as sandbox:
        sandbox.post("/faults", json={"kind": "slow", "seconds": 30}).raise_for_status()
        yield
        sandbox.delete("/faults").raise_for_status()


@pytest.fixture
def ui(stack: RunningStack, page: Page) -> PrefectUI:
    page.set_default_timeout(20_000)
    page.set_viewport_size({"width": 1280, "height": 1000})
    return PrefectUI(page, stack.connection.ui_url)


def test_a_session_from_the_form_to_jira(ui: PrefectUI, stack: RunningStack) -> None:
    site = f"Harbor {uuid.uuid4().hex[:8]}"
    ui.start_session(site, Bundles=BUNDLES, Fields=FIELDS)
    ui.open_run(f"{site}: prepare-session")
    ui.expect_state("Completed")
    ui.open_artifact("session-harbor")
    expect(ui.page.get_by_text("is at stage review")).to_be_visible()
    ui.follow("review-tickets")
    ui.submit(requested_by="Dana")
    ui.open_run(f"{site}: review-tickets")
    ui.expect_state("Suspended")
    ui.answer(decision="approve", requested_by="Dana", note="Fine.")
    ui.expect_state("Completed")
    ui.open_run(f"{site}: deliver-session")
    ui.expect_state("Completed")
    ui.open_artifact("session-harbor")
    expect(ui.page.get_by_text("is at stage completed")).to_be_visible()


def test_a_session_that_is_cancelled_goes_on_later(ui: PrefectUI, stack: RunningStack) -> None:
    site = f"Haven {uuid.uuid4().hex[:8]}"
    with slow_jira(stack):
        ui.start_session(site, Bundles=BUNDLES)
        ui.open_run(f"{site}: prepare-session")
        ui.expect_state("Running")
        ui.cancel()
        ui.expect_state("Cancelled")
    [found] = [one for one in sessions(stack) if one["site_name"] == site]
    assert found["status"] == "active"
    resumed = stack.cli("session", "resume", found["id"], "--json")
    assert json.loads(resumed.stdout)["session"]["stage"] == "review"
