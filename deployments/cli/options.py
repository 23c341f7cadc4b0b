"""Arguments and options that several commands share, and how their texts are read."""

import getpass
import os
import pwd
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from db.actor import Actor
    from db.enums import AuditLevel as Level
    from deployments.settings import Settings
    from tasks.core.settings import Limits as SpecLimits
    from tasks.core.settings import SessionSettings

SessionId = Annotated[
    str, typer.Argument(metavar="SESSION", help="Id of the session, or its first characters.")
]
TicketId = Annotated[str, typer.Argument(metavar="TICKET", help="Id of the ticket, or its first characters.")]
Spec = Annotated[
    list[Path], typer.Argument(metavar="SPEC...", help="A folder, CSV files, a zip, or an xlsx workbook.")
]
RequestedBy = Annotated[
    str | None,
    typer.Option(
        "--requested-by", metavar="NAME", help="Who you are, for the audit trail; default: your login name."
    ),
]
SiteName = Annotated[str, typer.Option(help="Name of the site, as it stands in the tickets.")]
SiteDescription = Annotated[str, typer.Option(help="What the site is: context for whoever writes the text.")]
ProjectKey = Annotated[str, typer.Option(help="Key of the Jira project, e.g. LAKE.")]
JiraSite = Annotated[
    str, typer.Option(metavar="BLOCK", help="Name of the Jira block: the site and the account.")
]
Scope = Annotated[
    str,
    typer.Option(
        metavar="CODE=ACTION,...",
        help="What the codes of the X column mean: build, change, remove, hold, built, skip; "
        "`blank` is a blank X.",
    ),
]
Granularity = Annotated[
    str,
    typer.Option(metavar="TYPE=RULE,...", help="How rows become tickets, per tab type, e.g. bundle=apart."),
]
AuditLevel = Annotated[
    str,
    typer.Option(
        metavar="LEVEL",
        help="What the audit trail keeps: `basic` who did what, `comprehensive` also the values before and after.",
    ),
]
Limits = Annotated[
    str,
    typer.Option(
        metavar="NAME=NUMBER,...",
        help="How much the spec may be: files, file_bytes, total_bytes, e.g. files=40.",
    ),
]
Budget = Annotated[str | None, typer.Option(metavar="USD", help="What the model may cost at most.")]

BLANK = "blank"
PROJECT_KEY = re.compile(r"[A-Z][A-Z0-9_]{1,9}")


def settings_from_environment() -> "Settings":
    """The installation as the environment describes it."""
    from deployments.settings import Settings

    return Settings.from_environment(os.environ)


def actor(claimed: str | None) -> "Actor":
    """Whoever sits at the keyboard, or says they are somebody else."""
    from db.actor import Actor

    name = (claimed or "").strip() or login_name()
    return Actor(claimed=name, authenticated=account_name(), user_agent="drupal-tickets")


def account_name() -> str:
    """The account that this machine knows this process by, whatever the environment says."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container may run as a number without a name
        name = f"uid {os.getuid()}"
    return f"{name} on {os.uname().nodename}"


def login_name() -> str:
    """What the person at the keyboard is called here."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container may run as a number without a name
        return f"uid {os.getuid()}"


def session_settings(
    scope: str,
    granularity: str,
    budget: str | None,
    audit_level: str = "basic",
    writing: Mapping[str, Any] | None = None,
    limits: str = "",
) -> "SessionSettings":
    """The settings of a session as options give them; what is left out keeps its default."""
    from deployments.cli.writing_options import writing_settings
    from tasks.core.settings import DEFAULT_SCOPE, RowAction, SessionSettings
    from tasks.core.spec.registry import check_granularity

    actions = {action.value: action for action in RowAction}
    chosen = {}
    for code, action in pairs(scope, "--scope").items():
        if action not in actions:
            raise typer.BadParameter(f"--scope: “{action}” is none of {', '.join(actions)}.")
        chosen["" if code.lower() == BLANK else code.lower()] = actions[action]
    rules = pairs(granularity, "--granularity")
    check_granularity(rules)
    amount = {} if budget is None else {"budget_usd": dollars(budget)}
    return SessionSettings(
        scope={**DEFAULT_SCOPE, **chosen},
        granularity=rules,
        audit_level=level_of(audit_level),
        writing=writing_settings(writing or {}),
        limits=_limits(limits),
        **amount,
    )


def level_of(text: str) -> "Level":
    """How much the audit trail keeps."""
    from db.enums import AuditLevel as Level

    if text not in set(Level):
        raise typer.BadParameter(f"--audit-level: “{text}” is none of {', '.join(Level)}.")
    return Level(text)


def _limits(text: str) -> "SpecLimits":
    from pydantic import ValidationError

    from tasks.core.settings import Limits as SpecLimits

    given = pairs(text, "--limits")
    if unknown := given.keys() - SpecLimits.model_fields.keys():
        raise typer.BadParameter(
            f"--limits: there is no limit “{unknown.pop()}”; {', '.join(SpecLimits.model_fields)}."
        )
    try:
        return SpecLimits.model_validate(given)
    except ValidationError as error:
        [wrong, *_] = error.errors()
        raise typer.BadParameter(f"--limits: {wrong['loc'][0]}: {wrong['msg']}.") from None


def project_key_of(text: str) -> str:
    """The key as Jira writes it."""
    key = text.strip().upper()
    if not PROJECT_KEY.fullmatch(key):
        raise typer.BadParameter(f"--project-key: “{text}” is no key of a Jira project, e.g. LAKE.")
    return key


def pairs(text: str, option: str) -> dict[str, str]:
    """`a=build,c=change` as a dictionary."""
    return dict(pair(part, option) for part in filter(None, (piece.strip() for piece in text.split(","))))


def pair(text: str, option: str) -> tuple[str, str]:
    """`a=build` as a name and its value."""
    name, equals, value = (piece.strip() for piece in text.partition("="))
    if not (name and equals and value):
        raise typer.BadParameter(f"{option}: “{text}” does not read NAME=VALUE.")
    return name, value


def dollars(text: str) -> Decimal:
    """An amount of money."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or amount < 0:
        raise typer.BadParameter(f"--budget: “{text}” is not an amount of US dollars.")
    return amount
