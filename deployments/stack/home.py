"""The home folder: where everything of one installation on one machine lies, and who may look."""

import base64
import contextlib
import hashlib
import os
import re
import secrets
import stat
import tempfile
from pathlib import Path

from deployments.settings import Settings
from tasks.core.errors import AdminRequired

PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600
LONGEST_SOCKET_PATH = 103  # bytes; Linux takes 107, macOS 103
PLAIN_PATH = re.compile(r"[\w./ +@=-]+")  # a comma or a colon would be read as a second host
SOCKET_NAME = ".s.PGSQL.5432"
SUPERVISOR_LOCK = "supervisor.lock"
STACK_USERS = "stack.users"
DATABASE_USERS = "database.users"
ENCRYPTION_KEY = "encryption.key"
PREFECT_KEY = "prefect.key"


class Home:
    """Paths below `DRUPAL_TICKETS_HOME`; `prepare` makes the folders, nobody else may read them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.postgres = root / "postgres"
        self.logs = root / "logs"
        self.run = root / "run"
        self.keys = root / "keys"
        self.prefect = root / "prefect"
        self.jira = root / "jira"
        self.sandbox_state = self.jira / "sandbox.sqlite"

    def prepare(self) -> None:
        """Make the folders, closed to everybody else."""
        try:
            for folder in (self.root, self.postgres, self.logs, self.run, self.keys, self.prefect, self.jira):
                folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
                folder.chmod(PRIVATE_FOLDER)
        except OSError as error:
            raise AdminRequired(
                f"The folder {self.root} cannot be used: {error.strerror}.",
                actions=("Make room or give access there, or set DRUPAL_TICKETS_HOME to another folder.",),
                code="home",
            ) from error

    def log(self, part: str) -> Path:
        """Where the output of a part goes."""
        return self.logs / f"{part}.log"

    def socket_folder(self) -> Path:
        """The folder of Postgres's socket: below the home, or a private temporary one where that path will not do."""
        path = str(self.run / SOCKET_NAME)
        if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH and PLAIN_PATH.fullmatch(path):
            return self.run
        digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:12]
        folder = Path(tempfile.gettempdir()) / f"drupal-tickets-{os.getuid()}-{digest}"
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=PRIVATE_FOLDER)
        _require_ours(folder)
        return folder

    def key(self, name: str) -> str:
        """A Fernet key of this installation; made on first use, readable by its owner alone."""
        path = self.keys / name
        if not path.exists():
            _create_once(path, base64.urlsafe_b64encode(secrets.token_bytes(32)))
        return path.read_text().strip()


def encryption_key(settings: Settings) -> str:
    """The key that stored Jira logins are encrypted with: given, or kept in the home of a local installation."""
    if settings.encryption_key:
        return settings.encryption_key.get_secret_value()
    if settings.database_url:
        raise AdminRequired(
            "DRUPAL_TICKETS_ENCRYPTION_KEY is not set.",
            actions=("With a database of your own, set it to one Fernet key, the same on every machine.",),
            code="encryption-key",
        )
    home = Home(settings.home)
    home.prepare()
    return home.key(ENCRYPTION_KEY)


def write_private(path: Path, content: bytes) -> None:
    """Replace a file at once; a reader sees the old content or the new, and nobody else sees any."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp makes it 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _create_once(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    write_private(draft, content)
    with contextlib.suppress(FileExistsError):  # another process made it meanwhile: that one counts
        path.hardlink_to(draft)
    draft.unlink()


def _require_ours(folder: Path) -> None:
    # In a shared temporary folder somebody else could have made it first.
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise AdminRequired(
            f"The folder {folder} belongs to somebody else.",
            actions=("Remove it, or set DRUPAL_TICKETS_HOME to a folder with a shorter path.",),
            code="socket-folder",
        )
