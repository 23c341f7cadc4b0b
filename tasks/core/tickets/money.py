"""What calls of a model cost: before they are sent at their ceiling, afterwards as they were counted.

Prices come from genai-prices. Amounts are rounded up to what the database stores, so that sums never say too little.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache
from typing import Any

from tasks.core.errors import AdminRequired

CENT = Decimal("0.000001")
# A token stands for one byte at least. What the provider adds around a request (for structured output) is in here.
ADDED_TOKENS = 1_000
MOST_TOKENS = 2**31 - 1  # that can be stored; no reply uses so many
STEP = 256  # bytes that a ceiling is rounded up to: looking up a price takes a millisecond
# By which of its interfaces a provider is asked: replies say what they used in different words.
FLAVOURS = {"openai": "chat"}


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a call used; `read` from and `kept` in the provider's cache are parts of `given`."""

    given: int
    answered: int
    read: int = 0
    kept: int = 0


def cost_usd(provider: str, model: str, tokens: Tokens) -> Decimal:
    """The price of these tokens; AdminRequired for a model without a known price: no budget could be kept."""
    from genai_prices import Usage, calc_price

    usage = Usage(
        input_tokens=tokens.given,
        output_tokens=tokens.answered,
        cache_read_tokens=tokens.read,
        cache_write_tokens=tokens.kept,
    )
    try:
        price = calc_price(usage, model, provider_id=provider).total_price
    except LookupError:
        raise AdminRequired(
            f"No price is known for the model {model} of {provider}, so no budget can be kept.",
            actions=("Set a model with a known price in the block, or update the package genai-prices.",),
            code="model-price-unknown",
        ) from None
    return price.quantize(CENT, ROUND_CEILING)


def ceiling_usd(provider: str, model: str, body_bytes: int, max_tokens: int) -> Decimal:
    """The most that a request of so many bytes can cost, all of it written to the cache and answered at full length.

    A provider that does not charge for cache writes charges the plain price, so the dearer of both counts.
    """
    return _ceiling_usd(provider, model, -(-body_bytes // STEP) * STEP + ADDED_TOKENS, max_tokens)


@lru_cache(maxsize=4096)
def _ceiling_usd(provider: str, model: str, given: int, max_tokens: int) -> Decimal:
    plain = cost_usd(provider, model, Tokens(given, max_tokens))
    return max(plain, cost_usd(provider, model, Tokens(given, max_tokens, kept=given)))


def tokens_of(provider: str, model: str, reply: Mapping[str, Any]) -> Tokens | None:
    """What a reply of this model says it used, whatever the provider calls the model there; None if it does not say."""
    from genai_prices import extract_usage

    flavour = FLAVOURS.get(provider, "default")
    try:
        usage = extract_usage({**reply, "model": model}, provider_id=provider, api_flavor=flavour).usage
        counts = (usage.input_tokens, usage.output_tokens, usage.cache_read_tokens, usage.cache_write_tokens)
        tokens = [int(count or 0) for count in counts]
    except (LookupError, ValueError, TypeError, OverflowError):
        return None
    return Tokens(*tokens) if all(0 <= count <= MOST_TOKENS for count in tokens) else None
