"""`python -m tests.tasks.killable`: runs exports in forks that can be killed at a line, or at a point by number.

Reads orders as JSON lines, answers each with one: how the fork ended and, if it was let live, which lines it ran.
Importing takes a second, forking a hundredth: hence one process that imports and many that export.
"""

import asyncio
import itertools
import json
import os
import signal
import sys
import threading
import traceback
import uuid
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from db.engine import create_engine
from tests.jira_sandbox import JiraSandbox
from tests.tasks.exporting import Export

ROOT = Path(__file__).parents[2]
TRACED = {
    str(path)
    for pattern in ("tasks/export_*.py", "tasks/concurrency.py", "blocks/jira_*.py")
    for path in ROOT.glob(pattern)
}


class Killer:
    """Counts the lines that are run in the traced files, on every thread, and ends the process at one of them."""

    def __init__(self, at_line: str | None, at_count: int | None) -> None:
        self.at_line, self.at_count = at_line, at_count
        self.numbers = itertools.count(1)
        self.seen: dict[str, int] = {}

    def start(self) -> None:
        threading.settrace(self.call)
        sys.settrace(self.call)

    def stop(self) -> None:
        sys.settrace(None)
        threading.settrace(None)

    def call(self, frame: FrameType, _event: str, _argument: Any) -> Any:
        return self.line if frame.f_code.co_filename in TRACED else None

    def line(self, frame: FrameType, event: str, _argument: Any) -> Any:
        if event == "line":
            number = next(self.numbers)
            place = f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
            self.seen.setdefault(place, number)
            if place == self.at_line or number == self.at_count:
                os.kill(os.getpid(), signal.SIGKILL)
        return self.line


async def export_once(order: dict[str, Any]) -> None:
    """One run of the export, as a flow process does it."""
    engine = create_engine(order["database"])
    sandbox = JiraSandbox(Path(), port=order["port"])
    export = Export(engine, sandbox, uuid.UUID(order["session"]), {})
    try:
        await export.run(order["run"])
    finally:
        await engine.dispose()


def work(order: dict[str, Any], answer_to: int) -> NoReturn:
    """The life of a fork."""
    killer = Killer(order.get("at_line"), order.get("at_count"))
    error = ""
    try:
        killer.start()
        asyncio.run(export_once(order))
    except BaseException:
        error = traceback.format_exc()
    killer.stop()
    with os.fdopen(answer_to, "w") as out:
        json.dump({"seen": killer.seen, "error": error}, out)
    os._exit(0)


def obey(order: dict[str, Any]) -> dict[str, Any]:
    """Fork, wait, tell."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        work(order, writing)
    os.close(writing)
    with os.fdopen(reading) as answer:
        told = answer.read()
    _, status = os.waitpid(child, 0)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    return {"killed": killed, **(json.loads(told) if told else {})}


def main() -> None:
    """Until the orders end."""
    for text in sys.stdin:
        print(json.dumps(obey(json.loads(text))), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
