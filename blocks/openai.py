"""The OpenAI block: a second provider for whoever prefers it. Made in the Prefect UI, under the name `openai`."""

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from blocks.model_calls import DEFAULT_MODELS
from blocks.writer_block import WriterBlock

if TYPE_CHECKING:
    from blocks.model_calls import Ledger
    from blocks.model_client import ModelClient


class OpenAIWriter(WriterBlock):
    """A model of OpenAI that writes tickets."""

    _block_type_name = "OpenAI Writer"
    _block_type_slug = "openai-writer"

    model: str = Field(
        default=DEFAULT_MODELS["openai"], description="The model that writes, where a session names none."
    )
    base_url: str = Field(
        default="https://api.openai.com/v1", description="Where the API is; a gateway, if you have one."
    )
    effort: Literal["low", "medium", "high"] = Field(default="low", description="How hard the model thinks.")

    def get_client(self, ledger: "Ledger", schema: dict[str, Any], model: str = "") -> "ModelClient":
        """A client for one piece of work on one event loop; use it in `async with`."""
        from blocks.openai_client import open_client

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
