"""The detached supervisor: `python -m deployments.stack.supervise`, started by whoever needs a stack first.

It goes into the background at once. Its standard output ends when it is ready, or with the error, as JSON, that kept it
from starting.
"""

import asyncio
import json
import os
import sys
import traceback

from deployments.settings import Settings
from deployments.stack.home import SUPERVISOR_LOCK, Home
from deployments.stack.locks import FileLock
from deployments.stack.supervisor import Users, run_until_told, stack_of
from tasks.core.errors import AdminRequired, ProductError

PAUSE = 0.3
PATIENCE = 1  # seconds to get the lock; who has it longer than that is a supervisor


def main() -> int:
    """Supervise the home of this environment until nobody uses it."""
    if os.fork():
        return 0  # whoever started us need not wait for us or clean up after us
    try:
        return _run(Settings.from_environment(os.environ))
    except ProductError as error:
        return _tell(error)
    except OSError as error:
        return _tell(AdminRequired(f"{error.strerror}: {error.filename or 'the home folder'}", code="files"))
    except Exception as error:  # whoever waits for us must hear of it, or would try again
        traceback.print_exc()
        return _tell(
            AdminRequired(f"The stack could not be started ({type(error).__name__}).", code="unexpected")
        )


def _run(settings: Settings) -> int:
    home = Home(settings.home)
    home.prepare()
    with FileLock(home.run / SUPERVISOR_LOCK) as lock:
        if lock.take(PATIENCE):
            run_until_told(_serve(settings, home))
    return 0


async def _serve(settings: Settings, home: Home) -> None:
    users = Users(home)
    async with stack_of(settings, home, "on demand") as stack:
        if not users.want_stack():
            await stack.start_database()
            _let_go_of_output()
        while not users.are_gone():
            if not stack.state.ready and users.want_stack():
                await stack.start_all()
                _let_go_of_output()
            await stack.revive()
            await asyncio.sleep(PAUSE)


def _let_go_of_output() -> None:
    """Whoever started us reads it to its end, and goes on."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _tell(error: ProductError) -> int:
    told = {
        "message": error.message,
        "actions": error.actions,
        "code": error.code,
        "exit_code": error.exit_code,
    }
    sys.stdout.write(json.dumps(told))
    sys.stdout.flush()
    sys.stderr.write(f"Error: {error.message}\n")
    return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
