"""The Jira block: where Jira is and who we are there."""

from prefect.blocks.core import Block
from pydantic import Field, SecretStr

from blocks.jira_client import JiraClient


class JiraCredentials(Block):
    """A Jira Cloud site and the account that tickets are created with: by API token, or by OAuth."""

    _block_type_name = "Jira Credentials"
    _block_type_slug = "jira-credentials"

    url: str = Field(description="Address of the site, e.g. https://example.atlassian.net")
    email: str = Field(default="", description="E-mail address of the Atlassian account.")
    api_token: SecretStr = Field(
        default=SecretStr(""),
        title="API token",
        description="Made at https://id.atlassian.com/manage-profile/security/api-tokens",
    )
    account_id: str = Field(
        default="",
        title="OAuth: account",
        description="Filled in by `drupal-tickets jira login`, as is all that follows; then no API token is needed.",
    )
    account_name: str = Field(default="", title="OAuth: name of the account", description="For people.")
    cloud_id: str = Field(
        default="",
        title="OAuth: cloud id",
        description="Atlassian's id of the site, by which calls go there.",
    )
    client_id: str = Field(default="", title="OAuth: client id", description="Our app at Atlassian.")
    client_secret: SecretStr = Field(
        default=SecretStr(""), title="OAuth: client secret", description="The secret of our app."
    )

    @property
    def uses_oauth(self) -> bool:
        """Whether a person logged in; the tokens are in the database then, never here."""
        return bool(self.account_id)

    def get_client(self, *, in_flight: int = 8, read_seconds: float = 30.0) -> JiraClient:
        """A client by API token for one piece of work on one event loop; close it, or use it in `async with`."""
        token = self.api_token.get_secret_value()
        return JiraClient(self.url, self.email, token, in_flight=in_flight, read_seconds=read_seconds)
