import io
from pathlib import Path

from deployments.stack.logs import Follower


def test_new_lines_of_all_parts_are_shown_with_their_names(tmp_path: Path) -> None:
    (tmp_path / "worker.log").write_text("of yesterday\n")
    output = io.StringIO()
    follower = Follower(tmp_path, output)
    (tmp_path / "postgres.log").write_bytes(b"ready\n\nhalf a l")
    with (tmp_path / "worker.log").open("ab") as log:
        log.write(b"caf\xe9\n")
    follower.follow()
    with (tmp_path / "postgres.log").open("ab") as log:
        log.write(b"ine\n")
    follower.follow()
    lines = [line.split("|") for line in output.getvalue().splitlines()]
    assert [(part.strip(), text.strip()) for part, text in lines] == [
        ("postgres", "ready"),
        ("worker", "caf\N{REPLACEMENT CHARACTER}"),
        ("postgres", "half a line"),
    ]


def test_a_log_that_was_rotated_is_read_from_its_start(tmp_path: Path) -> None:
    (tmp_path / "worker.log").write_text("a long line of yesterday\n")
    output = io.StringIO()
    follower = Follower(tmp_path, output)
    (tmp_path / "worker.log").write_text("new\n")
    follower.follow()
    assert output.getvalue().endswith("| new\n")


def test_what_a_terminal_would_obey_is_not_passed_on(tmp_path: Path) -> None:
    output = io.StringIO()
    follower = Follower(tmp_path, output)
    (tmp_path / "worker.log").write_text("\x1b]0;title\x07 text\n")
    follower.follow()
    assert "\x1b" not in output.getvalue()
    assert "\x07" not in output.getvalue()
