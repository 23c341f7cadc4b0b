"""The Jira block: where Jira is and who we are there."""

from prefect.blocks.core import Block
from pydantic import Field, SecretStr

from blocks.jira_client import JiraClient


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
