"""Where runs go: processes of the worker (prefect.yaml as it is), containers or Kubernetes jobs (its variants)."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

ROOT = Path(__file__).parents[1]
DEPLOYMENTS = ROOT / "prefect.yaml"
VARIANTS = ("docker", "kubernetes")
PROCESS = "process"


class Variant(BaseModel):
    """The type of the work pools, and what replaces the job variables of every deployment."""

    model_config = ConfigDict(extra="forbid")

    type: str
    job_variables: dict[str, Any]


def prefect_file(variant: str | None = None) -> dict[str, Any]:
    """The content of prefect.yaml, its deployments of this version and pointed at the pools of a variant."""
    content: dict[str, Any] = yaml.safe_load(DEPLOYMENTS.read_text())
    for deployment in content["deployments"]:
        deployment["version"] = version("drupal-ticket-generator")
    if variant:
        given = read_variant(variant)
        for deployment in content["deployments"]:
            pool = deployment["work_pool"]
            env = {**pool["job_variables"]["env"], **given.job_variables.get("env", {})}
            deployment["work_pool"] = {**pool, "job_variables": {**given.job_variables, "env": env}}
    return content


def pool_type(variant: str | None) -> str:
    """The type of work pool that runs go to."""
    return read_variant(variant).type if variant else PROCESS


def read_variant(variant: str) -> Variant:
    """The file of a variant, beside prefect.yaml."""
    return Variant.model_validate(yaml.safe_load((ROOT / f"prefect.{variant}.yaml").read_text()))
