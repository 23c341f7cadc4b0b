"""The default Jira block, as the environment describes it."""

import pytest

from deployments.server_blocks import default_jira_block
from deployments.settings import SANDBOX_EMAIL, Settings
from tasks.core.errors import AdminRequired
from tasks.jira import require_login

REAL, LOCAL = "https://acme.atlassian.net", "http://127.0.0.1:4300"
APP = {"JIRA_OAUTH_CLIENT_ID": "app", "JIRA_OAUTH_CLIENT_SECRET": "secret"}
TOKEN = {"JIRA_EMAIL": "a@b.c", "JIRA_API_TOKEN": "t"}


@pytest.mark.parametrize(
    ("url", "environment", "email"),
    [(REAL, TOKEN, "a@b.c"), (REAL, TOKEN | APP, "a@b.c"), (LOCAL, {}, SANDBOX_EMAIL)],
)
def test_a_token_that_is_given_is_used_and_the_sandbox_has_its_own(
    url: str, environment: dict[str, str], email: str
) -> None:
    block = default_jira_block(url, Settings.from_environment(environment))
    assert (block.url, block.email, block.uses_oauth) == (url, email, False)
    require_login(block, "jira")


def test_with_an_app_alone_the_block_waits_for_a_person_to_log_in() -> None:
    block = default_jira_block(REAL, Settings.from_environment(APP))
    with pytest.raises(AdminRequired, match="Nobody is logged in at https://acme") as raised:
        require_login(block, "jira")
    assert raised.value.actions[0] == "Log in: drupal-tickets jira login"


def test_a_real_site_without_any_login_is_refused() -> None:
    with pytest.raises(AdminRequired, match="JIRA_API_TOKEN are needed") as raised:
        default_jira_block(REAL, Settings.from_environment({}))
    assert "jira login" in raised.value.actions[0]
