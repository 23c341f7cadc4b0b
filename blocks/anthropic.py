"""The Anthropic block: key, address, model and limits of the model that writes tickets."""

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from blocks.model_calls import DEFAULT_MODELS
from blocks.writer_block import WriterBlock

if TYPE_CHECKING:
    from blocks.model_calls import Ledger
    from blocks.model_client import ModelClient


class AnthropicWriter(WriterBlock):
    """A model of Anthropic that writes tickets."""

    _block_type_name = "Anthropic Writer"
    _block_type_slug = "anthropic-writer"

    model: str = Field(
        default=DEFAULT_MODELS["anthropic"], description="The model that writes, where a session names none."
    )
    base_url: str = Field(
        default="https://api.anthropic.com",
        description="Where the Messages API is; a gateway, if you have one.",
    )
    effort: Literal["low", "medium", "high"] = Field(default="low", description="How hard the model thinks.")

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
