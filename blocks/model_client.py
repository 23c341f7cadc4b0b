"""Asks a model one question at a time, again where that may help, and says how the answer ended.

Knows pydantic-ai, so any provider that it speaks to; knows nothing of Prefect, money or tickets.
"""

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import httpx2
from pydantic_ai.direct import model_request
from pydantic_ai.exceptions import (
    AgentRunError,
    ContentFilterError,
    ModelAPIError,
    ModelAuthenticationError,
    ModelContextWindowExceededError,
    ModelNotFoundError,
    ModelQuotaExceededError,
    ModelRateLimitError,
    ModelRequestRejectedError,
)
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, TextPart, UserPromptPart
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.output import OutputObjectDefinition
from pydantic_ai.settings import ModelSettings

from blocks.model_calls import Answer, Call, Purpose, Stop
from blocks.model_transport import CALL
from tasks.core.errors import AdminRequired, ProductError, Temporary

ATTEMPTS = 5
FIRST_PAUSE = 0.3
# The account is at its limit: waiting does not help, whatever the status says.
SPEND_LIMIT = "spend_limit"
# What the libraries stumble with over a reply that lacks what every reply has; it was paid for, and no other comes.
UNREADABLE = (AssertionError, AttributeError, KeyError, RecursionError, TypeError, ValueError)
MOST_TEXT = 100_000  # characters: more than we leave room for, and what would take minutes to judge
ENDINGS = {
    "stop": Stop.DONE,
    "length": Stop.CUT_OFF,
    "content_filter": Stop.REFUSED,
}


class ModelClient:
    """One model of one provider, for one piece of work on one event loop."""

    def __init__(
        self,
        provider: str,
        model: Model[Any],
        http: httpx2.AsyncClient,
        settings: Mapping[str, Any],
        schema: dict[str, Any],
        *,
        deadline: float,
    ) -> None:
        self.provider = provider
        self._model = model
        self._http = http
        self._settings = settings
        self._deadline = deadline
        output = OutputObjectDefinition(json_schema=schema, name="ticket", strict=True)
        self._parameters = ModelRequestParameters(
            output_mode="native", output_object=output, allow_text_output=True
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    @property
    def name(self) -> str:
        """The model's name, as the provider knows it."""
        return self._model.model_name

    async def ask(self, call: Call, instructions: str, turns: Sequence[str]) -> Answer:
        """Ask; `turns` are ours and the model's in turn, ours last.

        Raises AdminRequired for what waiting does not cure, Temporary when the provider does not answer in time, and
        whatever the ledger raises.
        """
        end = time.monotonic() + self._deadline
        problem: Exception = TimeoutError()
        for attempt in range(ATTEMPTS):
            try:
                return _answer(await self._request(call, instructions, turns))
            except AgentRunError as error:
                if (final := _final(error)) is not None:
                    return final
                problem = error
            except UNREADABLE as error:
                return Answer(Stop.UNREADABLE, _short(error))
            if not isinstance(problem, ModelRateLimitError):  # for those the limiter knows how long
                await asyncio.sleep(FIRST_PAUSE * 2**attempt * random.uniform(1, 1.5))  # noqa: S311
            if time.monotonic() > end:
                break
        raise Temporary(
            f"The model {self.name} does not answer: {_short(problem)}",
            actions=("Resume the session later: what is written stays written.",),
            code="model-away",
        ) from None

    async def check(self, instructions: str, turns: Sequence[str], prompt_hash: str) -> None:
        """Reach the provider, log in and find the model, and have it keep the instructions in its cache.

        Raises AdminRequired or Temporary. Asks for no answer; a provider that wants to give one may say a word.
        """
        size = len(instructions.encode())
        for words in (0, 16):
            answer = await self.ask(Call(Purpose.CHECK, prompt_hash, size, words), instructions, turns)
            if answer.stop is not Stop.REJECTED:
                return
        raise AdminRequired(
            f"The provider does not take requests to {self.name}: {answer.text}",
            actions=("Check model, effort and limits in the block.",),
            code="model-request",
        )

    async def _request(self, call: Call, instructions: str, turns: Sequence[str]) -> ModelResponse:
        token = CALL.set(call)
        try:
            return await model_request(
                self._model,
                _messages(instructions, turns),
                model_settings=ModelSettings(**self._settings, max_tokens=call.max_tokens),  # type: ignore[typeddict-item]
                model_request_parameters=self._parameters,
            )
        finally:
            CALL.reset(token)


def _messages(instructions: str, turns: Sequence[str]) -> list[ModelMessage]:
    messages: list[ModelMessage] = []
    for number, turn in enumerate(turns):
        if number % 2:
            messages.append(ModelResponse(parts=[TextPart(turn)]))
        else:
            messages.append(ModelRequest(parts=[UserPromptPart(turn)], instructions=instructions))
    return messages


def _answer(response: ModelResponse) -> Answer:
    # The provider's own word first: a question that is too long is called "length" as well.
    if (response.provider_details or {}).get("finish_reason") == "model_context_window_exceeded":
        return Answer(Stop.TOO_LONG)
    stop = ENDINGS.get(response.finish_reason or "", Stop.REFUSED)
    if stop is not Stop.DONE:
        return Answer(stop)
    text = "".join(part.content for part in response.parts if isinstance(part, TextPart))
    if len(text) > MOST_TEXT:
        return Answer(Stop.UNREADABLE, f"The answer has {len(text):,} characters.")
    return Answer(stop, text)


def _final(error: AgentRunError) -> Answer | None:
    """The answer that an error is, or None when asking again may help; raises what a person has to see."""
    if (ours := _ours(error)) is not None:
        raise ours
    if isinstance(error, ContentFilterError):
        return Answer(Stop.REFUSED)
    if isinstance(error, ModelContextWindowExceededError):
        return Answer(Stop.TOO_LONG)
    if isinstance(error, ModelQuotaExceededError) or _is_spend_limit(error):
        raise _admin("The account at the model's provider has reached its limit", "model-quota", error)
    if isinstance(error, ModelAuthenticationError):
        raise _admin("The model's provider refuses our key", "model-login", error)
    if isinstance(error, ModelNotFoundError):
        raise _admin(
            "The model's provider does not know the model, or the address is wrong", "model-unknown", error
        )
    if isinstance(error, ModelRequestRejectedError) or getattr(error, "status_code", None) == 413:  # noqa: PLR2004
        return Answer(Stop.REJECTED, _short(error))
    return None


def _ours(error: BaseException | None) -> ProductError | None:
    """The error that our own ledger or limiter raised, below the SDK and wrapped by it."""
    while error is not None and not isinstance(error, ProductError):
        error = error.__cause__ or error.__context__
    return error


def _is_spend_limit(error: AgentRunError) -> bool:
    return isinstance(error, ModelAPIError) and SPEND_LIMIT in f"{error} {getattr(error, 'body', '')}"


def _admin(what: str, code: str, error: Exception) -> AdminRequired:
    return AdminRequired(
        f"{what}: {_short(error)}",
        actions=("Put it right in the model's block or at the provider, then resume the session.",),
        code=code,
    )


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
