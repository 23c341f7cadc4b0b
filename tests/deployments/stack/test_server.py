"""The server's guard: who may listen where, and what a server that others reach demands."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deployments.settings import Settings
from deployments.stack.prefect_app import own_names
from deployments.stack.server import protection, server_addresses
from tasks.core.errors import AdminRequired
from tests.stack import bare_environment

KEY = {"PREFECT_SERVER_ENCRYPTION_KEY": "k"}
CREDENTIAL = {"PREFECT_SERVER_API_AUTH_STRING": "team:secret"}
PUBLIC = {"PREFECT_UI_URL": "https://tickets.example.com/"}


@pytest.mark.parametrize(
    ("host", "environment"),
    [
        ("0.0.0.0", PUBLIC),
        ("::", PUBLIC),
        ("192.0.2.7", PUBLIC),
        ("tickets.example.com", PUBLIC),
        ("127.0.0.1", PUBLIC),
        ("0.0.0.0", PUBLIC | {"PREFECT_SERVER_API_AUTH_STRING": ""}),
        ("0.0.0.0", PUBLIC | {"PREFECT_SERVER_API_AUTH_STRING": "no colon, so no credential"}),
    ],
)
def test_beyond_this_machine_a_server_without_a_credential_is_refused(
    host: str, environment: dict[str, str]
) -> None:
    with pytest.raises(AdminRequired, match="open to everybody") as refused:
        protection(KEY | environment, host, 4200)
    assert "PREFECT_SERVER_API_AUTH_STRING" in refused.value.actions[0]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_on_this_machine_it_needs_none(host: str) -> None:
    assert protection(KEY, host, 4200)["PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED"] == "true"


def test_a_server_without_a_key_for_its_blocks_is_refused() -> None:
    with pytest.raises(AdminRequired, match="PREFECT_SERVER_ENCRYPTION_KEY"):
        protection(PUBLIC | CREDENTIAL, "0.0.0.0", 4200)


def test_beyond_this_machine_it_has_to_know_its_address() -> None:
    with pytest.raises(AdminRequired, match="address that people use"):
        protection(KEY | CREDENTIAL, "0.0.0.0", 4200)


def test_only_the_pages_of_its_own_address_may_call_it() -> None:
    guarded = protection({**KEY, **CREDENTIAL, **PUBLIC}, "0.0.0.0", 4200)
    assert guarded["PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS"] == "https://tickets.example.com"
    assert guarded["PREFECT_SERVER_UI_API_URL"] == "https://tickets.example.com/api"


def test_no_variable_opens_it() -> None:
    opened = {
        "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS": "*",
        "PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED": "false",
    }
    assert protection(KEY | opened, "127.0.0.1", 4200) == protection(KEY, "127.0.0.1", 4200)


def test_it_answers_to_its_own_names() -> None:
    names = own_names(["https://tickets.example.com", "http://prefect:4200/api", ""])
    assert names == ["127.0.0.1", "localhost", "prefect", "tickets.example.com"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ("http://127.0.0.1:4200/api", "http://127.0.0.1:4200")),
        ({"server_host": "192.0.2.7"}, ("http://192.0.2.7:4200/api", "http://192.0.2.7:4200")),
        (
            {"server_host": "0.0.0.0"},
            ("http://127.0.0.1:4200/api", f"http://{os.uname().nodename}:4200"),
        ),
        (
            {"server_host": "::", "ui_url": "https://tickets.example.com"},
            ("http://127.0.0.1:4200/api", "https://tickets.example.com"),
        ),
        ({"server_host": "::1"}, ("http://[::1]:4200/api", "http://[::1]:4200")),
    ],
)
def test_programs_and_people_are_told_where_it_is(given: dict[str, str], expected: tuple[str, str]) -> None:
    settings = Settings.model_validate({"home": "/nowhere", **given})
    assert server_addresses(settings, 4200) == expected


def test_the_process_itself_refuses_and_says_why() -> None:
    command = [sys.executable, "-m", "deployments.stack.server", "--host", "0.0.0.0"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    done = subprocess.run(
        command, env={**environment, **KEY, **PUBLIC}, capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == 20
    assert "PREFECT_SERVER_API_AUTH_STRING" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("command", "variables"),
    [
        (("up", "--host", "0.0.0.0"), {}),
        (("up",), {"PREFECT_SERVER_API_HOST": "0.0.0.0"}),
        (("up",), PUBLIC),
        (("jira", "check"), {"PREFECT_SERVER_API_HOST": "0.0.0.0"}),
    ],
    ids=["an option", "a variable", "a public address", "a command that starts the stack"],
)
def test_nothing_is_started_where_it_would_be_open(
    tmp_path: Path, command: tuple[str, ...], variables: dict[str, str]
) -> None:
    home = tmp_path / "home"
    program = str(Path(sys.executable).with_name("drupal-tickets"))
    environment = bare_environment(home) | variables
    done = subprocess.run(
        [program, *command], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 20
    assert "PREFECT_SERVER_API_AUTH_STRING" in done.stderr
    assert not (home / "postgres" / "data").exists()
