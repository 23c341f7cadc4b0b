"""Prefect's REST API as a program of a person uses it: runs started, forms answered, artifacts read."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx

from tests.stack import RunningStack

PATIENCE = 90
NOT_YET = 404  # the run is suspended a moment before its form is stored


class PrefectApi:
    """A few calls of the API."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    def start(self, deployment: str, **parameters: Any) -> str:
        """Start a deployment; returns the id of the run."""
        found = self._get(f"deployments/name/{deployment}/{deployment}")
        return str(self._post(f"deployments/{found['id']}/create_flow_run", parameters=parameters)["id"])

    def run(self, run_id: str) -> dict[str, Any]:
        """A run with its state."""
        return dict(self._get(f"flow_runs/{run_id}"))

    def wait(self, run_id: str, until: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The run once it is as wanted."""
        ends = time.monotonic() + PATIENCE
        while not until(run := self.run(run_id)):
            assert time.monotonic() < ends, f"still {run['state']}"
            time.sleep(0.3)
        return run

    def form(self, run_id: str, number: int) -> str:
        """What the form of a round says above its fields, once it waits."""
        run = self.wait(run_id, lambda run: waits_with(run) == f"review-{number}" or is_over(run))
        assert not is_over(run), run["state"]
        key = run["state"]["state_details"]["run_input_keyset"]["description"]
        ends = time.monotonic() + PATIENCE
        while (found := self.http.get(f"flow_runs/{run_id}/input/{key}")).status_code == NOT_YET:
            assert time.monotonic() < ends, "a form without a text"
            time.sleep(0.3)
        return str(found.raise_for_status().json())

    def answer(self, run_id: str, **given: Any) -> str:
        """Answer the form; returns how the server takes it: ACCEPT, REJECT or ABORT, or an HTTP status."""
        answer = self.http.post(f"flow_runs/{run_id}/resume", json={"run_input": given})
        return str(answer.json()["status"]) if answer.is_success else str(answer.status_code)

    def end_of(self, run_id: str) -> tuple[str, str]:
        """How a run ended, and what it says."""
        state = self.wait(run_id, is_over)["state"]
        return state["type"], state["message"] or ""

    def artifacts(self, run_id: str) -> Counter[str]:
        """How many artifacts of each key a run has."""
        found = self._post("artifacts/filter", artifacts={"flow_run_id": {"any_": [run_id]}})
        return Counter(one["key"].split("-reviewed-")[0] for one in found if one["key"])

    def take(self, deployment: str, **parameters: Any) -> str:
        """A run that a worker has taken and does not start."""
        found = self._get(f"deployments/name/{deployment}/{deployment}")["id"]
        tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        later = {"type": "SCHEDULED", "state_details": {"scheduled_time": tomorrow}}
        path = f"deployments/{found}/create_flow_run"
        run = str(self._post(path, state=later, parameters=parameters)["id"])
        taken = self._post(f"flow_runs/{run}/set_state", state={"type": "PENDING"})
        assert taken["status"] == "ACCEPT", taken
        return run

    def set_state(self, run_id: str, kind: str, name: str | None = None, *, force: bool = False) -> None:
        """Bring a run into a state, as its process or the UI does."""
        body = {"state": {"type": kind, "name": name}, "force": force}
        answer = self.http.post(f"flow_runs/{run_id}/set_state", json=body).raise_for_status().json()
        assert answer["status"] == "ACCEPT", answer

    def count(self, deployment: str, state: str) -> int:
        """How many runs of a deployment stand so."""
        wanted = {
            "deployments": {"name": {"any_": [deployment]}},
            "flow_runs": {"state": {"type": {"any_": [state]}}},
        }
        return int(self._post("flow_runs/count", **wanted))

    @contextmanager
    def resting(self, deployment: str) -> Iterator[None]:
        """For as long as the body runs, the deployment's schedule does not start it."""
        found = self._get(f"deployments/name/{deployment}/{deployment}")["id"]
        self.http.patch(f"deployments/{found}", json={"paused": True}).raise_for_status()
        try:
            yield
        finally:
            self.http.patch(f"deployments/{found}", json={"paused": False}).raise_for_status()

    @contextmanager
    def without_automation(self, name: str) -> Iterator[None]:
        """For as long as the body runs, the automation is switched off."""
        (found,) = self._post("automations/filter", automations={"name": {"any_": [name]}})
        path = f"automations/{found['id']}"
        self.http.patch(path, json={"enabled": False}).raise_for_status()
        try:
            yield
        finally:
            self.http.patch(path, json={"enabled": True}).raise_for_status()

    def heartbeat(self, run_id: str) -> None:
        """What the process of a run says every half a minute."""
        beat = {
            "id": str(uuid4()),
            "occurred": datetime.now(UTC).isoformat(),
            "event": "prefect.flow-run.heartbeat",
            "resource": {"prefect.resource.id": f"prefect.flow-run.{run_id}"},
        }
        self.http.post("events", json=[beat]).raise_for_status()

    def _get(self, path: str) -> Any:
        return self.http.get(path).raise_for_status().json()

    def _post(self, path: str, **body: Any) -> Any:
        return self.http.post(path, json=body).raise_for_status().json()


def is_over(run: dict[str, Any]) -> bool:
    """Whether a run has ended."""
    return run["state"]["type"] in ("COMPLETED", "FAILED", "CANCELLED", "CRASHED")


def waits_with(run: dict[str, Any]) -> str | None:
    """The key of the form that a run waits with."""
    details = run["state"]["state_details"] or {}
    return details.get("pause_key") if run["state"]["type"] == "PAUSED" else None


@contextmanager
def prefect_api(stack: RunningStack) -> Iterator[PrefectApi]:
    """The API of the stack's server, with a CSRF token."""
    with api_at(stack.connection.prefect_api_url) as api:
        yield api


@contextmanager
def api_at(url: str) -> Iterator[PrefectApi]:
    """The API of a server that answers there, with a CSRF token."""
    with httpx.Client(base_url=url, trust_env=False, timeout=30) as http:
        client = str(uuid4())  # a new token of a client ends the one before
        token = http.get("csrf-token", params={"client": client}).json()["token"]
        http.headers.update({"Prefect-Csrf-Client": client, "Prefect-Csrf-Token": token})
        yield PrefectApi(http)
