"""What the model answered and what it cost. Both belong to the installation and outlive the sessions."""

import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from db.base import ZERO, Base, Key, WrittenAt


class ModelReply(Base):
    """An accepted reply under the hash of the exact request body: nothing is paid for twice."""

    __tablename__ = "model_replies"
    __table_args__ = (
        Index("ix_model_replies_used_at", "used_at"),
        Index("ix_model_replies_prompt_hash", "prompt_hash"),
        Index("ix_model_replies_model_created_at", "provider", "model", "created_at"),
    )

    request_hash: Mapped[str] = mapped_column(primary_key=True)
    provider: Mapped[str]
    model: Mapped[str]
    prompt_version: Mapped[str]
    reply: Mapped[dict[str, Any]]
    input_tokens: Mapped[int] = mapped_column(server_default=ZERO)
    output_tokens: Mapped[int] = mapped_column(server_default=ZERO)
    cache_read_tokens: Mapped[int] = mapped_column(server_default=ZERO)
    cache_write_tokens: Mapped[int] = mapped_column(server_default=ZERO)
    # What the call was for, and the prompt as it can be known without sending it: what estimates are made from.
    purpose: Mapped[str] = mapped_column(server_default="write")
    prompt_hash: Mapped[str | None]
    prompt_bytes: Mapped[int] = mapped_column(server_default=ZERO)
    created_at: Mapped[WrittenAt]
    used_at: Mapped[WrittenAt]


class ModelReservation(Base):
    """Money set aside before a call is sent. Not yet settled, it counts at its ceiling."""

    __tablename__ = "model_reservations"
    __table_args__ = (
        CheckConstraint("ceiling_usd >= 0", name="ceiling"),
        CheckConstraint("spent_usd >= 0", name="spent"),
        CheckConstraint("(spent_usd IS NULL) = (settled_at IS NULL)", name="settled_with_amount"),
        Index("ix_model_reservations_session_id", "session_id"),
    )

    id: Mapped[Key]
    session_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("sessions.id", ondelete="SET NULL"))
    task_id: Mapped[str]
    task_attempt: Mapped[int]
    model: Mapped[str]
    purpose: Mapped[str] = mapped_column(server_default="write")
    ceiling_usd: Mapped[Decimal]
    spent_usd: Mapped[Decimal | None]
    reserved_at: Mapped[WrittenAt]
    settled_at: Mapped[datetime | None]
