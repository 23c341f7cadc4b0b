"""The fixtures that every test may use, and which tests stay together when two processes share them."""

import signal
from importlib.util import find_spec

import pytest

pytest_plugins = [
    name
    for name in (
        "tests.postgres",
        "tests.jira_sandbox",
        "tests.stack",
        "tests.model_stand_in",
        "tests.browser",
    )
    if find_spec(name)
]


def pytest_configure() -> None:
    """Let the commands that tests start heed Ctrl-C: what a script runs in the background would ignore it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give all tests of the whole stack to one process, which begins with them; elsewhere a file stays together."""
    items.sort(key=lambda item: not _needs_stack(item))
    for item in items:
        item.add_marker(pytest.mark.xdist_group("stack" if _needs_stack(item) else item.path.name))


def _needs_stack(item: pytest.Item) -> bool:
    return bool(item.get_closest_marker("stack")) or "stack" in getattr(item, "fixturenames", ())
