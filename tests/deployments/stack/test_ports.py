import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deployments.stack.home import Home
from deployments.stack.ports import claim_port, port_of
from tests.stack import free_port

Claim = Callable[..., socket.socket]


@pytest.fixture
def claim() -> Iterator[Claim]:
    claimed: list[socket.socket] = []

    def one(home: Home, part: str = "prefect") -> socket.socket:
        claimed.append(claim_port(home, part))
        return claimed[-1]

    yield one
    for door in claimed:
        door.close()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return home_with_note(tmp_path / "home", "{}")


def home_with_note(folder: Path, note: str) -> Home:
    folder.mkdir()
    (folder / "ports.json").write_text(note)
    return Home(folder)


def test_a_home_keeps_its_ports(home: Home, claim: Claim) -> None:
    (home.root / "ports.json").write_text(json.dumps({"prefect": free_port()}))
    door = claim(home, "jira")
    first = port_of(door)
    door.close()
    assert port_of(claim(home, "jira")) == first
    assert set(json.loads((home.root / "ports.json").read_text())) == {"prefect", "jira"}


def test_a_port_that_somebody_else_has_is_given_up(home: Home, claim: Claim) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        (home.root / "ports.json").write_text(json.dumps({"prefect": taken}))
        chosen = claim(home)
    assert port_of(chosen) != taken
    chosen.close()
    assert port_of(claim(home)) == port_of_note(home)


def test_stacks_that_start_at_the_same_moment_never_share_a_port(tmp_path: Path, claim: Claim) -> None:
    """Neither part listens yet; set up on the other's server, one stack would work on the other's sessions."""
    note = json.dumps({"prefect": free_port()})
    one, other = home_with_note(tmp_path / "one", note), home_with_note(tmp_path / "other", note)
    assert port_of(claim(one)) != port_of(claim(other))


def test_who_comes_before_the_part_answers_waits_for_it(home: Home, claim: Claim) -> None:
    door = claim(home)
    with socket.create_connection(("127.0.0.1", port_of(door)), timeout=5) as early:
        accepted, _ = door.accept()
        with accepted:
            accepted.sendall(b"here")
        assert early.recv(4) == b"here"


@pytest.mark.parametrize("note", ["", "[]", "{", '{"prefect": "x"}'])
def test_a_broken_note_is_no_obstacle(tmp_path: Path, claim: Claim, note: str) -> None:
    assert port_of(claim(home_with_note(tmp_path / "home", note))) > 0


def port_of_note(home: Home) -> int:
    return int(json.loads((home.root / "ports.json").read_text())["prefect"])
