"""What reaches the terminal: tables for people or one JSON document on standard output, all else on standard error."""

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

if TYPE_CHECKING:
    from rich.console import Console

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Document = Mapping[str, Any]

SECRET_VARIABLES = (
    "JIRA_API_TOKEN",
    "JIRA_OAUTH_CLIENT_SECRET",
    "ANTHROPIC_API_KEY",
    "DRUPAL_TICKETS_ENCRYPTION_KEY",
    "PREFECT_API_KEY",
    "PREFECT_API_AUTH_STRING",
    "PREFECT_SERVER_API_AUTH_STRING",
    "PREFECT_SERVER_ENCRYPTION_KEY",
)
ADDRESS_VARIABLES = ("DATABASE_URL", "PREFECT_API_URL", "PREFECT_UI_URL", "JIRA_URL", "ANTHROPIC_BASE_URL")
# What a terminal would obey instead of showing; tab and line feed are harmless.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
PIPE_WIDTH = 160
SHORT_ID = 8


def redact(text: str) -> str:
    """The text without the secrets of this environment, wherever a library put them."""
    for secret in _secrets():
        text = text.replace(secret, "***")
    return text


def _secrets() -> Iterable[str]:
    shortest = 4  # a shorter one would blank out ordinary words
    passwords = (urlsplit(os.environ.get(name, "")).password for name in ADDRESS_VARIABLES)
    named = (os.environ.get(name) for name in SECRET_VARIABLES)
    return (secret for secret in (*passwords, *named) if secret and len(secret) >= shortest)


def printable(value: object) -> str:
    """A value as a terminal may show it."""
    return "" if value is None else redact(CONTROL.sub("\N{REPLACEMENT CHARACTER}", str(value)))


def console(*, stderr: bool = False) -> "Console":
    """A console that takes no markup from what it prints; wide where nobody looks at its edge."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(
        file=stream, markup=False, highlight=False, emoji=False, width=None if stream.isatty() else PIPE_WIDTH
    )


def note(text: str) -> None:
    """Say something beside the result: progress, advice, what happens next."""
    typer.echo(printable(text), err=True)


def show(document: Document, as_json: bool, render: Callable[["Console"], None]) -> None:
    """The result of a command, once: as JSON, or as `render` draws it for people."""
    try:
        if as_json:
            typer.echo(redact(json.dumps(document, default=_plain, indent=2)))
        else:
            render(console())
        sys.stdout.flush()
    except BrokenPipeError:  # the reader (`| head`) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    isoformat = getattr(value, "isoformat", None)
    return isoformat() if isoformat else str(value)


def print_table(target: "Console", columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A plain table; cells are shown as they are."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(*columns, box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*(printable(cell) for cell in row))
    target.print(table)


def print_facts(target: "Console", facts: Mapping[str, object]) -> None:
    """Names and values, one pair a line."""
    width = max(map(len, facts), default=0)
    for name, value in facts.items():
        target.print(f"{name:<{width}}  {printable(value)}", soft_wrap=True)


def short(identifier: object) -> str:
    """The first characters of an id: enough to name it on the command line."""
    return str(identifier)[:SHORT_ID]
