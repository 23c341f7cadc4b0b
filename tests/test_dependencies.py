"""docs/dependencies.md against pyproject.toml: a reason for each package that we ask for, and none for others."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
OURS = ("flows", "tasks", "blocks", "db", "deployments")
NAME = re.compile(r"[A-Za-z0-9._-]+")


def asked_for() -> set[str]:
    extras = PROJECT["project"]["optional-dependencies"].values()
    lists = [PROJECT["project"]["dependencies"], *extras, *PROJECT["dependency-groups"].values()]
    return {match[0] for packages in lists for line in packages if (match := NAME.match(line))}


def explained() -> set[str]:
    rows = [
        line for line in (ROOT / "docs" / "dependencies.md").read_text().splitlines() if line[:3] == "| `"
    ]
    packages = [re.sub(r"\(.*?\)", "", row.split("|")[1]) for row in rows]
    return {name for cell in packages for name in re.findall(r"`([^`]+)`", cell)}


def plain(name: str) -> str:
    """A package's name as all its spellings have it in common."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_package_has_a_reason_and_every_reason_a_package() -> None:
    assert explained() == asked_for()


def imported() -> Iterator[str]:
    """The top-level modules of others that our code imports."""
    files = [path for package in OURS for path in (ROOT / package).rglob("*.py")]
    for node in (node for path in files for node in ast.walk(ast.parse(path.read_text()))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
        yield from {name.partition(".")[0] for name in names} - {*OURS, *sys.stdlib_module_names}


def test_what_is_imported_is_asked_for() -> None:
    providers = packages_distributions()
    wanted = {plain(name) for name in asked_for()}
    found = {module: plain(providers[module][0]) for module in imported()}
    assert len(found) > len(OURS)
    assert not {module: package for module, package in found.items() if package not in wanted}


def test_every_locked_version_has_its_hashes() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    entries = re.split(r"\n(?=\S)", lock)
    assert not [entry for entry in entries if "==" in entry and "--hash=sha256:" not in entry]
    assert "://" not in lock
