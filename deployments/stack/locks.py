"""File locks that the kernel gives back when their holder dies: who runs a home, and who uses it."""

import fcntl
import os
import time
from pathlib import Path
from typing import Self

PAUSE = 0.1


class FileLock:
    """An advisory lock on a file: shared by users, exclusive for whoever wants to be alone."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def share(self) -> None:
        """Take a share; waits while somebody is alone with it."""
        fcntl.flock(self._open(), fcntl.LOCK_SH)

    def take(self, patience: float = 0) -> bool:
        """Be alone with it; False when somebody still has it after `patience` seconds."""
        deadline = time.monotonic() + patience
        while not self._try():
            if time.monotonic() >= deadline:
                self.release()
                return False
            time.sleep(PAUSE)
        return True

    def free(self) -> bool:
        """Whether nobody has it now."""
        taken = self.take()
        self.release()
        return taken

    def release(self) -> None:
        """Give it back; harmless when it was not held."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def _open(self) -> int:
        if self._handle is None:
            self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        return self._handle

    def _try(self) -> bool:
        try:
            fcntl.flock(self._open(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
