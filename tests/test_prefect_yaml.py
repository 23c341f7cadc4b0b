"""prefect.yaml against the flows and the names that product.md fixes."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect import Flow
from prefect.cli.deploy._models import DeploymentConfig, PrefectYamlModel
from prefect.flows import load_flow_from_entrypoint
from prefect.utilities.callables import parameter_schema

from deployments.bootstrap import POOLS

ROOT = Path(__file__).parents[1]
FILE: dict[str, Any] = yaml.safe_load((ROOT / "prefect.yaml").read_text())
DEPLOYMENTS: dict[str, dict[str, Any]] = {one["name"]: one for one in FILE["deployments"]}

NAMES = {
    "collect-site-info",
    "upload-spec",
    "generate-tickets",
    "review-tickets",
    "validate-tickets",
    "revalidation-gate",
    "export-tickets",
    "rollback-session",
    "cleanup-sessions",
    "cleanup-audit-log",
    "cleanup-tokens",
    "reconcile-tasks",
    "prepare-session",
    "deliver-session",
}
SCHEDULES = {
    "cleanup-sessions": "0 8 * * *",
    "cleanup-audit-log": "30 8 * * *",
    "cleanup-tokens": "0 9 * * *",
    "reconcile-tasks": "* * * * *",
}
UNATTENDED = set(SCHEDULES)
PARENTS_AND_CLEANUPS = {"prepare-session", *UNATTENDED}

each = pytest.mark.parametrize("name", sorted(DEPLOYMENTS))


def flow_of(name: str) -> "Flow[..., Any]":
    return load_flow_from_entrypoint(DEPLOYMENTS[name]["entrypoint"], use_placeholder_flow=False)


def test_every_name_of_the_product_is_there_and_no_other() -> None:
    assert set(DEPLOYMENTS) == NAMES
    assert len(FILE["deployments"]) == len(NAMES)


def test_every_flow_has_its_deployment() -> None:
    modules = [import_module(f"flows.{path.stem}") for path in (ROOT / "flows").glob("*.py")]
    flows = {value.name for module in modules for value in vars(module).values() if isinstance(value, Flow)}
    assert flows == NAMES


def test_prefect_understands_every_word_of_it() -> None:
    PrefectYamlModel.model_validate(FILE)
    for one in FILE["deployments"]:
        assert set(one) <= set(DeploymentConfig.model_fields)


@each
def test_a_deployment_is_called_like_its_flow_and_imports_by_its_dotted_name(name: str) -> None:
    assert ":" not in DEPLOYMENTS[name]["entrypoint"]
    assert flow_of(name).name == name


@each
def test_a_director_can_read_what_it_does(name: str) -> None:
    assert len(DEPLOYMENTS[name]["description"]) > 40
    assert "drupal-tickets" in DEPLOYMENTS[name]["tags"]


@each
def test_every_field_of_its_form_is_explained(name: str) -> None:
    for field, described in parameter_schema(flow_of(name)).properties.items():
        assert described.get("description"), f"{name}: {field}"


@each
def test_people_say_who_they_are(name: str) -> None:
    required = parameter_schema(flow_of(name)).required
    assert name in UNATTENDED or "requested_by" in required


@each
def test_a_stage_takes_the_session_first(name: str) -> None:
    if name not in PARENTS_AND_CLEANUPS:
        assert next(iter(parameter_schema(flow_of(name)).properties)) == "session_id"


@each
def test_it_runs_in_a_pool_that_the_bootstrap_makes(name: str) -> None:
    pool = DEPLOYMENTS[name]["work_pool"]["name"]
    assert pool in POOLS
    assert pool.endswith("maintenance") == (name in UNATTENDED)


def test_the_schedules_are_those_of_the_product() -> None:
    planned = {name: one["schedules"] for name, one in DEPLOYMENTS.items() if "schedules" in one}
    assert planned == {name: [{"cron": cron, "timezone": "UTC"}] for name, cron in SCHEDULES.items()}


@pytest.mark.parametrize("name", sorted(UNATTENDED))
def test_a_scheduled_run_does_not_pile_up(name: str) -> None:
    limit = DEPLOYMENTS[name]["concurrency_limit"]
    assert limit == {"limit": 1, "collision_strategy": "CANCEL_NEW", "grace_period_seconds": 60}


def test_nothing_of_one_machine_stands_in_it() -> None:
    text = (ROOT / "prefect.yaml").read_text()
    assert str(ROOT) not in text
    assert str(Path.home()) not in text
