"""The logs of all parts as one stream, each line with the name of its part."""

import os
from pathlib import Path
from typing import TextIO

from deployments.logging_json import with_part

WIDTH = 18


class Follower:
    """Prints what is added to the logs of a folder from now on."""

    def __init__(self, folder: Path, output: TextIO, *, as_json: bool = False) -> None:
        self._line = with_part if as_json else _readable
        self._folder = folder
        self._output = output
        self._read = {path: path.stat().st_size for path in folder.glob("*.log")}
        self._rest: dict[Path, bytes] = {}

    def follow(self) -> None:
        """Print the lines that have come since the last time."""
        for path in sorted(self._folder.glob("*.log")):
            *lines, self._rest[path] = (self._rest.get(path, b"") + self._more(path)).split(b"\n")
            for line in lines:
                if line.strip():
                    self._output.write(f"{self._line(path.stem, _shown(line))}\n")
        self._output.flush()

    def _more(self, path: Path) -> bytes:
        start = self._read.get(path, 0)
        with path.open("rb") as log:
            if os.fstat(log.fileno()).st_size < start:
                start = 0  # the log was rotated
            log.seek(start)
            more = log.read()
        self._read[path] = start + len(more)
        return more


def _readable(part: str, line: str) -> str:
    return f"{part:<{WIDTH}} | {line}"


def _shown(line: bytes) -> str:
    # What a log quotes may come from a spec; a terminal must show it and not obey it.
    text = line.decode(errors="replace").rstrip("\r")
    return "".join(
        char if char.isprintable() or char == "\t" else "\N{REPLACEMENT CHARACTER}" for char in text
    )
