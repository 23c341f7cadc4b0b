"""The Anthropic block: key, address, model and limits of the model that writes tickets."""

from typing import TYPE_CHECKING, Any, Literal

from prefect.blocks.core import Block
from pydantic import Field, SecretStr

if TYPE_CHECKING:
    from blocks.model_calls import Ledger
    from blocks.model_client import ModelClient

DEFAULT_MODEL = "claude-haiku-5-5"


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
        import httpx2
        from anthropic import AsyncAnthropic
        from pydantic_ai.models.anthropic import AnthropicModel
        from pydantic_ai.providers.anthropic import AnthropicProvider

        from blocks.model_client import ModelClient
        from blocks.model_limiter import ModelLimiter
        from blocks.model_transport import AccountedTransport

        limiter = ModelLimiter(self.in_flight, patience=self.deadline_seconds)
        transport = AccountedTransport(
            ledger, limiter, in_flight=self.in_flight, seconds=self.request_seconds
        )
        http = httpx2.AsyncClient(transport=transport)
        sdk = AsyncAnthropic(
            api_key=self.api_key.get_secret_value(),
            base_url=self.base_url,
            timeout=self.deadline_seconds,  # the transport keeps the time of a request; waiting for a slot is none
            max_retries=0,  # every attempt is ours, with money of its own
            http_client=http,
        )
        settings = {"anthropic_cache_instructions": "5m", "anthropic_effort": self.effort}
        return ModelClient(
            "anthropic",
            AnthropicModel(model or self.model, provider=AnthropicProvider(anthropic_client=sdk)),
            http,
            settings,
            schema,
            deadline=self.deadline_seconds,
        )
