"""The Jira block: where Jira is and who we are there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from prefect.blocks.core import Block
from pydantic import Field, SecretStr

from blocks.jira_client import JiraClient
from tasks.core.errors import AdminRequired


class JiraCredentials(Block):
    """A Jira Cloud site and the account that tickets are created with."""

    _block_type_name = "Jira Credentials"
    _block_type_slug = "jira-credentials"

    url: str = Field(description="Address of the site, e.g. https://example.atlassian.net")
    email: str = Field(description="E-mail address of the Atlassian account.")
    api_token: SecretStr = Field(
        title="API token",
        description="Made at https://id.atlassian.com/manage-profile/security/api-tokens",
    )

    def get_client(self, *, in_flight: int = 8, read_seconds: float = 30.0) -> JiraClient:
        """A client for one piece of work on one event loop; close it, or use it in `async with`."""
        token = self.api_token.get_secret_value()
        return JiraClient(self.url, self.email, token, in_flight=in_flight, read_seconds=read_seconds)


@asynccontextmanager
async def jira_client(
    block_name: str = "jira", *, in_flight: int = 8, read_seconds: float = 30.0
) -> AsyncIterator[JiraClient]:
    """A client for the site of a block, as long as the body runs."""
    try:
        block = cast(JiraCredentials, await JiraCredentials.aload(block_name))
    except ValueError as error:
        raise AdminRequired(
            f"There is no Jira block named {block_name}.",
            code="jira-block-unknown",
            actions=("Create it in the Prefect UI under Blocks, or run `drupal-tickets up`.",),
        ) from error
    async with block.get_client(in_flight=in_flight, read_seconds=read_seconds) as client:
        yield client
