"""Debian's chromium, as a person would look with it; tests that need it are skipped where it is not, but in CI."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, sync_playwright

WIDTH, HEIGHT = 1600, 1000


@pytest.fixture
def page() -> Iterator[Page]:
    """An empty page, 1,600 pixels wide. One browser a test: Playwright's loop must not outlive it."""
    chromium = shutil.which("chromium")
    if chromium is None:
        if os.environ.get("CI") == "true":
            pytest.fail("chromium is missing")
        pytest.skip("chromium is not here")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        browser.close()
