"""Bare HTTP for the tests of the sandbox."""

from collections.abc import Iterator

import httpx
import pytest

from tests.jira_sandbox import JiraSandbox


@pytest.fixture
def http(jira_sandbox: JiraSandbox) -> Iterator[httpx.Client]:
    """The default login, on an empty sandbox."""
    with jira_sandbox.client() as client:
        yield client
