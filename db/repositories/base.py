"""What all repositories have: a session of SQLAlchemy, and the audit trail beside it."""

import uuid
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.errors import NotFound
from db.models import Base, Session, SessionValidation
from db.repositories.audit import AuditRepository


class Repository:
    """Queries over one subject. Whoever changes something says who acts; the audit entry is written along.

    Rows are locked in one order: session, run, validation, tickets by id.
    """

    def __init__(self, session: AsyncSession) -> None:
        self.session = session
        self.audit = AuditRepository(session)

    async def _lock_session(self, session_id: uuid.UUID) -> Session:
        """Lock the row of a session until the transaction ends; rows that refer to it can still be added."""
        query = select(Session).where(Session.id == session_id).with_for_update(key_share=True)
        record: Session | None = await self._fresh(query)
        if record is None:
            raise NotFound(f"There is no session {session_id}.")
        return record

    async def _lock_validation(self, session_id: uuid.UUID) -> SessionValidation:
        """Lock what edits, validation and intents of a session have in common.

        A statement of its own, always: in a statement that waits for a lock, clock_timestamp() may be taken before
        the wait.
        """
        query = select(SessionValidation).where(SessionValidation.session_id == session_id).with_for_update()
        row: SessionValidation | None = await self._fresh(query)
        if row is None:
            raise NotFound(f"There is no session {session_id}.")
        return row

    async def _save(self, row: Base) -> None:
        """Write a row and read back what the database made of it, such as the times that it set."""
        self.session.add(row)
        await self.session.flush()
        await self.session.refresh(row)

    async def _fresh(self, query: Any) -> Any:
        """One row as it is in the database now, whatever was loaded before."""
        return await self.session.scalar(query.execution_options(populate_existing=True))
