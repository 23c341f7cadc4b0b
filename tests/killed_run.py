"""`python -m tests.killed_run FILE TEXT`: executes a flow run as a worker does, and dies by SIGKILL at that line."""

import os
import runpy
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any


class Killer:
    """Ends the process where a line of the file reads so."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = str(path)
        (self.line,) = [
            number for number, line in enumerate(path.read_text().splitlines(), 1) if line.strip() == text
        ]

    def call(self, frame: FrameType, _event: str, _argument: Any) -> Any:
        return self.look if frame.f_code.co_filename == self.path else None

    def look(self, frame: FrameType, event: str, _argument: Any) -> Any:
        if event == "line" and frame.f_lineno == self.line:
            os.kill(os.getpid(), signal.SIGKILL)
        return self.look


if __name__ == "__main__":
    killer = Killer(Path(sys.argv[1]).resolve(), sys.argv[2])
    threading.settrace(killer.call)
    sys.settrace(killer.call)
    del sys.argv[1:]  # the engine takes them for its own
    runpy.run_module("prefect.engine", run_name="__main__")
