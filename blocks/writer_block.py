"""What the blocks of all models that write have in common: a key, and limits."""

from typing import TYPE_CHECKING, Any

from prefect.blocks.core import Block
from pydantic import Field, SecretStr

if TYPE_CHECKING:
    from blocks.model_calls import Ledger
    from blocks.model_client import ModelClient


class WriterBlock(Block):
    """A model that writes tickets."""

    api_key: SecretStr = Field(title="API key", description="Made in the provider's console.")
    model: str = Field(description="The model that writes, where a session names none.")
    in_flight: int = Field(default=16, ge=1, le=128, description="Requests at the same time.")
    request_seconds: float = Field(default=60, gt=0, description="After so long a request counts as lost.")
    deadline_seconds: float = Field(
        default=240, gt=0, description="For one question, with all its attempts and pauses."
    )

    def get_client(self, ledger: "Ledger", schema: dict[str, Any], model: str = "") -> "ModelClient":
        """A client for one piece of work on one event loop; use it in `async with`."""
        raise NotImplementedError
