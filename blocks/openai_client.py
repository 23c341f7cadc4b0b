"""Opens a model of OpenAI: the same client and the same account, below another SDK."""

from typing import Any, Literal

import httpx2
from openai import AsyncOpenAI
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

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
    sdk = AsyncOpenAI(
        api_key=api_key, base_url=base_url, timeout=deadline_seconds, max_retries=0, http_client=http
    )
    return ModelClient(
        "openai",
        OpenAIChatModel(model, provider=OpenAIProvider(openai_client=sdk)),
        http,
        {"openai_reasoning_effort": effort},
        schema,
        deadline=deadline_seconds,
    )
