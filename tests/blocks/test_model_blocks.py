"""The blocks of the models that write."""

import pytest

from blocks.anthropic import AnthropicWriter
from blocks.openai import OpenAIWriter
from blocks.writer_block import WriterBlock


@pytest.mark.parametrize("kind", [AnthropicWriter, OpenAIWriter])
def test_the_key_is_hidden_and_every_field_is_described(kind: type[WriterBlock]) -> None:
    block = kind.model_validate({"api_key": "very-secret"})
    assert "very-secret" not in repr(block) + str(block) + str(block.model_dump())
    described = kind.model_json_schema()["properties"]
    assert all(described[name].get("description") for name in kind.model_fields)


@pytest.mark.parametrize("kind", [AnthropicWriter, OpenAIWriter])
def test_a_key_is_all_that_has_to_be_given(kind: type[WriterBlock]) -> None:
    block = kind.model_validate({"api_key": "k"})
    assert (block.in_flight, block.request_seconds) == (16, 60)
