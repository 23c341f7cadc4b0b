"""The blocks of the models that write, made from the environment: a key makes one, no key means the offline writer."""

from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound

from blocks.anthropic import AnthropicWriter
from deployments.settings import Settings

ANTHROPIC_BLOCK = "anthropic"


async def ensure_anthropic_block(settings: Settings, *, own_server: bool) -> str:
    """Key and address as the environment says; model, effort and limits stay as people set them in the block.

    Without a key the block of our own server goes: an installation without a key writes offline. On a shared server
    it is left to whoever made it.
    """
    where = f"block {AnthropicWriter.get_block_type_slug()}/{ANTHROPIC_BLOCK}"
    existing = await _find()
    if settings.anthropic_api_key is None:
        if existing is None or not own_server:
            return f"{where}: left alone, ANTHROPIC_API_KEY is not set"
        await _remove()
        return f"{where}: removed, ANTHROPIC_API_KEY is not set"
    base = existing or AnthropicWriter(api_key=settings.anthropic_api_key)
    standard = str(AnthropicWriter.model_fields["base_url"].default)
    given = {"api_key": settings.anthropic_api_key, "base_url": settings.anthropic_base_url or standard}
    if existing is not None and all(getattr(existing, name) == value for name, value in given.items()):
        return f"{where}: unchanged"
    fields = {name: getattr(base, name) for name in AnthropicWriter.model_fields}
    await AnthropicWriter.model_validate({**fields, **given}).asave(ANTHROPIC_BLOCK, overwrite=True)
    return f"{where}: {'updated' if existing else 'created'}"


async def _find() -> AnthropicWriter | None:
    try:
        return await AnthropicWriter.aload(ANTHROPIC_BLOCK)
    except ValueError:  # Prefect's word for a block that does not exist
        return None


async def _remove() -> None:
    async with get_client() as client:
        try:
            document = await client.read_block_document_by_name(
                ANTHROPIC_BLOCK, AnthropicWriter.get_block_type_slug()
            )
        except ObjectNotFound:
            return
        await client.delete_block_document(document.id)
