"""The Anthropic block: key, address, model and limits of the model that writes tickets."""

from typing import TYPE_CHECKING, Any, Literal

from prefect.blocks.core import Block
from pydantic import Field, SecretStr

from blocks.model_calls import DEFAULT_MODEL

if TYPE_CHECKING:
    from blocks.model_calls import Ledger
    from blocks.model_client import ModelClient


class AnthropicWriter(Block):
    """A model of Anthropic that writes tickets."""

    _block_type_name = "Anthropic Writer"
    _block_type_slug = "anthropic-writer"

    api_key: SecretStr = Field(title="API key", description="Made in the Anthropic console.")
    base_url: str = Field(
        default="https://api.anthropic.com",
        description="Where the Messages API is; a gateway, if you have one.",
    )
    model: str = Field(
        default=DEFAULT_MODEL, description="The model that writes, where a session names none."
    )
    effort: Literal["low", "medium", "high"] = Field(default="low", description="How hard the model thinks.")
    in_flight: int = Field(default=16, ge=1, le=128, description="Requests at the same time.")
    request_seconds: float = Field(default=60, gt=0, description="After so long a request counts as lost.")
    deadline_seconds: float = Field(
        default=240, gt=0, description="For one question, with all its attempts and pauses."
    )

    def get_client(self, ledger: "Ledger", schema: dict[str, Any], model: str = "") -> "ModelClient":
        """A client for one piece of work on one event loop; use it in `async with`."""
        from blocks.anthropic_client import open_client

        return open_client(
            self.api_key.get_secret_value(),
            self.base_url,
            model or self.model,
            ledger,
            schema,
            effort=self.effort,
            in_flight=self.in_flight,
            request_seconds=self.request_seconds,
            deadline_seconds=self.deadline_seconds,
        )
