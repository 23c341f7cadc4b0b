"""Opens a model of Anthropic: the SDK and pydantic-ai as they come, on top of our own transport.

Importing this costs seconds: only a session that a model writes does it.
"""

from typing import Any, Literal

import httpx2
from anthropic import AsyncAnthropic
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.providers.anthropic import AnthropicProvider

from blocks.model_calls import Ledger
from blocks.model_client import ModelClient
from blocks.model_limiter import ModelLimiter
from blocks.model_transport import AccountedTransport


def open_client(
    api_key: str,
    base_url: str,
    model: str,
    ledger: Ledger,
    schema: dict[str, Any],
    *,
    effort: Literal["low", "medium", "high"] = "low",
    in_flight: int = 16,
    request_seconds: float = 60,
    deadline_seconds: float = 240,
) -> ModelClient:
    """A client for one piece of work on one event loop; use it in `async with`."""
    limiter = ModelLimiter(in_flight, patience=deadline_seconds)
    transport = AccountedTransport(ledger, limiter, in_flight=in_flight, seconds=request_seconds)
    http = httpx2.AsyncClient(transport=transport)
    sdk = AsyncAnthropic(
        api_key=api_key,
        base_url=base_url,
        timeout=deadline_seconds,  # the transport keeps the time of a request; waiting for a slot is none
        max_retries=0,  # every attempt is ours, with money of its own
        http_client=http,
    )
    return ModelClient(
        "anthropic",
        AnthropicModel(model, provider=AnthropicProvider(anthropic_client=sdk)),
        http,
        {"anthropic_cache_instructions": "5m", "anthropic_effort": effort},
        schema,
        deadline=deadline_seconds,
    )
