"""Processes of the stack: started so that they end with us, recognised later, and stopped with all they started."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

import psutil

LOUD = re.compile(r"\b(FATAL|PANIC|ERROR|[A-Z]?\w*[eE]rror):")
LARGEST_LOG = 20_000_000
PAUSE = 0.05
PRIVATE = 0o077
MARK = "DRUPAL_TICKETS_STACK"  # by which we know our own again when their numbers may have been reused
SAME_START = 10.0  # seconds; the clock may have been set since we took the note


class ProcessId(NamedTuple):
    """A process as it can be found again: numbers are reused, starting times are not."""

    pid: int
    started: float

    @classmethod
    def of(cls, pid: int) -> "ProcessId":
        """The identity of a process that runs now."""
        return cls(pid, psutil.Process(pid).create_time())

    def alive(self) -> bool:
        """Whether that very process still runs."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < SAME_START
            return same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False


def start(
    command: Sequence[str],
    environment: Mapping[str, str],
    log: Path,
    *,
    at_our_death: str = "TERM",
    as_user: Sequence[str] = (),
    keep: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own, so that Ctrl-C reaches it only through us; output goes to `log`.

    It inherits the open files named in `keep`, and no other.
    """
    _rotate(log)
    with open_log(log) as output:
        return subprocess.Popen(  # noqa: S603 - the command is ours
            [*_ends_with_us(at_our_death, as_user), *command],
            env={**environment, MARK: "1"},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=keep,
            umask=PRIVATE,  # whatever it makes in the home is its owner's alone
        )


def open_log(log: Path) -> BinaryIO:
    """A log to add to, that only its owner reads."""
    return os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def stop(process: ProcessId, how: signal.Signals = signal.SIGTERM, grace: float = 10) -> None:
    """Ask a process to end, wait, then end whatever is left of its group."""
    if process.alive():
        os.kill(process.pid, how)
        _wait(process, grace)
    if _group_is_ours(process):
        # The group outlives its leader while a member lives, so the number is still ours to signal.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        _wait(process, grace=5)


def last_words(log: Path, since: int = 0) -> str:
    """The last line of a log that complains, else its last line, from byte `since` on."""
    try:
        with log.open("rb") as file:
            file.seek(max(since, log.stat().st_size - 20_000))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    told = [line.strip() for line in lines if line.strip()]
    loud = [line for line in told if LOUD.search(line)]
    return (loud or told or [""])[-1]


def _ends_with_us(at_our_death: str, as_user: Sequence[str]) -> list[str]:
    # setpriv (util-linux) asks the kernel for a signal at our death. Where it is missing, the next start cleans up.
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", at_our_death, *as_user, "--"] if setpriv else []


def _group_is_ours(process: ProcessId) -> bool:
    for other in psutil.process_iter():
        with contextlib.suppress(ProcessLookupError, psutil.Error):
            in_group = os.getpgid(other.pid) == process.pid
            if in_group and other.create_time() >= process.started - SAME_START and MARK in other.environ():
                return True
    return False


def _wait(process: ProcessId, grace: float) -> None:
    deadline = time.monotonic() + grace
    while process.alive() and time.monotonic() < deadline:
        time.sleep(PAUSE)


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > LARGEST_LOG:
        log.replace(log.with_suffix(".log.1"))
