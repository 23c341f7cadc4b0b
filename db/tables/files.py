"""The files of a session: stored whole, so that a worker on another host has them."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from db.base import ZERO, Base, Key, WrittenAt
from db.enums import FileValidationStatus, TypeSetBy


class UploadedFile(Base):
    """One file as it was handed in, and what was read from it. Both are loaded only when asked for."""

    __tablename__ = "uploaded_files"
    __table_args__ = (
        UniqueConstraint("session_id", "filename"),
        CheckConstraint("octet_length(content) = file_size_bytes", name="size_of_content"),
        CheckConstraint("row_count >= 0", name="row_count"),
    )

    id: Mapped[Key]
    session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"))
    filename: Mapped[str]
    content: Mapped[bytes] = mapped_column(deferred=True, deferred_raiseload=True)
    content_hash: Mapped[str]
    file_size_bytes: Mapped[int]
    csv_type: Mapped[str | None]
    type_set_by: Mapped[TypeSetBy | None]
    parsed_content: Mapped[dict[str, Any] | None] = mapped_column(deferred=True, deferred_raiseload=True)
    validation_status: Mapped[FileValidationStatus] = mapped_column(
        server_default=FileValidationStatus.PENDING
    )
    row_count: Mapped[int] = mapped_column(server_default=ZERO)
    uploaded_at: Mapped[WrittenAt]
    processed_at: Mapped[datetime | None]
