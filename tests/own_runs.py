"""Flow runs that no worker takes: the test executes them itself, in a process as a worker starts it."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.prefect_api import PrefectApi
from tests.stack import RunningStack


def waiting_run(api: PrefectApi, deployment: str, **parameters: Any) -> str:
    """A run for tomorrow."""
    found = api.http.get(f"deployments/name/{deployment}/{deployment}").json()["id"]
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    state = {"type": "SCHEDULED", "state_details": {"scheduled_time": tomorrow}}
    body = {"parameters": parameters, "state": state}
    made = api.http.post(f"deployments/{found}/create_flow_run", json=body)
    return str(made.raise_for_status().json()["id"])


def start(
    stack: RunningStack,
    api: PrefectApi,
    run: str,
    *command: str,
    **variables: str,
) -> subprocess.Popen[bytes]:
    """Execute the run now; `command` is the module and its arguments, Prefect's own where there is none."""
    pending = {"state": {"type": "PENDING"}, "force": True}
    api.http.post(f"flow_runs/{run}/set_state", json=pending).raise_for_status()
    own = {**stack.connection.environment(), "PREFECT__FLOW_RUN_ID": run, **variables}
    module = command or ("prefect.engine",)
    return subprocess.Popen([sys.executable, "-m", *module], env={**os.environ, **own})
