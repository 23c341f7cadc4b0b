"""All parts of one home: started side by side in the order of need, revived, and stopped in reverse."""

import asyncio
import socket
import subprocess
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from alembic.util.exc import CommandError
from asyncpg import PostgresError
from sqlalchemy.exc import SQLAlchemyError

from db.migrate import upgrade
from deployments.settings import Settings
from deployments.stack import environment, parts
from deployments.stack.external import require_database, require_prefect
from deployments.stack.home import Home
from deployments.stack.parts import Part
from deployments.stack.ports import LOOPBACK, claim_port, port_of
from deployments.stack.postgres import DATABASE, PREFECT_DATABASE, Postgres
from deployments.stack.processes import ProcessId, last_words, start, stop
from deployments.stack.server import require_credential, server_addresses
from deployments.stack.state import Connection, State
from tasks.core.errors import AdminRequired, ProductError, Temporary, UserFixable

PAUSE = 0.1
DEATHS_FORGIVEN = 3
FORGET_DEATHS_AFTER = 300  # seconds
POSTGRES = "postgres"
STOPPED_FIRST = (parts.MAINTENANCE, parts.WORKER, parts.BOOTSTRAP)
STOPPED_NEXT = (parts.SANDBOX, parts.SERVER)


class Stack:
    """What `up` runs. Only the holder of the home's supervisor lock makes one."""

    def __init__(self, settings: Settings, home: Home, state: State) -> None:
        self._settings = settings
        self._home = home
        self._state = state
        self._postgres = Postgres(home)
        self._client = parts.web_client()
        self._running: dict[str, tuple[Part, subprocess.Popen[bytes]]] = {}
        self._doors: dict[str, socket.socket] = {}
        self._deaths: list[float] = []

    @property
    def state(self) -> State:
        """What runs, as the note in the home says it."""
        return self._state

    async def start_database(self) -> None:
        """Only the application's database, migrated: enough for commands that read and edit."""
        url = await self._open_database()
        self._note(connection=Connection(database_url=url))
        await self._migrate(url)

    async def start_all(self) -> None:
        """Everything that a session needs. The maintenance worker comes last: nobody waits for it."""
        self._require_guarded()
        url = await self._open_database()
        connection = self._addresses(url)
        self._note(connection=connection)
        await _together(
            self._migrate(url),
            self._start_server(connection),
            self._start_sandbox(),
            self._start_sessions(connection),
        )
        self._note(ready=True)
        maintenance = environment.for_worker(self._settings, connection, query_seconds=5)
        self._launch(parts.worker(maintenance, parts.MAINTENANCE, parts.MAINTENANCE_POOL, limit=2))

    async def revive(self) -> None:
        """Start again what has died; raises when it keeps dying."""
        if self._postgres.process and self._postgres.process.poll() is not None:
            self._count_death(POSTGRES, self._postgres.log)
            await self._start_postgres()
        for part, process in list(self._running.values()):
            if process.poll() is not None and part.name != parts.BOOTSTRAP:
                self._count_death(part.name, self._home.log(part.name))
                self._keep_in_mind(part.name)
                self._launch(part)

    async def stop(self) -> None:
        """End everything that was started here, Postgres last."""
        for names in (STOPPED_FIRST, STOPPED_NEXT):
            ending = [self._running.pop(name) for name in names if name in self._running]
            await asyncio.gather(*(asyncio.to_thread(_end, part, process) for part, process in ending))
        for name, process in self._state.processes.items():
            if name != POSTGRES:
                await asyncio.to_thread(stop, process)
        await asyncio.to_thread(self._postgres.stop)
        for door in self._doors.values():
            door.close()
        await self._client.aclose()

    def _require_guarded(self) -> None:
        # Before anything is started: the server itself would refuse as well, but only its log would say so.
        given = self._settings
        if not given.prefect_api_url:
            require_credential(given.environment(), given.server_host, given.ui_url or "")

    async def _open_database(self) -> str:
        if self._settings.database_url:
            url = self._settings.database_url.get_secret_value()
            await require_database(url)
            return url
        await self._start_postgres()
        await self._postgres.create_database(DATABASE)
        return self._postgres.url(DATABASE)

    async def _migrate(self, url: str) -> None:
        try:
            await asyncio.to_thread(upgrade, url)
        except (SQLAlchemyError, PostgresError, CommandError) as error:
            reason = str(error).partition("\n")[0]
            raise AdminRequired(f"The database cannot be migrated: {reason}", code="migration") from error
        self._note(database_ready=True)

    async def _start_postgres(self) -> None:
        if self._postgres.process and self._postgres.process.poll() is None:
            return
        await self._postgres.start()
        if self._postgres.process:
            self._remember(POSTGRES, self._postgres.process)

    def _addresses(self, database_url: str) -> Connection:
        given = self._settings
        api_url, ui_url = given.prefect_api_url or "", given.ui_url or ""
        if not given.prefect_api_url:
            api_url, ui_url = server_addresses(given, self._claim("prefect", given.server_host))
        return Connection(
            database_url=database_url,
            prefect_api_url=api_url,
            ui_url=ui_url or api_url.removesuffix("/api"),
            jira_url=given.jira_url or f"http://{LOOPBACK}:{self._claim('jira')}",
            prefect_home="" if given.prefect_api_url else str(self._home.prefect),
        )

    def _claim(self, part: str, host: str = LOOPBACK) -> int:
        self._doors[part] = claim_port(self._home, part, host)
        return port_of(self._doors[part])

    async def _start_server(self, connection: Connection) -> None:
        if self._settings.prefect_api_url:
            await require_prefect(self._client, connection.prefect_api_url)
            return
        await self._start_postgres()
        await self._postgres.create_database(PREFECT_DATABASE)
        own = environment.for_server(self._home, self._postgres.url(PREFECT_DATABASE), connection)
        await self._start(parts.prefect_server(own, self._settings.server_host, self._doors["prefect"]))

    async def _start_sandbox(self) -> None:
        if not self._settings.jira_url:
            own, state = environment.for_sandbox(), str(self._home.sandbox_state)
            await self._start(parts.jira_sandbox(own, self._doors["jira"], state))

    async def _start_sessions(self, connection: Connection) -> None:
        # Both import Prefect while the server is still coming up; the bootstrap waits for it by itself.
        everything = environment.for_bootstrap(self._settings, connection)
        own_server = self._settings.prefect_api_url is None
        preparing = await self._start(parts.bootstrap(everything, own_server=own_server))
        own = environment.for_worker(self._settings, connection, query_seconds=1)
        await self._start(parts.worker(own, parts.WORKER, parts.POOL, parts.session_limit()))
        if code := await asyncio.to_thread(preparing.wait):
            raise self._trouble(parts.BOOTSTRAP, code)

    async def _start(self, part: Part) -> subprocess.Popen[bytes]:
        process = self._launch(part)
        deadline = time.monotonic() + part.patience
        while not await part.answers(self._client):
            if process.poll() is not None:
                raise self._trouble(part.name, process.returncode)
            if time.monotonic() > deadline:
                raise Temporary(f"{part.name} did not answer in time. Its log: {self._home.log(part.name)}")
            await asyncio.sleep(PAUSE)
        return process

    def _launch(self, part: Part) -> subprocess.Popen[bytes]:
        keep = [part.door.fileno()] if part.door else []
        process = start(part.command, part.environment, self._home.log(part.name), keep=keep)
        self._running[part.name] = (part, process)
        self._remember(part.name, process)
        return process

    def _keep_in_mind(self, name: str) -> None:
        # The runs of a dead worker go on and may well finish; they end with the stack at the latest.
        dead = self._state.processes[name]
        self._note(processes={**self._state.processes, f"{name}-{dead.pid}": dead})

    def _remember(self, name: str, process: subprocess.Popen[bytes]) -> None:
        self._note(processes={**self._state.processes, name: ProcessId.of(process.pid)})

    def _note(self, **changes: Any) -> None:
        self._state = self._state.model_copy(update=changes)
        self._state.write(self._home)

    def _count_death(self, name: str, log: Path) -> None:
        now = time.monotonic()
        self._deaths = [death for death in self._deaths if now - death < FORGET_DEATHS_AFTER] + [now]
        if len(self._deaths) > DEATHS_FORGIVEN:
            raise Temporary(
                f"{name} keeps stopping: {last_words(log)}", actions=(f"Its log: {log}",), code="part"
            )

    def _trouble(self, name: str, code: int) -> ProductError:
        log = self._home.log(name)
        words = last_words(log)
        kinds = {kind.exit_code: kind for kind in (UserFixable, AdminRequired, Temporary)}
        if name == parts.BOOTSTRAP and code in kinds:
            return kinds[code](words.removeprefix("Error: "), actions=(f"Its log: {log}",))
        return AdminRequired(f"{name} did not start: {words}", actions=(f"Its log: {log}",), code="part")


async def _together(*work: Coroutine[Any, Any, object]) -> None:
    """Do all at once; the first that fails ends the others and is raised itself."""
    try:
        async with asyncio.TaskGroup() as group:
            for one in work:
                group.create_task(one)
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None


def _end(part: Part, process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        stop(ProcessId.of(process.pid), grace=part.grace)
        process.wait()
