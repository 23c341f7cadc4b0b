import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from deployments.stack.processes import LARGEST_LOG, ProcessId, last_words, start, stop

SLEEP = (sys.executable, "-c", "import time; time.sleep(60)")
# Its child ignores the polite signal, as a flow run might.
FAMILY = (
    "import subprocess, sys, time, signal;"
    "code = 'import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)';"
    "child = subprocess.Popen([sys.executable, '-c', code], stdout=subprocess.PIPE);"
    "child.stdout.readline(); print(child.pid, flush=True); time.sleep(60)"
)
PARENT = """
import os, sys, time
from pathlib import Path
from deployments.stack.processes import LARGEST_LOG, ProcessId, last_words, start, stop
child = start((sys.executable, "-c", "import time; time.sleep(60)"), os.environ, Path(sys.argv[1]))
time.sleep(0.5)  # until it has asked to be told of our death
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "part.log"


def wait_until_gone(pid: int, seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def wait_for_line(log: Path) -> str:
    deadline = time.monotonic() + 10
    while not (log.exists() and log.read_text().endswith("\n")) and time.monotonic() < deadline:
        time.sleep(0.05)
    return log.read_text()


def test_output_and_complaints_go_to_a_log_that_only_its_owner_reads(log: Path) -> None:
    code = "import sys; print('out', flush=True); sys.exit('err')"
    assert start((sys.executable, "-c", code), os.environ, log).wait(10) == 1
    assert log.read_text().split() == ["out", "err"]
    assert log.stat().st_mode & 0o777 == 0o600


def test_a_process_gets_no_ctrl_c_of_ours(log: Path) -> None:
    process = start(SLEEP, os.environ, log)
    assert os.getsid(process.pid) == process.pid
    stop(ProcessId.of(process.pid))
    assert process.wait(5) == -signal.SIGTERM


def test_stopping_takes_all_that_the_process_started(log: Path) -> None:
    process = start((sys.executable, "-c", FAMILY), os.environ, log)
    grandchild = int(wait_for_line(log))
    stop(ProcessId.of(process.pid))
    process.wait(5)
    assert wait_until_gone(grandchild)


def test_what_a_dead_process_left_is_ended_too(log: Path) -> None:
    process = start((sys.executable, "-c", FAMILY), os.environ, log)
    known = ProcessId.of(process.pid)
    grandchild = int(wait_for_line(log))
    process.kill()
    process.wait(5)
    assert not wait_until_gone(grandchild, seconds=0.2)
    stop(known)
    assert wait_until_gone(grandchild)


def test_a_reused_number_is_not_mistaken_for_the_process(log: Path) -> None:
    process = start(SLEEP, os.environ, log)
    real = ProcessId.of(process.pid)
    other = real._replace(started=real.started - 3600)
    assert real.alive()
    assert not other.alive()
    stop(real)
    process.wait(5)
    assert not real.alive()


def test_a_group_of_somebody_else_under_a_reused_number_is_left_alone() -> None:
    with subprocess.Popen(SLEEP, start_new_session=True) as stranger:
        stop(ProcessId(stranger.pid, time.time() - 3600))
        assert stranger.poll() is None
        stranger.kill()


def test_a_killed_parent_takes_its_processes_along(log: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT, str(log)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert psutil.pid_exists(child)
        parent.kill()
    assert wait_until_gone(child)


def test_the_last_complaint_is_what_people_are_told(log: Path) -> None:
    log.write_text("all fine\n2026 FATAL:  no pg_control\nHINT: look\n")
    assert last_words(log) == "2026 FATAL:  no pg_control"
    log.write_text("\none\ntwo\n\n")
    assert last_words(log) == "two"
    assert last_words(log.with_name("missing")) == ""


def test_what_stood_in_the_log_before_is_not_told_again(log: Path) -> None:
    log.write_text("FATAL: yesterday\n")
    before = log.stat().st_size
    with log.open("a") as more:
        more.write("today\n")
    assert last_words(log, since=before) == "today"


def test_a_log_does_not_grow_for_ever(log: Path) -> None:
    log.write_bytes(b"x" * (LARGEST_LOG + 1))
    start((sys.executable, "-c", "print('new')"), os.environ, log).wait(10)
    assert log.read_text() == "new\n"
    assert log.with_suffix(".log.1").stat().st_size > LARGEST_LOG


def test_a_process_inherits_what_it_is_given_and_no_other_file(log: Path, tmp_path: Path) -> None:
    look = "import os, sys; print(*(os.path.exists(f'/proc/self/fd/{one}') for one in sys.argv[1:]))"
    with (tmp_path / "kept").open("w") as kept, (tmp_path / "ours").open("w") as ours:
        files = [kept.fileno(), ours.fileno()]
        for file in files:
            os.set_inheritable(file, True)
        start((sys.executable, "-c", look, *map(str, files)), os.environ, log, keep=files[:1]).wait(10)
    assert log.read_text() == "True False\n"
