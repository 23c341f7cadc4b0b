"""This machine: versions, the home folder, the disk, the key."""

import platform
import shutil
import stat
from importlib.metadata import version
from pathlib import Path

from deployments.health.checkup import NotRunning
from deployments.settings import Settings
from deployments.stack.home import ENCRYPTION_KEY, Home, encryption_key
from deployments.variants import prefect_file
from tasks.core.errors import AdminRequired
from tasks.jira_vault import Vault

PACKAGE = "drupal-ticket-generator"
LEAST_ROOM = 1024**3
OTHERS = stat.S_IRWXG | stat.S_IRWXO


async def versions() -> str:
    """Ours, Prefect's and Python's; the Prefect that is installed must be the one we were tried with."""
    installed, wanted = version("prefect"), str(prefect_file()["prefect-version"])
    if installed != wanted:
        raise AdminRequired(
            f"Prefect {installed} is installed; this version was made for Prefect {wanted}.",
            actions=("Install again: make install",),
            code="prefect-version",
        )
    return f"{PACKAGE} {version(PACKAGE)}, Prefect {installed}, Python {platform.python_version()}"


async def home_folder(settings: Settings) -> str:
    """Folders and keys that nobody else may read."""
    root = settings.home
    if not root.exists():
        raise NotRunning(f"{root} does not exist yet; `up` or `run` makes it.")
    home = Home(root)
    kept = [root, home.keys, home.logs, home.run, *(home.keys.iterdir() if home.keys.is_dir() else [])]
    if open_to_others := [path for path in kept if path.exists() and path.stat().st_mode & OTHERS]:
        raise AdminRequired(
            f"Others of this machine can read {open_to_others[0]}.",
            actions=(f"chmod -R go= {root}",),
            code="home-open",
        )
    return f"{root}, closed to others"


async def disk(settings: Settings) -> str:
    """Room for the database and the logs."""
    existing = next(path for path in (settings.home, *settings.home.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    if free < LEAST_ROOM:
        raise AdminRequired(
            f"Only {free / 1024**2:.0f} MB are free at {existing}.",
            actions=("Make room, or set DRUPAL_TICKETS_HOME to another disk.",),
            code="disk",
        )
    return f"{free / 1024**3:.0f} GB free at {existing}"


async def stored_logins_key(settings: Settings) -> str:
    """The key that Jira logins are encrypted with: given, or kept in the home."""
    if not (settings.encryption_key or settings.database_url or _kept_key(settings).exists()):
        raise NotRunning("There is none yet; `up` or `run` makes one in the home.")
    Vault(encryption_key(settings))
    given = settings.encryption_key is not None
    return "given by DRUPAL_TICKETS_ENCRYPTION_KEY" if given else f"kept in {_kept_key(settings)}"


def _kept_key(settings: Settings) -> Path:
    return Home(settings.home).keys / ENCRYPTION_KEY
