import json
import socket
from pathlib import Path

import pytest

from deployments.stack.home import Home
from deployments.stack.ports import choose_port
from tests.stack import free_port


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_a_home_keeps_its_ports(home: Home) -> None:
    (home.root / "ports.json").write_text(json.dumps({"prefect": free_port()}))
    first = choose_port(home, "jira")
    assert choose_port(home, "jira") == first
    assert set(json.loads((home.root / "ports.json").read_text())) == {"prefect", "jira"}


def test_a_port_that_somebody_else_has_is_given_up(home: Home) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        (home.root / "ports.json").write_text(json.dumps({"prefect": taken}))
        chosen = choose_port(home, "prefect")
    assert chosen != taken
    assert choose_port(home, "prefect") == chosen


@pytest.mark.parametrize("note", ["", "[]", "{", '{"prefect": "x"}'])
def test_a_broken_note_is_no_obstacle(home: Home, note: str) -> None:
    (home.root / "ports.json").write_text(note)
    assert choose_port(home, "prefect") > 0
