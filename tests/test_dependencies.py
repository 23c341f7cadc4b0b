"""docs/dependencies.md against pyproject.toml: a reason for each package that we ask for, and none for others."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
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


def test_every_package_has_a_reason_and_every_reason_a_package() -> None:
    assert explained() == asked_for()


def test_every_locked_version_has_its_hashes() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    entries = re.split(r"\n(?=\S)", lock)
    assert not [entry for entry in entries if "==" in entry and "--hash=sha256:" not in entry]
    assert "://" not in lock
