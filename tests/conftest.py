"""The fixtures that every test may use."""

from importlib.util import find_spec

pytest_plugins = [
    name
    for name in ("tests.postgres", "tests.jira_sandbox", "tests.stack", "tests.model_stand_in")
    if find_spec(name)
]
