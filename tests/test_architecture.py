"""The house as it is drawn: imports go one way, packages import nothing, the core is pure."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = ("flows", "tasks", "blocks", "db", "deployments")

# Who may import what. The longest matching prefix of the importer decides.
ALLOWED = {
    "flows": ("flows", "tasks", "tasks.core", "db.enums"),
    "tasks": ("tasks", "tasks.core", "blocks", "db"),
    "tasks.core": ("tasks.core", "db.enums"),
    "blocks": ("blocks", "tasks.core.errors"),
    "db": ("db",),
    "deployments": OURS,
    "deployments.jira_sandbox": ("deployments.jira_sandbox",),
}
IMPURE = (
    "prefect",
    "sqlalchemy",
    "asyncpg",
    "httpx",
    "requests",
    "atlassian",
    "anthropic",
    "os",
    "time",
    "socket",
)


def sources() -> list[tuple[str, Path]]:
    """Dotted module name and path of every source file of ours."""
    paths = [path for package in OURS for path in sorted((ROOT / package).rglob("*.py"))]
    return [(".".join(path.relative_to(ROOT).with_suffix("").parts), path) for path in paths]


def imports_of(path: Path) -> set[str]:
    """Every module that the file imports, at the top or inside a function."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found.update(names if node.module in OURS else {node.module})
            assert node.level == 0, f"{path}: relative imports hide where things come from"
    return found


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


def rule_for(module: str) -> tuple[str, ...]:
    return ALLOWED[max((package for package in ALLOWED if within(module, package)), key=len)]


@pytest.mark.parametrize(("module", "path"), sources(), ids=[name for name, _ in sources()])
def test_imports_go_one_way(module: str, path: Path) -> None:
    ours = {name for name in imports_of(path) if name.split(".")[0] in OURS}
    wrong = {name for name in ours if not any(within(name, package) for package in rule_for(module))}
    assert not wrong, f"{module} must not import {sorted(wrong)}"


@pytest.mark.parametrize(
    ("module", "path"),
    [s for s in sources() if within(s[0], "tasks.core")],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_the_core_is_pure(module: str, path: Path) -> None:
    wrong = {name for name in imports_of(path) if any(within(name, impure) for impure in IMPURE)}
    assert not wrong, f"{module} reaches outside: {sorted(wrong)}"


@pytest.mark.parametrize(
    "path", [p for _, p in sources() if p.name == "__init__.py"], ids=lambda p: p.parent.name
)
def test_a_package_imports_nothing(path: Path) -> None:
    if path.parent == ROOT / "blocks":
        return  # re-exports the blocks for `prefect block register -m blocks`
    assert not imports_of(path)


def test_the_enums_load_no_sqlalchemy() -> None:
    code = "import sys, db.enums; sys.exit('sqlalchemy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_no_file_in_flows_shares_a_name_with_a_package() -> None:
    packages = {path.name for path in ROOT.iterdir() if path.is_dir()}
    assert not {path.stem for path in (ROOT / "flows").glob("*.py")} & packages


def test_nothing_is_called_utils() -> None:
    assert not [name for name, _ in sources() if name.endswith(".utils")]
