"""Options on who writes the tickets of a session, and in which style: given to a command as one parameter."""

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deployments.cli.options import pair

if TYPE_CHECKING:
    from tasks.core.settings import WritingSettings

NAME = "writing"
# By the name of the setting, which is that of the option but for the two that say otherwise.
OPTIONS: dict[str, Any] = {
    "provider": Annotated[
        str | None,
        typer.Option(
            metavar="PROVIDER",
            help="Who writes: auto, offline, anthropic, openai. `auto` is a model where there is a key.",
        ),
    ],
    "model": Annotated[
        str | None, typer.Option(metavar="MODEL", help="The model that writes; default: its block's.")
    ],
    "on_budget": Annotated[
        str | None,
        typer.Option(metavar="WHAT", help="When the budget is reached: offline writes the rest, or stop."),
    ],
    "language": Annotated[
        str | None, typer.Option(metavar="LANGUAGE", help="Of the tickets, by a model: en, de, fr, es, nl.")
    ],
    "criteria_format": Annotated[
        str | None,
        typer.Option("--criteria", metavar="FORMAT", help="How criteria read: statements, given_when_then."),
    ],
    "voice": Annotated[
        str | None, typer.Option(metavar="WHOM", help="Whom stories speak for, e.g. “marketing editors”.")
    ],
    "glossary": Annotated[
        list[str] | None,
        typer.Option(
            "--term", metavar="WORD=MEANING", help="A word of the house and what it means; once for each."
        ),
    ],
    "instruction": Annotated[
        str | None, typer.Option(metavar="TEXT", help="Anything else a model shall keep to.")
    ],
}


def takes_writing(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command these options; it gets what was given, and nothing else, as `writing`."""

    @wraps(command)
    def with_options(**given: Any) -> None:
        style = {name: given.pop(name) for name in OPTIONS}
        command(**given, **{NAME: {name: value for name, value in style.items() if value is not None}})

    own = [part for part in inspect.signature(command).parameters.values() if part.name != NAME]
    kind = inspect.Parameter.KEYWORD_ONLY
    added = [inspect.Parameter(name, kind, default=None, annotation=OPTIONS[name]) for name in OPTIONS]
    with_options.__signature__ = inspect.Signature([*own, *added])  # type: ignore[attr-defined]
    with_options.__annotations__ = {part.name: part.annotation for part in (*own, *added)}
    return with_options


def writing_settings(given: Mapping[str, Any], before: "WritingSettings | None" = None) -> "WritingSettings":
    """The settings as options give them; what is left out stays as it was."""
    from pydantic import ValidationError

    from tasks.core.settings import WritingSettings

    kept = before or WritingSettings()
    terms = dict(pair(term, "--term") for term in given.get("glossary", ()))
    glossary = {"glossary": {**kept.glossary, **terms}} if terms else {}
    try:
        return WritingSettings.model_validate({**kept.model_dump(), **given, **glossary})
    except ValidationError as error:
        [wrong, *_] = error.errors()
        option = {"criteria_format": "criteria"}.get(str(wrong["loc"][0]), str(wrong["loc"][0]))
        raise typer.BadParameter(f"--{option.replace('_', '-')}: {wrong['msg']}.") from None
