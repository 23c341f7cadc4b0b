"""What runs for a home: written by its supervisor, read by everybody who wants to join."""

import json
import os
import re
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from deployments.settings import Settings
from deployments.stack.home import Home, write_private
from deployments.stack.processes import ProcessId
from tasks.core.errors import UserFixable

_PASSWORD = re.compile(r"(//[^:/@]*):[^@]*@")


class Connection(BaseModel):
    """Where the parts of a running installation answer."""

    model_config = ConfigDict(frozen=True)

    database_url: str
    prefect_api_url: str = ""
    ui_url: str = ""
    jira_url: str = ""
    prefect_home: str = ""

    def without_password(self) -> Self:
        """As it may be written down."""
        return self.model_copy(update={"database_url": _without_password(self.database_url)})

    def environment(self) -> dict[str, str]:
        """The variables by which our code and Prefect's client find these parts."""
        values = {
            "DATABASE_URL": self.database_url,
            "PREFECT_API_URL": self.prefect_api_url,
            "PREFECT_HOME": self.prefect_home,
            "PREFECT_CLIENT_MAX_RETRIES": "8",
            **own_credential(),
            **_past_proxies(),
        }
        return {name: value for name, value in values.items() if value}


class State(BaseModel):
    """The note of one supervisor about itself."""

    mode: Literal["up", "on demand"]
    supervisor: ProcessId
    processes: dict[str, ProcessId] = {}
    connection: Connection | None = None
    database_ready: bool = False
    ready: bool = False

    def write(self, home: Home) -> None:
        """Leave the note in the home; a password of the database is not its business."""
        shown = self.connection and self.connection.without_password()
        note = self.model_copy(update={"connection": shown})
        write_private(_path(home), note.model_dump_json(indent=1).encode())


def read_state(home: Home) -> State | None:
    """The note as its supervisor left it, alive or not."""
    try:
        return State.model_validate_json(_path(home).read_bytes())
    except (FileNotFoundError, ValidationError, json.JSONDecodeError):
        return None


def running(home: Home) -> State | None:
    """The note of a supervisor that is alive now."""
    state = read_state(home)
    return state if state and state.supervisor.alive() else None


def forget(home: Home) -> None:
    """Remove the note: nothing runs any more."""
    _path(home).unlink(missing_ok=True)


def joined(settings: Settings, connection: Connection) -> Connection:
    """A running stack as this environment may use it; refuses where it works on something else."""
    require_same(settings, connection)
    if settings.database_url is None:
        return connection
    return connection.model_copy(update={"database_url": settings.database_url.get_secret_value()})


def require_same(settings: Settings, connection: Connection) -> None:
    """Refuse to join a stack that works on something else than this environment says."""
    given = {
        "DATABASE_URL": (
            settings.database_url and _without_password(settings.database_url.get_secret_value()),
            _without_password(connection.database_url),
        ),
        "PREFECT_API_URL": (settings.prefect_api_url, connection.prefect_api_url),
        "JIRA_URL": (settings.jira_url, connection.jira_url),
    }
    for name, (wanted, actual) in given.items():
        if wanted and actual and wanted.rstrip("/") != actual.rstrip("/"):
            raise UserFixable(
                f"The stack that runs for {settings.home} was started with another {name}.",
                actions=(f"Stop it first, unset {name}, or use another DRUPAL_TICKETS_HOME.",),
                code="other-stack",
            )


def _path(home: Home) -> Path:
    return home.run / "stack.json"


def _without_password(url: str) -> str:
    return _PASSWORD.sub(r"\1@", url)


def own_credential() -> dict[str, str]:
    """What this environment says to a Prefect server; never noted in the home."""
    # Whoever started the server knows its credential; clients read it under another name.
    known = os.environ.get("PREFECT_API_AUTH_STRING") or os.environ.get("PREFECT_SERVER_API_AUTH_STRING")
    return {"PREFECT_API_AUTH_STRING": known} if known else {}


def _past_proxies() -> dict[str, str]:
    # Prefect's client would ask a company's proxy for 127.0.0.1.
    known = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    names = ",".join(filter(None, [known, "127.0.0.1,localhost"]))
    return {"NO_PROXY": names, "no_proxy": names}
