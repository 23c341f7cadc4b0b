"""Encrypts what is kept of Jira logins; the key is the installation's and never in the database."""

from cryptography.fernet import Fernet, InvalidToken
from pydantic import SecretStr

from tasks.core.errors import AdminRequired

ENCRYPTION_KEY = "DRUPAL_TICKETS_ENCRYPTION_KEY"


class Vault:
    """Fernet with the installation's key. AdminRequired where the key is missing, wrong or another one."""

    def __init__(self, key: str | None) -> None:
        if not key:
            raise AdminRequired(
                f"{ENCRYPTION_KEY} is not set: the stored Jira login cannot be read.",
                actions=(
                    "Set it to the installation's Fernet key, the same on every machine that runs flows.",
                ),
                code="encryption-key",
            )
        try:
            self._fernet = Fernet(key)
        except ValueError:
            raise AdminRequired(
                f"{ENCRYPTION_KEY} is no Fernet key.",
                actions=(
                    "Set it to the key that the installation was set up with (32 bytes, URL-safe base64).",
                ),
                code="encryption-key",
            ) from None

    def lock(self, secret: SecretStr) -> bytes:
        """The secret as it may be stored."""
        return self._fernet.encrypt(secret.get_secret_value().encode())

    def unlock(self, stored: bytes) -> SecretStr:
        """The secret again."""
        try:
            return SecretStr(self._fernet.decrypt(stored).decode())
        except InvalidToken:
            raise AdminRequired(
                "The stored Jira login was encrypted with another key.",
                actions=(
                    f"Set {ENCRYPTION_KEY} to the key it was stored with,",
                    "or log in once more: drupal-tickets jira login",
                ),
                code="encryption-key",
            ) from None
