"""The life of background runs: queued, claimed, ended; at most one running per session, fenced by attempt."""

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select, update

from db.actor import Actor
from db.base import NOW
from db.enums import EventCategory, TaskStatus, TaskType
from db.errors import AlreadyRunning, RetriesUsedUp
from db.models import MAX_RETRIES, SessionTask
from db.repositories.base import Repository
from db.repositories.recordable import recordable
from db.repositories.snapshots import difference, snapshot

MILLISECOND = timedelta(milliseconds=1)
CATEGORY = {
    TaskType.PROCESSING: EventCategory.PROCESSING,
    TaskType.EXPORT: EventCategory.JIRA_EXPORT,
    TaskType.ADF_VALIDATION: EventCategory.REVIEW,
}


class TaskRepository(Repository):
    """Background runs. A run that lost its attempt changes nothing: its writes return False."""

    async def queue(self, session_id: uuid.UUID, task_type: TaskType, *, actor: Actor) -> SessionTask:
        """Hold the session for a run that is about to be triggered; a cancel asked for earlier is over.

        Raises AlreadyRunning, or RetriesUsedUp after three failed runs without progress.
        """
        record = await self._lock_session(session_id)
        if running := await self.current(session_id):
            raise AlreadyRunning(_taken(running))
        record.cancel_requested_at = None
        row = await self._insert(session_id, task_type)
        await self._write(actor, row, "queued", {})
        return row

    async def claim(self, session_id: uuid.UUID, task_type: TaskType, task_id: str, *, actor: Actor) -> int:
        """Take the session for the flow run `task_id` and return the attempt that fences all its later writes.

        Claims the queued row, reopens this run's own row with the next attempt, or inserts one for a run that
        was started elsewhere. Raises AlreadyRunning or RetriesUsedUp.
        """
        await self._lock_session(session_id)
        own = await self._of_run(session_id, task_type, task_id)
        running = await self.current(session_id)
        queued_for_us = running and running.task_id is None and running.task_type is task_type
        if running and running is not own and (own or not queued_for_us):
            raise AlreadyRunning(_taken(running))
        row = own or running or await self._insert(session_id, task_type)
        claimed = await self._change(
            actor,
            "started",
            SessionTask.id == row.id,
            task_id=task_id,
            attempt=SessionTask.attempt + 1,
            status=TaskStatus.RUNNING,
            retry_count=await self._failed_before(session_id, task_type, row.id),
            started_at=NOW,
            completed_at=None,
            failed_at=None,
            failure_context=None,
        )
        assert claimed is not None  # noqa: S101 - its session is locked
        return claimed.attempt

    async def holds(self, session_id: uuid.UUID, task_id: str, attempt: int) -> bool:
        """Whether this attempt still holds the session; if so, nobody takes over before the transaction ends."""
        query = select(SessionTask.id).where(*mine(session_id, task_id, attempt)).with_for_update(read=True)
        return await self.session.scalar(query) is not None

    async def require_alone(self, session_id: uuid.UUID, task_id: str) -> None:
        """Raise AlreadyRunning when another run holds the session, or is queued to."""
        running = await self.current(session_id)
        if running and running.task_id != task_id:
            raise AlreadyRunning(_taken(running))

    async def complete(self, session_id: uuid.UUID, task_id: str, attempt: int, *, actor: Actor) -> bool:
        """The run did its work; False when another attempt has taken over."""
        await self._lock_session(session_id)
        return await self._end(
            actor, session_id, task_id, attempt, status=TaskStatus.COMPLETED, completed_at=NOW, retry_count=0
        )

    async def fail(
        self,
        session_id: uuid.UUID,
        task_id: str | None,
        attempt: int,
        *,
        context: Mapping[str, Any],
        actor: Actor,
        counts: bool = True,
        progress: bool = False,
    ) -> bool:
        """The run failed; False when another attempt has taken over.

        `counts=False` for stops that are nobody's failure (validation required, budget); `progress=True` when it
        got further than the run before, which starts the count of failed runs anew.
        """
        await self._lock_session(session_id)
        row = await self.session.scalar(select(SessionTask).where(*mine(session_id, task_id, attempt)))
        if row is None:
            return False
        before = await self._failed_before(session_id, row.task_type, row.id)
        count = 0 if progress else min(before + 1, MAX_RETRIES) if counts else before
        return await self._end(
            actor,
            session_id,
            task_id,
            attempt,
            status=TaskStatus.FAILED,
            failed_at=NOW,
            retry_count=count,
            failure_context=recordable(context),
        )

    async def cancel(self, session_id: uuid.UUID, task_id: str | None, attempt: int, *, actor: Actor) -> bool:
        """The run stopped because a person asked for it; with `None` and 0, a queued one that never started."""
        record = await self._lock_session(session_id)
        ended = {"status": TaskStatus.CANCELLED, "completed_at": NOW}
        if not await self._end(actor, session_id, task_id, attempt, **ended):
            return False
        record.cancel_requested_at = None
        await self.session.flush()
        return True

    async def current(self, session_id: uuid.UUID) -> SessionTask | None:
        """The run that holds the session, or is queued to."""
        query = select(SessionTask).where(
            SessionTask.session_id == session_id, SessionTask.status == TaskStatus.RUNNING
        )
        row: SessionTask | None = await self._fresh(query)
        return row

    async def running(self) -> list[SessionTask]:
        """All rows of all sessions that say running, the queued ones (without `task_id`) included."""
        query = select(SessionTask).where(SessionTask.status == TaskStatus.RUNNING)
        return list(await self.session.scalars(query.order_by(SessionTask.queued_at)))

    async def history(self, session_id: uuid.UUID) -> list[SessionTask]:
        """All runs of a session, oldest first."""
        query = select(SessionTask).where(SessionTask.session_id == session_id)
        return list(await self.session.scalars(query.order_by(SessionTask.queued_at)))

    async def retries_used_up(self, session_id: uuid.UUID, task_type: TaskType) -> bool:
        """Whether an administrator has to reset the count before a run of this type may start."""
        return await self._failed_before(session_id, task_type, None) >= MAX_RETRIES

    async def reset_retries(self, session_id: uuid.UUID, *, actor: Actor) -> None:
        """An administrator lets failed work be tried again."""
        await self._lock_session(session_id)
        rows = await self.history(session_id)
        before = {str(row.id): row.retry_count for row in rows}
        await self.session.execute(
            update(SessionTask).where(SessionTask.session_id == session_id).values(retry_count=0)
        )
        await self.audit.write(
            actor,
            "run.retries_reset",
            EventCategory.SYSTEM,
            session_id=session_id,
            entity_type="session",
            entity_id=session_id,
            description="Retries reset",
            detail={"before": before, "after": dict.fromkeys(before, 0)},
        )

    async def _insert(self, session_id: uuid.UUID, task_type: TaskType) -> SessionTask:
        count = await self._failed_before(session_id, task_type)
        if count >= MAX_RETRIES:
            raise RetriesUsedUp(
                f"{MAX_RETRIES} runs of {task_type} in a row failed without progress. "
                "An administrator can reset the count when the cause is removed."
            )
        row = SessionTask(session_id=session_id, task_type=task_type, retry_count=count)
        self.session.add(row)
        await self.session.flush()
        return row

    async def _end(
        self, actor: Actor, session_id: uuid.UUID, task_id: str | None, attempt: int, **values: Any
    ) -> bool:
        what = values["status"].value
        return await self._change(actor, what, *mine(session_id, task_id, attempt), **values) is not None

    async def _change(
        self, actor: Actor, what: str, *where: ColumnElement[bool], **values: Any
    ) -> SessionTask | None:
        """Change the row of which this is true; None where there is none."""
        row: SessionTask | None = await self._fresh(select(SessionTask).where(*where))
        before = snapshot(row, ()) if row else {}
        row = await self._fresh(update(SessionTask).where(*where).values(**values).returning(SessionTask))
        if row is not None:
            await self._write(actor, row, what, before)
        return row

    async def _of_run(self, session_id: uuid.UUID, task_type: TaskType, task_id: str) -> SessionTask | None:
        query = select(SessionTask).where(
            SessionTask.session_id == session_id,
            SessionTask.task_type == task_type,
            SessionTask.task_id == task_id,
        )
        row: SessionTask | None = await self._fresh(query)
        return row

    async def _failed_before(
        self, session_id: uuid.UUID, task_type: TaskType, but: uuid.UUID | None = None
    ) -> int:
        """The count that the last ended run of the type left, the row `but` aside."""
        query = (
            select(SessionTask.retry_count)
            .where(
                SessionTask.session_id == session_id,
                SessionTask.task_type == task_type,
                SessionTask.status != TaskStatus.RUNNING,
                SessionTask.id.is_distinct_from(but),
            )
            .order_by(func.coalesce(SessionTask.completed_at, SessionTask.failed_at).desc())
            .limit(1)
        )
        return await self.session.scalar(query) or 0

    async def _write(self, actor: Actor, row: SessionTask, what: str, before: Mapping[str, Any]) -> None:
        ended = row.completed_at or row.failed_at
        took = (ended - row.started_at) / MILLISECOND if ended and row.started_at else None
        await self.audit.write(
            actor,
            f"run.{what}",
            CATEGORY[row.task_type],
            session_id=row.session_id,
            entity_type="session_task",
            entity_id=row.id,
            description=f"Run of {row.task_type} {what}",
            event_data={"task_type": row.task_type, "task_id": row.task_id, "attempt": row.attempt},
            detail=difference(before, snapshot(row, ())),
            execution_time_ms=None if took is None else round(took),
        )


def mine(session_id: uuid.UUID, task_id: str | None, attempt: int) -> tuple[ColumnElement[bool], ...]:
    """The fence: the row of this attempt, as long as it runs."""
    return (
        SessionTask.session_id == session_id,
        SessionTask.task_id.is_not_distinct_from(task_id),
        SessionTask.attempt == attempt,
        SessionTask.status == TaskStatus.RUNNING,
    )


def _taken(row: SessionTask) -> str:
    if row.task_id is None:
        return f"A run of {row.task_type} is already queued for this session."
    return f"A run of {row.task_type} already works on this session (flow run {row.task_id})."
