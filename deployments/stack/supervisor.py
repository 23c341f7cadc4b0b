"""One supervisor per home: `up` in the foreground, or a detached one that lives as long as somebody uses it.

Three locks in `run/`: the supervisor's own, and one for each kind of user. A user holds a share. The detached
supervisor stops when it can have both users' locks to itself, and keeps them until everything is down: whoever comes
meanwhile waits and starts anew.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Literal

from deployments.settings import Settings
from deployments.stack.home import DATABASE_USERS, STACK_USERS, Home
from deployments.stack.locks import FileLock
from deployments.stack.processes import ProcessId, stop
from deployments.stack.stack import POSTGRES, Stack
from deployments.stack.state import State, forget, read_state

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Users:
    """Who uses the stack of a home, as its supervisor sees it."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._taken = [FileLock(home.run / name) for name in (STACK_USERS, DATABASE_USERS)]

    def want_stack(self) -> bool:
        """Whether somebody needs more than the database."""
        return not FileLock(self._home.run / STACK_USERS).free()

    def are_gone(self) -> bool:
        """Whether nobody is left; newcomers then wait until this process ends."""
        if all(lock.take() for lock in self._taken):
            return True
        for lock in self._taken:
            lock.release()
        return False


@asynccontextmanager
async def stack_of(settings: Settings, home: Home, mode: Literal["up", "on demand"]) -> AsyncIterator[Stack]:
    """A stack that is down again when the body ends, however it ends."""
    end_leftovers(home)
    state = State(mode=mode, supervisor=ProcessId.of(os.getpid()))
    state.write(home)
    stack = Stack(settings, home, state)
    try:
        yield stack
    finally:
        with contextlib.suppress(OSError):  # a full disk must not keep anything running
            stack.state.model_copy(update={"ready": False, "database_ready": False}).write(home)
        await stack.stop()
        forget(home)


def end_leftovers(home: Home) -> None:
    """End what a supervisor left behind that was killed before it could stop anything."""
    state = read_state(home)
    for name, process in reversed((state.processes if state else {}).items()):
        stop(process, signal.SIGINT if name == POSTGRES else signal.SIGTERM)


def run_until_told(work: Coroutine[Any, Any, None]) -> bool:
    """Run until it ends, or cancel it on the first signal; True when a signal ended it."""

    async def main() -> bool:
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()
        told: list[bool] = []

        def tell() -> None:
            if not told:  # once: a second Ctrl-C must not interrupt the stopping
                told.append(task.cancel())

        for number in SIGNALS:
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup means it
                loop.add_signal_handler(number, tell)
        try:
            await task
        except asyncio.CancelledError:
            return True
        return False

    return asyncio.run(main())
