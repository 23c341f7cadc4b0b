"""The fixtures that every test may use, and which tests stay together when two processes share them."""

from importlib.util import find_spec

import pytest

pytest_plugins = [
    name
    for name in ("tests.postgres", "tests.jira_sandbox", "tests.stack", "tests.model_stand_in")
    if find_spec(name)
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give all tests of the whole stack to one process, which begins with them; elsewhere a file stays together."""
    items.sort(key=lambda item: item.get_closest_marker("stack") is None)
    for item in items:
        group = "stack" if item.get_closest_marker("stack") else item.path.name
        item.add_marker(pytest.mark.xdist_group(group))
