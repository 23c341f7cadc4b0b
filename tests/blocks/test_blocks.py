"""The blocks as Prefect and our own commands see them."""

import subprocess
import sys
from inspect import getmembers, isclass
from pathlib import Path

import blocks
from blocks.jira import JiraCredentials

ROOT = Path(__file__).parents[2]


def test_prefect_finds_the_blocks_of_the_package() -> None:
    found = [member for _, member in getmembers(blocks) if isclass(member)]
    assert JiraCredentials in found


def test_a_client_can_be_had_without_loading_prefect() -> None:
    code = "import sys, blocks.jira_client; sys.exit('prefect' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_the_token_is_hidden_and_the_fields_are_described() -> None:
    block = JiraCredentials.model_validate(
        {"url": "https://example.atlassian.net/", "email": "me@example.com", "api_token": "very-secret"}
    )
    assert "very-secret" not in repr(block) + str(block) + str(block.model_dump())
    described = JiraCredentials.model_json_schema()["properties"]
    assert all(described[name].get("description") for name in ("url", "email", "api_token"))
    client = block.get_client()
    assert client.site == "https://example.atlassian.net"
    assert client.address_of("LAKE-1") == "https://example.atlassian.net/browse/LAKE-1"
    client.close()
