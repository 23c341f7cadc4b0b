"""What the environment says: where things are, and whom to be. Read once, at the door."""

from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, SecretStr

SANDBOX_EMAIL = "sandbox@example.com"
SANDBOX_TOKEN = "sandbox-token"  # noqa: S105 - the sandbox's well-known login, no secret
SANDBOX_CLIENT_ID = "sandbox-client"
SANDBOX_CLIENT_SECRET = "sandbox-secret"  # noqa: S105 - as well known

VARIABLES = {
    "home": "DRUPAL_TICKETS_HOME",
    "database_url": "DATABASE_URL",
    "prefect_api_url": "PREFECT_API_URL",
    "server_host": "PREFECT_SERVER_API_HOST",
    "server_credential": "PREFECT_SERVER_API_AUTH_STRING",
    "ui_url": "PREFECT_UI_URL",
    "jira_url": "JIRA_URL",
    "jira_email": "JIRA_EMAIL",
    "jira_api_token": "JIRA_API_TOKEN",
    "jira_oauth_client_id": "JIRA_OAUTH_CLIENT_ID",
    "jira_oauth_client_secret": "JIRA_OAUTH_CLIENT_SECRET",
    "encryption_key": "DRUPAL_TICKETS_ENCRYPTION_KEY",
    "anthropic_api_key": "ANTHROPIC_API_KEY",
    "anthropic_base_url": "ANTHROPIC_BASE_URL",
    "notify": "DRUPAL_TICKETS_NOTIFY",
}


class Settings(BaseModel):
    """The installation as the environment describes it; what is left out is started locally."""

    model_config = ConfigDict(frozen=True)

    home: Path
    database_url: SecretStr | None = None
    prefect_api_url: str | None = None
    server_host: str = "127.0.0.1"
    server_credential: SecretStr | None = None
    ui_url: str | None = None
    jira_url: str | None = None
    jira_email: str | None = None
    jira_api_token: SecretStr | None = None
    jira_oauth_client_id: str | None = None
    jira_oauth_client_secret: SecretStr | None = None
    encryption_key: SecretStr | None = None
    anthropic_api_key: SecretStr | None = None
    anthropic_base_url: str | None = None
    notify: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """The settings of an environment; a variable that is empty counts as not set."""
        given = {field: environment[name] for field, name in VARIABLES.items() if environment.get(name)}
        home = Path(given.get("home") or "~/.drupal-tickets").expanduser().absolute()
        return cls.model_validate({**given, "home": home})

    def environment(self) -> dict[str, str]:
        """The variables that make another process read the same settings."""
        given = self.model_fields_set
        values = {name: getattr(self, field) for field, name in VARIABLES.items() if field in given}
        return {name: _plain(value) for name, value in values.items() if value is not None}


def _plain(value: SecretStr | str | Path) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
