"""Logs as JSON, one object a line, each with its session and run: PREFECT_LOGGING_HANDLERS_CONSOLE_FORMATTER=json."""

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

WANTED = "PREFECT_LOGGING_HANDLERS_CONSOLE_FORMATTER"
# Prefect's own word for its JSON format, made ours; set for every part, and of no effect until it is asked for.
SETTINGS = {"PREFECT_LOGGING_FORMATTERS_JSON_CLASS": "deployments.logging_json.JsonLines"}


class JsonLines(logging.Formatter):
    """What people and programs look for in a log; Prefect's own JSON has eighty fields and no session."""

    def __init__(self, *_: object, **__: object) -> None:
        super().__init__()

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        run, session = _run_and_session()
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "session_id": session,
            "flow_run_id": getattr(record, "flow_run_id", None) or run,
            "task_run_id": getattr(record, "task_run_id", None),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def wanted(environment: Mapping[str, str]) -> bool:
    """Whether logs are asked for as JSON."""
    return environment.get(WANTED) == "json"


def with_part(part: str, line: str) -> str:
    """A line of a part's log as JSON; what is none, Postgres's for example, becomes the message."""
    try:
        known: Any = json.loads(line)
    except ValueError:
        known = None
    return json.dumps({"part": part, **(known if isinstance(known, dict) else {"message": line})})


def _run_and_session() -> tuple[str | None, str | None]:
    from prefect.context import FlowRunContext

    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        return None, None
    given = (context.parameters or {}).get("session_id")
    tagged = [tag.removeprefix("session:") for tag in context.flow_run.tags if tag.startswith("session:")]
    session = given or (tagged[0] if tagged else None)
    return str(context.flow_run.id), str(session) if session else None
