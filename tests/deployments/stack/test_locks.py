import subprocess
import sys
from pathlib import Path

import pytest

from deployments.stack.locks import FileLock

HOLD = """
import sys, time
from pathlib import Path
from deployments.stack.locks import FileLock
FileLock(Path(sys.argv[1])).share()
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lock"


def test_a_share_keeps_others_from_being_alone_until_it_is_given_back(path: Path) -> None:
    with FileLock(path) as first, FileLock(path) as second:
        first.share()
        second.share()
        assert not FileLock(path).free()
        first.release()
        assert not FileLock(path).take()
        second.release()
        assert FileLock(path).free()


def test_whoever_is_alone_keeps_newcomers_out(path: Path) -> None:
    with FileLock(path) as lock:
        assert lock.take()
        assert lock.take()  # asking twice does no harm
        assert not FileLock(path).take(patience=0.2)
    assert FileLock(path).free()


def test_the_share_of_a_killed_process_comes_back_by_itself(path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert not FileLock(path).free()
        holder.kill()
    assert FileLock(path).take(patience=5)
