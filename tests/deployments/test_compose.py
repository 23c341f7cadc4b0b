"""compose.yaml, the variants of prefect.yaml and docs/deploy.md against the code that they start."""

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from deployments.bootstrap import POOLS
from deployments.stack.environment import PROMPT_SERVER
from deployments.variants import VARIANTS, pool_type, prefect_file, read_variant

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
SERVERS = ("prefect-1", "prefect-2", "prefect-services")


def test_every_variable_is_in_the_example() -> None:
    used = set(re.findall(r"\$\{(\w+)\}", (ROOT / "compose.yaml").read_text()))
    listed = set(re.findall(r"^(\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert used == listed


def test_no_secret_is_written_into_it() -> None:
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if re.search("PASSWORD|AUTH|KEY|TOKEN|CONNECTION_URL|REDIS|DOCKET", name):
                assert "${" in value, name
        assert "${" not in " ".join(service["command"]) or service["image"].startswith("caddy")


def test_only_the_proxy_is_reached_from_outside() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]


def test_every_module_that_it_starts_exists() -> None:
    modules = [words[2] for words in (service["command"] for service in OURS.values()) if words[1] == "-m"]
    assert len(modules) >= 4
    assert all(find_spec(module) for module in modules)


def test_there_is_exactly_one_that_runs_the_services() -> None:
    commands = [" ".join(service["command"]) for service in OURS.values()]
    assert sum("services start" in command for command in commands) == 1
    assert sum("--no-services" in command for command in commands) == 2


def test_its_servers_are_set_up_like_the_local_one() -> None:
    for name in SERVERS:
        environment = SERVICES[name]["environment"]
        assert PROMPT_SERVER.items() <= environment.items()


def test_its_workers_take_every_pool() -> None:
    pools = {
        words[words.index("--pool") + 1]
        for words in (s["command"] for s in OURS.values())
        if "--pool" in words
    }
    assert pools == set(POOLS)


def test_the_documentation_names_every_command() -> None:
    told = (ROOT / "docs" / "deploy.md").read_text()
    for service in OURS.values():
        command = " ".join(service["command"]).partition(" --pool")[0]
        assert command in told, command
    assert not [name for name in SERVICES if f"`{name}`" not in told]


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_variant_changes_where_runs_go_and_nothing_else(variant: str) -> None:
    usual, changed = prefect_file()["deployments"], prefect_file(variant)["deployments"]
    assert pool_type(variant) == variant
    assert {one["work_pool"]["name"] for one in changed} == set(POOLS)
    for one, before in zip(changed, usual, strict=True):
        signs_of_life = {"env": before["work_pool"]["job_variables"]["env"]}
        assert one["work_pool"]["job_variables"] == read_variant(variant).job_variables | signs_of_life
    without = [{**one, "work_pool": None} for one in changed]
    assert without == [{**one, "work_pool": None} for one in usual]
