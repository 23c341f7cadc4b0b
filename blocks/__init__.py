"""The doors to outside systems. `prefect block register -m blocks` finds every block here.

The names load on first use: a command that only needs a client must not wait for Prefect.
"""

from importlib import import_module
from typing import Any

__all__ = ["AnthropicWriter", "JiraCredentials", "OpenAIWriter"]

HOMES = {
    "AnthropicWriter": "blocks.anthropic",
    "JiraCredentials": "blocks.jira",
    "OpenAIWriter": "blocks.openai",
}


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
