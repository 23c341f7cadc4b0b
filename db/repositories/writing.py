"""Who writes a session, what it was expected to cost, and what became of it."""

import uuid
from collections.abc import Mapping
from typing import Any

from db.actor import Actor
from db.enums import EventCategory
from db.repositories.base import Repository


class WritingRepository(Repository):
    """The writing of one session, kept with the session."""

    async def fix_writer(
        self, session_id: uuid.UUID, provider: str, model: str | None, *, actor: Actor
    ) -> tuple[str, str | None]:
        """Fix provider and model the first time; returns what is fixed, now and ever after."""
        record = await self._lock_session(session_id)
        if record.writing.get("fixed"):
            return record.llm_provider_choice, record.llm_model
        before = {"provider": record.llm_provider_choice, "model": record.llm_model}
        record.llm_provider_choice, record.llm_model = provider, model
        record.writing = {**record.writing, "fixed": True}
        fixed = {"provider": provider, "model": model}
        await self._write(actor, session_id, "writer_fixed", fixed, before)
        return provider, model

    async def note(
        self, session_id: uuid.UUID, what: str, values: Mapping[str, Any], *, actor: Actor
    ) -> None:
        """Keep an estimate or the outcome of a run under its name; a later one replaces it."""
        record = await self._lock_session(session_id)
        before = record.writing.get(what, {})
        record.writing = {**record.writing, what: dict(values)}
        await self._write(actor, session_id, what, values, before)

    async def _write(
        self,
        actor: Actor,
        session_id: uuid.UUID,
        what: str,
        data: Mapping[str, Any],
        before: Mapping[str, Any],
    ) -> None:
        await self.session.flush()
        await self.audit.write(
            actor,
            f"writing.{what}",
            EventCategory.PROCESSING,
            session_id=session_id,
            entity_type="session",
            entity_id=session_id,
            description=f"Writing: {what.replace('_', ' ')}",
            event_data=data,
            detail={"before": before, "after": data},
        )
