"""The files of a session and what was read from them."""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import undefer

from db.actor import Actor
from db.enums import EventCategory, FileValidationStatus, TypeSetBy
from db.errors import NotFound
from db.models import UploadedFile
from db.repositories.base import Repository
from db.repositories.snapshots import difference, snapshot

# Large, or changed with every write.
UNTOLD = {"content", "parsed_content", "uploaded_at", "processed_at"}


class FileRepository(Repository):
    """Uploaded files, known by their names."""

    async def add(
        self, session_id: uuid.UUID, filename: str, content: bytes, *, actor: Actor
    ) -> UploadedFile:
        """Keep a file; one of the same name is replaced, and a type that a person gave it stays."""
        await self._lock_session(session_id)
        digest = hashlib.sha256(content).hexdigest()
        file = await self._named(session_id, filename)
        if file is not None and file.content_hash == digest:
            return file
        event = "file.added" if file is None else "file.replaced"
        before = snapshot(file, UNTOLD) if file else {}
        if file is None:
            file = UploadedFile(session_id=session_id, filename=filename)
        file.content, file.content_hash, file.file_size_bytes = content, digest, len(content)
        file.csv_type = file.csv_type if file.type_set_by is TypeSetBy.PERSON else None
        file.parsed_content, file.row_count, file.processed_at = None, 0, None
        file.validation_status = FileValidationStatus.PENDING
        file.uploaded_at = func.clock_timestamp()
        await self._save(file)
        await self._write(actor, file, event, {"bytes": len(content), "sha256": digest}, before)
        return file

    async def list_files(
        self, session_id: uuid.UUID, *, content: bool = False, parsed: bool = False
    ) -> list[UploadedFile]:
        """The files of a session by name; their content and what was read from them only when asked for."""
        query = (
            select(UploadedFile)
            .where(UploadedFile.session_id == session_id)
            .order_by(UploadedFile.filename)
            .execution_options(populate_existing=True)
        )
        wanted = ((content, UploadedFile.content), (parsed, UploadedFile.parsed_content))
        for asked, column in wanted:
            query = query.options(undefer(column)) if asked else query
        return list(await self.session.scalars(query))

    async def remove(self, session_id: uuid.UUID, filenames: Sequence[str], *, actor: Actor) -> None:
        """Take files out of the session."""
        await self._lock_session(session_id)
        for filename in filenames:
            if file := await self._named(session_id, filename):
                await self._write(actor, file, "file.removed", {}, {})
                await self.session.execute(delete(UploadedFile).where(UploadedFile.id == file.id))

    async def set_types(self, session_id: uuid.UUID, types: Mapping[str, str], *, actor: Actor) -> None:
        """A person says what tabs these files are, by filename; it holds against any detection."""
        await self._lock_session(session_id)
        for filename, csv_type in types.items():
            file = await self._named(session_id, filename)
            if file is None:
                raise NotFound(f"The session has no file {filename}.")
            if (file.csv_type, file.type_set_by) == (csv_type, TypeSetBy.PERSON):
                continue
            before = snapshot(file, UNTOLD)
            file.csv_type, file.type_set_by = csv_type, TypeSetBy.PERSON
            await self.session.flush()
            await self._write(actor, file, "file.type_set", {"csv_type": csv_type}, before)

    async def store_parsed(
        self,
        file_id: uuid.UUID,
        *,
        csv_type: str | None,
        parsed: Mapping[str, Any] | None,
        row_count: int,
        status: FileValidationStatus,
        actor: Actor,
        type_set_by: TypeSetBy = TypeSetBy.DETECTION,
    ) -> None:
        """Keep what was read from a file."""
        file: UploadedFile | None = await self._fresh(
            select(UploadedFile).where(UploadedFile.id == file_id).with_for_update()
        )
        if file is None:
            raise NotFound(f"There is no file {file_id}.")
        before = snapshot(file, UNTOLD)
        file.csv_type, file.type_set_by = csv_type, type_set_by
        file.parsed_content = dict(parsed) if parsed is not None else None
        file.row_count, file.validation_status = row_count, status
        file.processed_at = func.clock_timestamp()
        await self._save(file)
        await self._write(
            actor, file, "file.read", {"csv_type": csv_type, "rows": row_count, "status": status}, before
        )

    async def _named(self, session_id: uuid.UUID, filename: str) -> UploadedFile | None:
        query = select(UploadedFile).where(
            UploadedFile.session_id == session_id, UploadedFile.filename == filename
        )
        file: UploadedFile | None = await self._fresh(query)
        return file

    async def _write(
        self,
        actor: Actor,
        file: UploadedFile,
        event: str,
        data: Mapping[str, Any],
        before: Mapping[str, Any],
    ) -> None:
        await self.audit.write(
            actor,
            event,
            EventCategory.UPLOAD,
            session_id=file.session_id,
            entity_type="uploaded_file",
            entity_id=file.id,
            description=file.filename,
            event_data={"filename": file.filename, **data},
            detail=difference(before, snapshot(file, UNTOLD)),
        )
