"""What each part is told by its environment; secrets travel here and never on a command line."""

import os
import sys
from pathlib import Path

from deployments import logging_json
from deployments.settings import Settings
from deployments.stack.home import PREFECT_KEY, Home, encryption_key
from deployments.stack.state import Connection

# Flows take these from blocks; no process but the one that fills the blocks needs to know them.
SECRETS = (
    "JIRA_API_TOKEN",
    "JIRA_OAUTH_CLIENT_SECRET",
    "ANTHROPIC_API_KEY",
    "PREFECT_SERVER_ENCRYPTION_KEY",
)
SERVER_CREDENTIAL = "PREFECT_SERVER_API_AUTH_STRING"
MORE_SECRETS = ("DATABASE_URL", "DRUPAL_TICKETS_ENCRYPTION_KEY")

PLAIN_OUTPUT = {
    "PYTHONUNBUFFERED": "1",
    "NO_COLOR": "1",
    "PREFECT_LOGGING_COLORS": "false",
    **logging_json.SETTINGS,
}
QUIET = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "PREFECT_TELEMETRY_ENABLE_RESOURCE_METRICS": "false",
}
# Keeps what the UI shows close behind what happens.
PROMPT_SERVER = {
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_READ_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "200",
    # Events, logs and artifacts are kept as long as the sessions that they are about.
    "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": "P7D",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,orphans",
    # Prefect plans an hour ahead: sixty runs of the reconciler, all late at once after a night off.
    "PREFECT_SERVER_SERVICES_SCHEDULER_MIN_SCHEDULED_TIME": "PT2M",
    "PREFECT_SERVER_SERVICES_SCHEDULER_MAX_RUNS": "5",
}
WORKER = {
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
    "PREFECT_WORKER_WEBSERVER_HOST": "127.0.0.1",
}


def for_sandbox() -> dict[str, str]:
    """Nothing but the surroundings."""
    return {
        **_surroundings(*SECRETS, *MORE_SECRETS, SERVER_CREDENTIAL, "PREFECT_API_AUTH_STRING"),
        **PLAIN_OUTPUT,
    }


def for_server(home: Home, database_url: str, connection: Connection) -> dict[str, str]:
    """Prefect's server: its database, its key and its own addresses; `server.py` adds what guards it."""
    own = {
        "PREFECT_HOME": str(home.prefect),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": database_url,
        "PREFECT_SERVER_ENCRYPTION_KEY": home.key(PREFECT_KEY),
        "PREFECT_UI_URL": connection.ui_url,
        "PREFECT_API_URL": connection.prefect_api_url,
    }
    return {**_surroundings(*SECRETS, *MORE_SECRETS), **PLAIN_OUTPUT, **QUIET, **PROMPT_SERVER, **own}


def for_bootstrap(settings: Settings, connection: Connection) -> dict[str, str]:
    """The one process that turns the environment into blocks; it gets all of it."""
    return {
        **_surroundings(),
        **settings.environment(),
        **PLAIN_OUTPUT,
        **QUIET,
        **connection.environment(),
        "JIRA_URL": connection.jira_url,
    }


def for_worker(settings: Settings, connection: Connection, query_seconds: int) -> dict[str, str]:
    """A worker and the runs that it starts: `python` is the one that runs us."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    own = {"PATH": path, "PREFECT_WORKER_QUERY_SECONDS": str(query_seconds)}
    if settings.encryption_key or not settings.database_url:
        own["DRUPAL_TICKETS_ENCRYPTION_KEY"] = encryption_key(settings)
    home = {"DRUPAL_TICKETS_HOME": str(settings.home)}
    return {
        **_surroundings(*SECRETS, SERVER_CREDENTIAL),
        **home,
        **PLAIN_OUTPUT,
        **QUIET,
        **WORKER,
        **connection.environment(),
        **own,
    }


def _surroundings(*secrets: str) -> dict[str, str]:
    # A person's Prefect profile speaks of another server.
    left_out = {*secrets, "PREFECT_PROFILE"}
    return {name: value for name, value in os.environ.items() if name not in left_out}
